"""The comparison: what each vehicle accepted, held against what the hub's tables hold of it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Final

from goldenhour.chaos.contents import Content, is_told, places_near
from goldenhour.chaos.stored import Entry, Stored
from goldenhour.chaos.witness import Witnessed
from protocols.messages import Position

SLACK_US: Final = 20_000
"""Of rounding: HL7 tells tenths of milliseconds, a first sample is a period before the second."""

MOST_LINES: Final = 12

READ_WITHIN_US: Final = 15_000_000
"""A sentence may wait so long in the wire's buffers while two cores are shared by all."""


@dataclass(slots=True)
class Verdict:
    """What the comparison found. `declared`: accepted, gone, and said so by a gap record.

    `excused`: gone, and a gap of that stream says that nobody knows how many are.
    `wrong_times`: outside the error that the record states. `undated`: it states none.
    """

    accepted: int = 0
    lost: int = 0
    declared: int = 0
    excused: int = 0
    doubled: int = 0
    invented: int = 0
    undeclared_holes: int = 0
    rows: int = 0
    gaps: int = 0
    dated: int = 0
    wrong_times: int = 0
    undated: int = 0

    def __add__(self, other: "Verdict") -> "Verdict":
        """Return the sums of both."""
        names = [one.name for one in fields(Verdict)]
        return Verdict(**{name: getattr(self, name) + getattr(other, name) for name in names})


def compare(stored: Stored, witnessed: Witnessed) -> Verdict:
    """Hold what the hub has against what devices and crews say."""
    seen = Counter(content for content, _ in stored.contents)
    missing = witnessed.accepted - seen.keys()
    lost = declared = excused = 0
    for stream in {content[0] for content in missing}:
        gone = [content for content in missing if content[0] == stream]
        gaps = [row for row in stored.gaps if row["stream"] == stream]
        if any(row["is_open"] for row in gaps):
            excused += len(gone)
        elif gaps:
            # a gap record says how many are gone: no more may be missing than that
            given_up = sum(row["last_seq"] - row["first_seq"] + 1 for row in gaps)
            lost += max(0, _records(gone) - given_up)
            declared += len(gone)
        else:
            lost += len(gone)
    verdict = Verdict(
        accepted=len(witnessed.accepted),
        lost=lost,
        declared=declared,
        excused=excused,
        doubled=sum(count - 1 for count in seen.values()),
        invented=sum(is_told(content) and content not in witnessed.sent for content in seen)
        + sum(not _times(place, witnessed) for place, _ in stored.places)
        + stored.unreadable,
        undeclared_holes=len(stored.undeclared),
        rows=len(stored.contents) + len(stored.places),
        gaps=len(stored.gaps),
    )
    _judge_times(stored, witnessed, verdict)
    return verdict


def explain(stored: Stored, witnessed: Witnessed) -> list[str]:
    """Return, for a person, some of what is wrong."""
    seen = Counter(content for content, _ in stored.contents)
    gone_in = {row["stream"] for row in stored.gaps}
    lines = [
        f"not at the hub: {' '.join(content)}"
        for content in witnessed.accepted - seen.keys()
        if content[0] not in gone_in
    ]
    lines += [f"neither stored nor declared: {name}" for name in stored.undeclared]
    lines += [
        f"{count} times: {' '.join(content)}: "
        + " and ".join(entry.name for said, entry in stored.contents if said == content)
        for content, count in seen.items()
        if count > 1
    ]
    lines += [
        f"never said: {' '.join(content)}"
        for content in seen
        if is_told(content) and content not in witnessed.sent
    ]
    lines += [
        f"{name}: captured {dated.captured_utc_us} ± {dated.error_us},"
        f" by the witness from {first_us} to {until_us}"
        for name, dated, first_us, until_us in _times_of(stored, witnessed)
        if not _is_right(dated, first_us, until_us)
    ]
    return lines[:MOST_LINES]


def _judge_times(stored: Stored, witnessed: Witnessed, verdict: Verdict) -> None:
    for _, dated, first_us, until_us in _times_of(stored, witnessed):
        verdict.dated += dated.error_us is not None
        verdict.undated += dated.error_us is None
        verdict.wrong_times += not _is_right(dated, first_us, until_us)


def _times_of(stored: Stored, witnessed: Witnessed) -> Iterator[tuple[str, Entry, int, int]]:
    """Yield of each record its name, its time, and from when until when it may be right."""
    for content, dated in stored.contents:
        first_us = witnessed.first_utc_us.get(content)
        until_us = witnessed.accepted_utc_us.get(content)
        if first_us is not None and until_us is not None:
            yield " ".join(content), dated, first_us, until_us
    for place, dated in stored.places:
        times = _times(place, witnessed)
        if times:
            at = max(0, bisect_left(times, dated.captured_utc_us + (dated.error_us or 0)) - 1)
            yield "position", dated, times[at], times[at] + READ_WITHIN_US


def _is_right(dated: Entry, first_us: int, until_us: int) -> bool:
    """Say whether the time is within the error that it states, or states none."""
    if dated.error_us is None:
        return True
    slack_us = dated.error_us + SLACK_US
    return first_us - slack_us <= dated.captured_utc_us <= until_us + slack_us


def _times(position: Position, witnessed: Witnessed) -> list[int]:
    """Return when the receiver said this place, in order."""
    return sorted(at for place in places_near(position) for at in witnessed.places.get(place, ()))


def _records(missing: Iterable[Content]) -> int:
    """Return in how many records these contents came at least: each channel of a block once."""
    return max(
        Counter(content[1] if content[0] == "waveform" else "" for content in missing).values(),
        default=0,
    )
