"""Settings from the environment, every name checked.

`pydantic-settings` refuses a misspelt nested variable but lets a misspelt top-level one pass; so
`load` compares every variable that carries the program's prefix with the names that exist.
"""

import json
import os
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, SettingsError

from protocols.errors import ConfigError

S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S], environment: Mapping[str, str] | None = None, **given: object) -> S:
    """Return the settings that the environment and `given` (which wins) describe.

    `environment` is only looked at for names; the values come from the process's own.

    Raises:
        ConfigError: a variable that no setting has, or a value that its setting refuses.
    """
    environment = os.environ if environment is None else environment
    prefix = str(settings.model_config.get("env_prefix", ""))
    delimiter = settings.model_config.get("env_nested_delimiter") or "__"
    known = variable_names(settings, prefix, delimiter)
    for name in environment:
        if name.upper().startswith(prefix.upper()) and name.upper() not in known:
            raise ConfigError(reason="no such setting", variable=name)
    try:
        return settings(**given)  # type: ignore[arg-type]
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(reason=first["msg"], setting=where) from err
    except SettingsError as err:
        unread = err.__cause__
        if not isinstance(unread, json.JSONDecodeError):
            raise ConfigError(reason=str(err)) from err
        named = [name for name, value in environment.items() if value == unread.doc]
        raise ConfigError(
            reason="the value must be JSON, with quotes around words",
            variable=" or ".join(name for name in named if name.upper() in known),
        ) from err


def variable_names(model: type[BaseModel], prefix: str, delimiter: str) -> frozenset[str]:
    """Return every environment variable (upper case) that can set a field of `model`."""
    names: set[str] = set()
    for field_name, field in model.model_fields.items():
        variable = f"{prefix}{field_name}".upper()
        names.add(variable)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names |= variable_names(inner, f"{variable}{delimiter}", delimiter)
    return frozenset(names)
