"""What an administrator does by command, whether the hub runs or not.

Where the hub runs, its database is used; where it does not, the built-in one is started for the
moment.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.access.applicants import Applicant, enrol_all
from hub.access.desk import MAX_PASSWORD_CHARACTERS, USERNAME_PATTERN, Desk
from hub.access.rights import Role
from hub.engines import migrated
from hub.settings import HubSettings
from hub.store import BuiltInPostgres, Pool
from protocols.errors import ConfigError, LocalProtocolError
from protocols.ids import UnitId, unit_id
from protocols.runtime.clock import SystemClock
from protocols.runtime.files import PRIVATE, write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A unit to be, and the file for its credential."""

    unit: str
    profile: str
    call_sign: str
    organisation: str
    light: bool
    replace: bool
    out: Path


class Person(BaseModel):
    """Somebody who is to sign in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: Annotated[str, Field(pattern=USERNAME_PATTERN)]
    role: Role
    display_name: Annotated[str, Field(min_length=1, max_length=80)]
    organisation: Annotated[str, Field(min_length=1, max_length=80)] = "Golden Hour"
    password: Annotated[str, Field(min_length=10, max_length=MAX_PASSWORD_CHARACTERS, repr=False)]

    @classmethod
    def checked(cls, fields: dict[str, Any]) -> Self:
        """Return the person.

        Raises:
            ConfigError: a field is not as it should be; the password is not shown.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as err:
            raise _wrong(err) from None


def read_password(file: Path) -> str:
    """Return the password in `file`.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(reason="cannot read the password", file=str(file)) from err


def read_people(file: Path) -> list[Person]:
    """Return the people listed in a JSON file.

    Raises:
        ConfigError: it cannot be read or is not such a list.
    """
    try:
        return TypeAdapter(list[Person]).validate_python(json.loads(file.read_text()))
    except (OSError, ValueError) as err:
        if isinstance(err, ValidationError):
            raise _wrong(err) from None
        raise ConfigError(reason="cannot read the list of people", file=str(file)) from err


async def enrol(settings: HubSettings, wanted: Enrolment) -> None:
    """Enrol a unit and write its credential.

    Raises:
        ConfigError: a value is wrong, or the file stands already.
        ConflictError: the unit is enrolled already.
    """
    if wanted.profile not in {"ambulance", "patrol"}:
        raise ConfigError(reason="a profile is ambulance or patrol", given=wanted.profile)
    if wanted.out.exists():
        raise ConfigError(reason="the file stands already", file=str(wanted.out))
    unit = _named(wanted.unit)
    async with _desk(settings) as desk:
        password = await desk.enrol(
            unit,
            call_sign=wanted.call_sign,
            profile="ambulance" if wanted.profile == "ambulance" else "patrol",
            organisation=wanted.organisation,
            light=wanted.light,
            replace=wanted.replace,
        )
    text = json.dumps({"unit": unit, "password": password})
    write_whole(wanted.out, text.encode(), mode=PRIVATE)


def read_applicants(file: Path) -> list[Applicant]:
    """Return the units listed in a file, one JSON object a line.

    Raises:
        ConfigError: it cannot be read, is empty, or a line is no unit to be; its number is said.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(reason="cannot read the list of units", file=str(file)) from err
    found: dict[str, Applicant] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            one = Applicant.model_validate_json(line)
        except ValidationError as err:
            raise ConfigError(line=number, **_wrong(err).facts) from None
        if one.unit in found:
            raise ConfigError(reason="a unit appears twice", file=str(file), line=number)
        found[one.unit] = one
    if not found:
        raise ConfigError(reason="the list of units is empty", file=str(file))
    return list(found.values())


async def enrol_list(
    settings: HubSettings, wanted: Sequence[Applicant], *, replace: bool, out: Path
) -> None:
    """Enrol all of `wanted`, or none, and write their credentials to `out`, one a line.

    Raises:
        ConfigError: the file stands already.
        ConflictError: one is enrolled already and `replace` was not asked for.
    """
    if out.exists():  # noqa: ASYNC240 -- nothing else runs yet
        raise ConfigError(reason="the file stands already", file=str(out))
    async with open_database(settings) as pool:
        passwords = await enrol_all(pool, SystemClock(), wanted, replace=replace)
    lines = [
        json.dumps(
            {
                "unit": one.unit,
                "password": passwords[one.unit],
                "profile": one.profile,
                "call_sign": one.call_sign,
            },
            ensure_ascii=False,
        )
        for one in wanted
    ]
    write_whole(out, "\n".join([*lines, ""]).encode(), mode=PRIVATE)


async def add_accounts(settings: HubSettings, people: Sequence[Person], *, replace: bool) -> None:
    """Add `people`.

    Raises:
        ConflictError: a name is taken; those before it were added.
    """
    async with _desk(settings) as desk:
        for one in people:
            await desk.add_account(
                username=one.username,
                display_name=one.display_name,
                role=one.role,
                organisation=one.organisation,
                password=one.password,
                replace=replace,
            )


async def revoke(settings: HubSettings, unit: str) -> None:
    """Take a unit's credential away.

    Raises:
        NotFoundError: no such unit, or revoked before.
    """
    async with _desk(settings) as desk:
        await desk.revoke(_named(unit))


async def disable(settings: HubSettings, username: str) -> None:
    """Let a person sign in no more.

    Raises:
        NotFoundError: no such account, or disabled before.
    """
    async with _desk(settings) as desk:
        await desk.disable(username)


def _named(unit: str) -> UnitId:
    try:
        return unit_id(unit)
    except LocalProtocolError as err:
        raise ConfigError(reason="a unit's id is 1 to 64 of A-Z a-z 0-9 _ -") from err


@contextlib.asynccontextmanager
async def _desk(settings: HubSettings) -> AsyncIterator[Desk]:
    async with open_database(settings) as pool:
        yield Desk(pool, SystemClock(), session_s=0)


@contextlib.asynccontextmanager
async def open_database(settings: HubSettings) -> AsyncIterator[Pool]:
    """Yield the hub's database, started for the moment where the hub does not run."""
    if settings.postgres.url is not None:
        async with migrated(settings.postgres.url.get_secret_value(), most=2) as pool:
            yield pool
        return
    folder = settings.data_dir.resolve() / "postgres"
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    postgres = BuiltInPostgres(folder)
    url = await postgres.running_elsewhere()
    if url is not None:
        async with migrated(url, most=2) as pool:
            yield pool
        return
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(postgres.run(), name="postgres")
            await postgres.wait_ready()
            async with migrated(await postgres.prepare(), most=2) as pool:
                yield pool
            running.cancel()
    finally:
        postgres.clean_up()


def _wrong(err: ValidationError) -> ConfigError:
    first = err.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return ConfigError(reason=first["msg"], field=where)
