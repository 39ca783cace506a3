"""A doctor invites others by name: they are rung, as by the crew."""

import uuid
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.access.rights import Principal
from hub.consult.consult import Consult
from hub.store import encounters
from hub.store.database import Pool
from protocols.errors import ConflictError
from protocols.ids import TopicSafe
from protocols.messages import RingRequest
from protocols.messages.room import Name


class Whom(BaseModel):
    """One team, one doctor, or every doctor of one hospital."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    team_id: TopicSafe | None = None
    username: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    organisation: Name | None = None

    @model_validator(mode="after")
    def _rings_one(self) -> Self:
        if [self.team_id, self.username, self.organisation].count(None) != 2:  # noqa: PLR2004
            raise ValueError("ring a team, a person or a hospital")
        return self


async def invite_by_name(
    consult: Consult, pool: Pool, encounter_id: str, whom: Whom, who: Principal
) -> None:
    """Ring whoever is named.

    Raises:
        NotFoundError: no such encounter.
        ConflictError: it is closed.
    """
    encounter = await encounters.find(pool, encounter_id)
    if encounter.closed_utc_us is not None:
        raise ConflictError(reason="the encounter is closed", encounter_id=encounter_id)
    request = RingRequest(
        ring_id=str(uuid.uuid4()),
        encounter_id=encounter.encounter_id,
        by=who.display_name[:80],
        **whom.model_dump(),
    )
    async with pool.acquire() as connection, connection.transaction():
        news = await consult.rings.asked(connection, encounter, request, consult.now_utc_us())
    await consult.tell(news)
