"""One measured value and when it was measured: what every score is made of."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """`value` in the unit that the score names."""

    value: T
    measured_utc_us: int
