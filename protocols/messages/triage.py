"""Triage: scores computed on the vehicle, with what drives them and what is missing."""

from typing import Annotated, Literal

from pydantic import Field, Strict

from protocols.messages.base import Message
from protocols.units import UtcMicros


class ScorePart(Message):
    """One parameter's share of a score; `points` None: not measured, or too old to count."""

    kind: Literal["part"] = "part"
    parameter: Annotated[str, Field(max_length=40)]
    value: float | str | None = None
    points: Annotated[int, Field(ge=0, le=20)] | None = None
    measured_utc_us: UtcMicros | None = None


class Score(Message):
    """A score that admits what is missing: the truth lies from `low` to `high`, both ends in."""

    kind: Literal["score"] = "score"
    score: Literal["news2", "shock_index"]
    edition: Annotated[str, Field(max_length=40)]  # "RCP 2017"
    low: float
    high: float
    band: Literal["low", "low-medium", "medium", "high", "unknown"]
    parts: Annotated[tuple[ScorePart, ...], Strict(strict=False), Field(max_length=20)]
    missing: Annotated[tuple[str, ...], Strict(strict=False), Field(max_length=20)] = ()
