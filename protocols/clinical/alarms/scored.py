"""Scores as evidence: NEWS2 (high, a single red) and the shock index. Adults only. Pure.

A score that falls because a parameter is no longer measured has not fallen: as long as the points
that parameter had would keep the alarm up, the condition is UNKNOWN.

Source: RCP NEWS2 2017, chart 2 (7 and more: emergency; 3 in one parameter: urgent); shock index
from 0.9: Rady et al. Ann Emerg Med 1994;24:685.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from protocols.clinical.alarms.book import NOT_MEASURED
from protocols.clinical.alarms.finding import Finding, Truth
from protocols.clinical.news2 import HIGH_FROM
from protocols.clinical.shock_index import ALARM_FROM
from protocols.messages.alarm import AlarmPriority
from protocols.messages.triage import Score

_RED: Final = 3
_SHOCK_BACK: Final = 0.05
SCORE_DELAY_S: Final = 10.0
"""Its parts have had no delay of their own yet."""

RED_DELAY_S: Final = 15.0
"""Longer than any limit's, so that a limit that is broken speaks first."""

_LIMIT_OF: Final = {"pulse_bpm": "heart_rate_bpm"}


class Scored:
    """The newest of each score, and the points that were last known of each parameter."""

    def __init__(self) -> None:
        self._news2: Score | None = None
        self._shock: Score | None = None
        self._points: dict[str, int] = {}

    def take(self, score: Score) -> None:
        """Take in one score."""
        if score.score == "shock_index":
            self._shock = score
            return
        self._news2 = score
        for part in score.parts:
            if part.points is not None:
                self._points[part.parameter] = part.points

    def forget(self) -> None:
        """The patient has left."""
        self._news2 = self._shock = None
        self._points.clear()

    def findings(self, *, standing: AbstractSet[str]) -> Iterator[Finding]:
        """Yield what the newest scores say."""
        if self._news2 is not None:
            both = [self._high(self._news2), self._red(self._news2, standing)]
            yield from _with_gone("news2", both)
        if self._shock is not None:
            yield from _with_gone("shock_index", [self._in_shock(self._shock, standing)])

    def _high(self, score: Score) -> Finding:
        before = score.low + sum(self._points.get(name, 0) for name in score.missing)
        return Finding(
            code="news2.high",
            truth=_truth(is_there=score.low >= HIGH_FROM, was_there=before >= HIGH_FROM),
            priority=AlarmPriority.HIGH,
            value=score.low,
            limit=float(HIGH_FROM),
            delay_s=SCORE_DELAY_S,
            gone=f"{NOT_MEASURED}news2",
        )

    def _red(self, score: Score, standing: AbstractSet[str]) -> Finding:
        """Say which parameter is red and has no alarm of its own: one matter is one alarm."""
        red = [
            part.parameter
            for part in score.parts
            if part.points == _RED and not _has_its_own(part.parameter, standing)
        ]
        was = any(self._points.get(name) == _RED for name in score.missing)
        return Finding(
            code="news2.red",
            truth=_truth(is_there=bool(red), was_there=was),
            priority=AlarmPriority.MEDIUM,
            value=score.low,
            text=", ".join(red)[:80] or None,
            delay_s=RED_DELAY_S,
            gone=f"{NOT_MEASURED}news2",
        )

    def _in_shock(self, score: Score, standing: AbstractSet[str]) -> Finding:
        code = "shock_index.high"
        truth = Truth.UNKNOWN
        if not score.missing:
            back = _SHOCK_BACK if code in standing else 0.0
            truth = Truth.NEAR if score.low > ALARM_FROM - back else Truth.ABSENT
            truth = Truth.PRESENT if score.low >= ALARM_FROM else truth
        return Finding(
            code=code,
            truth=truth,
            priority=AlarmPriority.MEDIUM,
            value=score.low,
            limit=ALARM_FROM,
            delay_s=SCORE_DELAY_S,
            gone=f"{NOT_MEASURED}shock_index",
        )


def _has_its_own(parameter: str, standing: AbstractSet[str]) -> bool:
    name = _LIMIT_OF.get(parameter, parameter)
    return not standing.isdisjoint({f"limit.{name}.low", f"limit.{name}.high"})


def _with_gone(score: str, found: list[Finding]) -> Iterator[Finding]:
    """Yield `found`, and that the score is measured again where none of them is unknown."""
    yield from found
    is_known = all(finding.truth is not Truth.UNKNOWN for finding in found)
    yield Finding(
        code=f"{NOT_MEASURED}{score}",
        truth=Truth.ABSENT if is_known else Truth.NEAR,
        nature="technical",
        end_delay_s=0.0,
    )


def _truth(*, is_there: bool, was_there: bool) -> Truth:
    if is_there:
        return Truth.PRESENT
    return Truth.UNKNOWN if was_there else Truth.ABSENT
