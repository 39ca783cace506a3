"""The settings reference: every environment variable of every program, from its model."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings


@dataclass(frozen=True, slots=True)
class Source:
    """A program and the settings class that it loads."""

    program: str
    module: str
    name: str


SOURCES: Final = (
    Source("hub", "hub.settings", "HubSettings"),
    Source("agent", "edge_agent.settings", "EdgeSettings"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable."""

    variable: str
    kind: str
    default: str
    description: str


def settings_page() -> str:
    """Return the page as Markdown."""
    lines = [
        "# Settings",
        "",
        "Generated from the settings models by `goldenhour docs`.",
        "",
        "A misspelt variable, or a value that does not fit, ends the program with status 78.",
    ]
    for source in SOURCES:
        lines += ["", f"## `goldenhour {source.program}`", ""]
        lines += ["| variable | type | default | what |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{row.variable}` | {row.kind} | {row.default} | {row.description} |"
            for row in settings_of(source)
        ]
    return "\n".join(lines) + "\n"


def settings_of(source: Source) -> list[Setting]:
    """Return every setting of one program."""
    model: type[BaseSettings] = getattr(importlib.import_module(source.module), source.name)
    prefix = str(model.model_config.get("env_prefix", ""))
    delimiter = model.model_config.get("env_nested_delimiter") or "__"
    return list(_rows(model, prefix, delimiter))


def _rows(model: type[BaseModel], prefix: str, delimiter: str) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name}".upper()
        inner = _section(field)
        if inner is not None:
            yield from _rows(inner, f"{variable}{delimiter}", delimiter)
        else:
            yield Setting(
                variable=variable,
                kind=_kind(field),
                default=_default(field),
                description=" ".join((field.description or "").split()).replace("|", "\\|"),
            )


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model that `field` nests, if it does; a list of them is JSON in one variable."""
    if get_origin(field.annotation) in {tuple, list}:
        return None
    kinds = (field.annotation, *get_args(field.annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def _kind(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) in {tuple, list}:
        model = get_args(kind)[0]
        kind = f"JSON array of {getattr(model, '__name__', model)}"
    text = kind.__name__ if isinstance(kind, type) else str(kind)
    bounds = [
        str(bound) for bound in field.metadata if type(bound).__name__ != "_PydanticGeneralMetadata"
    ]
    text = ", ".join([text.replace("typing.", ""), *bounds])
    return f"`{text}`".replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=False)
    if value in (None, PydanticUndefined, "", (), {}):
        return ""
    return f"`{value}`"
