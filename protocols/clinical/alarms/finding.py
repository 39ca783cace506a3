"""Findings: what one look at the evidence says of one condition. Pure values.

A finding is no alarm: the book decides, by delays and by what stands, what becomes of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Literal

from protocols.messages.alarm import AlarmPriority

RANK: Final[Mapping[AlarmPriority, int]] = {
    AlarmPriority.LOW: 0,
    AlarmPriority.MEDIUM: 1,
    AlarmPriority.HIGH: 2,
}


class Truth(Enum):
    """Whether the condition is there."""

    PRESENT = "present"
    NEAR = "near"  # neither: within the limit, not yet clear of it; nothing changes
    ABSENT = "absent"
    UNKNOWN = "unknown"  # nothing is measured that could tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One condition at one moment.

    `delay_s`: how long it must be there before it is raised. `gone`: the code of the technical
    alarm that takes this one's place where nothing is measured any more.
    """

    code: str
    truth: Truth
    priority: AlarmPriority = AlarmPriority.LOW
    nature: Literal["physiological", "technical"] = "physiological"
    origin: Literal["agent", "monitor"] = "agent"
    value: float | None = None
    limit: float | None = None
    text: str | None = None
    delay_s: float = 0.0
    end_delay_s: float = 5.0
    latches: bool = False
    gone: str | None = None


_WEIGHT: Final[Mapping[Truth, int]] = {
    Truth.PRESENT: 3,
    Truth.NEAR: 2,
    Truth.UNKNOWN: 1,
    Truth.ABSENT: 0,
}


def worst_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding for each code, by code.

    Where several speak of the same condition the one that finds it there outweighs the others, and
    of two that do, the higher priority, with the shorter delay.
    """
    worst: dict[str, Finding] = {}
    for finding in findings:
        known = worst.get(finding.code)
        if known is None:
            worst[finding.code] = finding
            continue
        first, second = sorted((known, finding), key=_weight, reverse=True)
        both = known.truth is finding.truth is Truth.PRESENT
        delay_s = min(known.delay_s, finding.delay_s) if both else first.delay_s
        worst[finding.code] = replace(
            first, delay_s=delay_s, latches=first.latches or second.latches
        )
    return [worst[code] for code in sorted(worst)]


def _weight(finding: Finding) -> tuple[int, int, str]:
    return _WEIGHT[finding.truth], RANK[finding.priority], finding.origin
