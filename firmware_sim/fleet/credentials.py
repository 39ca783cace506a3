"""Who the light units are: one JSON object a line."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from protocols.errors import ConfigError
from protocols.ids import TopicSafe

MAX_UNITS = 20_000


class Credential(BaseModel):
    """One unit's name, its broker password, and what it is; the user name is the unit's id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: TopicSafe
    password: SecretStr
    profile: Literal["ambulance", "patrol"]
    call_sign: Annotated[str, Field(min_length=1, max_length=40)]


def read_credentials(path: Path) -> tuple[Credential, ...]:
    """Return the units in the JSON-lines file at `path`.

    Raises:
        ConfigError: no such file, a line that is no credential (its number is said, its content
            is not), the same unit twice, none or too many.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(reason="cannot read the units' credentials", file=str(path)) from err
    found: dict[str, Credential] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            credential = Credential.model_validate_json(line)
        except ValidationError:
            raise ConfigError(
                reason="not a unit's credential", file=str(path), line=number
            ) from None
        if credential.unit in found:
            raise ConfigError(reason="a unit appears twice", file=str(path), line=number)
        found[credential.unit] = credential
    if not 0 < len(found) <= MAX_UNITS:
        raise ConfigError(reason=f"a fleet has 1 to {MAX_UNITS} units", file=str(path))
    return tuple(found.values())
