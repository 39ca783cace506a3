"""Many units enrolled at once: a fleet that is taken into service, or moved from elsewhere."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.access.secrets import machine_hash, new_token
from hub.store import audit, units
from hub.store.database import Pool
from protocols.clock import Clock
from protocols.ids import TopicSafe, UnitId


class Applicant(BaseModel):
    """A unit to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: TopicSafe
    call_sign: Annotated[str, Field(min_length=1, max_length=40)]
    profile: Literal["ambulance", "patrol"]
    organisation: Annotated[str, Field(min_length=1, max_length=80)] = "Golden Hour"
    light: bool = False


async def enrol_all(
    pool: Pool, clock: Clock, wanted: Sequence[Applicant], *, replace: bool
) -> dict[str, str]:
    """Enrol all of `wanted`, or none; return their passwords, which are shown this once.

    A password's hash takes a millisecond (see `secrets`), so ten thousand are made in ten seconds.

    Raises:
        ConflictError: one is enrolled already and `replace` was not asked for.
    """
    passwords = {one.unit: new_token() for one in wanted}
    hashes = await asyncio.to_thread(lambda: [machine_hash(word) for word in passwords.values()])
    now_utc_us = clock.utc_us()
    await units.enrol_many(
        pool,
        [
            units.NewUnit(
                unit=UnitId(one.unit),
                call_sign=one.call_sign,
                profile=one.profile,
                organisation=one.organisation,
                password_bcrypt=hashed,
                light=one.light,
            )
            for one, hashed in zip(wanted, hashes, strict=True)
        ],
        replace=replace,
        now_utc_us=now_utc_us,
    )
    entries = [
        audit.Entry(
            at_utc_us=now_utc_us, actor="-", action="unit.enrol", subject=one.unit, facts={}
        )
        for one in wanted
    ]
    await audit.append_all(pool, entries)
    return passwords
