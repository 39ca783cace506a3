"""What an administrator does with teams by command, whether the hub runs or not."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.access.desk import USERNAME_PATTERN
from hub.offline import open_database
from hub.settings import HubSettings
from hub.store import teams
from protocols.errors import ConfigError
from protocols.ids import TopicSafe
from protocols.messages.room import Name, TeamKind

_Username = Annotated[str, Field(pattern=USERNAME_PATTERN)]
_Step = Annotated[tuple[_Username, ...], Field(min_length=1, max_length=20)]


class TeamEntry(BaseModel):
    """A team to be; those of one step ring together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    team_id: TopicSafe
    name: Name
    kind: TeamKind = "other"
    organisation: Name
    steps: Annotated[tuple[_Step, ...], Field(min_length=1, max_length=20)]

    @classmethod
    def checked(cls, fields: dict[str, Any]) -> Self:
        """Return the team.

        Raises:
            ConfigError: a field is not as it should be.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as err:
            raise _wrong(err) from None


def read_teams(file: Path) -> list[TeamEntry]:
    """Return the teams listed in a JSON file.

    Raises:
        ConfigError: it cannot be read or is not such a list.
    """
    try:
        return TypeAdapter(list[TeamEntry]).validate_python(json.loads(file.read_text("utf-8")))
    except ValidationError as err:
        raise _wrong(err) from None
    except (OSError, ValueError) as err:
        raise ConfigError(reason="cannot read the list of teams", file=str(file)) from err


async def set_teams(settings: HubSettings, entries: Sequence[TeamEntry]) -> None:
    """Add or change teams.

    Raises:
        NotFoundError: a member is no doctor who may sign in; those before it were added.
    """
    async with open_database(settings) as pool:
        for one in entries:
            await teams.put(
                pool,
                teams.Team(
                    team_id=one.team_id,
                    name=one.name,
                    kind=one.kind,
                    organisation=one.organisation,
                    steps=one.steps,
                ),
            )


async def remove_team(settings: HubSettings, team_id: str) -> None:
    """Forget a team.

    Raises:
        NotFoundError: there is none of that id.
    """
    async with open_database(settings) as pool:
        await teams.remove(pool, team_id)


async def list_teams(settings: HubSettings) -> list[TeamEntry]:
    """Return every team, by name."""
    async with open_database(settings) as pool:
        found = await teams.listed(pool)
    return [
        TeamEntry.checked(
            {
                "team_id": one.team_id,
                "name": one.name,
                "kind": one.kind,
                "organisation": one.organisation,
                "steps": one.steps,
            }
        )
        for one in found
    ]


def _wrong(err: ValidationError) -> ConfigError:
    first = err.errors(include_url=False, include_input=False)[0]
    return ConfigError(reason=first["msg"], field=".".join(str(part) for part in first["loc"]))
