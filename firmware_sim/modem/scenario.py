"""A link's course written down: what changes, and when."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from firmware_sim.modem.shape import LinkChange
from protocols.errors import ConfigError


class ScenarioStep(LinkChange):
    """One change, so many seconds after the start."""

    at_s: float = Field(ge=0)


class Scenario(BaseModel):
    """Steps in the order of their time; with `repeat_s` they begin again after so long.

    Example: `{"repeat_s": 300, "steps": [{"at_s": 60, "cut_s": 20}, {"at_s": 120, "rate_bps":
    64000, "loss_pct": 5}, {"at_s": 240, "restore": true}]}`
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[tuple[ScenarioStep, ...], Field(min_length=1, max_length=10_000)]
    repeat_s: float | None = Field(default=None, gt=0)

    def timed(self) -> Iterator[tuple[float, LinkChange]]:
        """Yield `(seconds after the start, change)`; for ever where the scenario repeats."""
        steps = sorted(self.steps, key=lambda step: step.at_s)
        for turn in count() if self.repeat_s else range(1):
            for step in steps:
                change = LinkChange.model_validate(step.model_dump(exclude={"at_s"}))
                yield turn * (self.repeat_s or 0.0) + step.at_s, change


def read_scenario(path: Path) -> Scenario:
    """Return the scenario in the JSON file at `path`.

    Raises:
        ConfigError: no such file, or not a scenario; says which field.
    """
    try:
        return Scenario.model_validate_json(path.read_bytes())
    except OSError as err:
        raise ConfigError(reason="cannot read the link scenario", file=str(path)) from err
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            reason="not a link scenario", file=str(path), field=where, detail=first["msg"]
        ) from err
