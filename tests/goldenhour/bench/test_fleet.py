"""The figures of a fleet: which bar says what, of numbers that are known."""

import math
from collections.abc import Mapping

from goldenhour.bench.figures import Figure
from goldenhour.bench.fleet import PARTS, Again, Watched, figures_of, picture
from goldenhour.bench.fleet_city import BROKER, DATABASE, FLEET, HUB, MEDIA, group_of
from goldenhour.bench.processes import Use

MEGABYTE = 1_000_000
EMPTY = {HUB: Use(0, 80 * MEGABYTE), BROKER: Use(0, 20 * MEGABYTE)}
GOOD = {"count": 600_000, "p50_ms": 40, "p99_ms": 90, "max_ms": 300}
AGAIN = Again(units=1_000, took_s=9.0, most_refused=3)


def watched(  # noqa: PLR0913 -- each test changes one
    units: int,
    *,
    cores: float = 0.1,
    grown_bytes: int = 0,
    waits: Mapping[str, int | None] = GOOD,
    longest_ms: float = 300,
    span_s: float = 600.0,
) -> Watched:
    """Each part takes `cores` of a core, and grows by so much over the whole span."""
    held = 100 * MEGABYTE + units * 50_000
    return Watched(
        units=units,
        span_s=span_s,
        waits=waits,
        longest_ms=longest_ms,
        before={part: Use(1.0, held) for part in (*PARTS, FLEET)},
        after={part: Use(1.0 + cores * span_s, held + grown_bytes) for part in (*PARTS, FLEET)},
        memory={
            part: {
                at_s: held + grown_bytes * at_s / span_s
                for at_s in (0, span_s / 4, span_s / 2, span_s * 0.75, span_s)
            }
            for part in PARTS
        },
    )


def named(figures: list[Figure], words: str) -> Figure:
    (found,) = [figure for figure in figures if words in figure.name]
    return found


def test_a_fleet_that_is_well_holds_every_bar() -> None:
    line = [watched(100, cores=0.02), watched(1_000)]
    figures = figures_of(line, AGAIN, EMPTY)

    assert [figure.name for figure in figures if not figure.holds] == []
    assert named(figures, "of 1,000 against one of 100, processor").value < 0.51


def test_one_acknowledgement_later_than_two_seconds_is_seen() -> None:
    figures = figures_of([watched(1_000, longest_ms=2_001)], AGAIN, EMPTY)
    assert [figure.name for figure in figures if not figure.holds] == [
        "from captured to acknowledged, longest"
    ]


def test_a_hub_that_acknowledges_too_few_or_none_holds_no_bar_of_theirs() -> None:
    few = {**GOOD, "count": 500_000}
    none = {"count": 0, "p50_ms": None, "p99_ms": None, "max_ms": None}
    figures = figures_of([watched(1_000, waits=few)], AGAIN, EMPTY)
    assert not named(figures, "records acknowledged").holds
    figures = figures_of([watched(1_000, waits=none, longest_ms=math.inf)], AGAIN, EMPTY)
    assert not named(figures, "longest").holds
    assert not named(figures, "p50").holds


def test_a_pointer_kept_of_each_record_is_growth() -> None:
    """16 bytes of each of 600,000 records, in a run that is long enough to say so."""
    leaking = watched(1_000, grown_bytes=16 * 600_000)
    figure = named(figures_of([leaking], AGAIN, EMPTY), "hub, growth for each record")
    assert (round(figure.value), figure.holds) == (16, False)
    short = watched(1_000, grown_bytes=16 * 600_000, span_s=30.0)
    assert named(figures_of([short], AGAIN, EMPTY), "hub, growth for each record").holds


def test_a_cost_that_rises_with_the_fleet_is_not_flat() -> None:
    line = [watched(100, cores=0.01), watched(1_000, cores=0.01), watched(10_000, cores=0.2)]
    figures = figures_of(line, AGAIN, EMPTY)
    figure = named(figures, "of 10,000 against one of 1,000, processor")
    assert (round(figure.value, 6), figure.holds) == (2.0, False)


def test_a_fleet_that_stays_away_or_storms_the_broker_holds_neither_bar() -> None:
    gone = Again(units=1_000, took_s=math.inf, most_refused=6)
    figures = figures_of([watched(1_000)], gone, EMPTY)
    assert not named(figures, "live again").holds
    assert not named(figures, "tries in vain").holds


def test_the_picture_has_a_bar_for_each_fleet_and_its_memory() -> None:
    drawn = picture(figures_of([watched(100), watched(1_000)], AGAIN, EMPTY), "on a machine")
    assert "100 units, " in drawn
    assert "1,000 units, " in drawn
    assert " kB each" in drawn


def test_a_process_is_known_by_its_command() -> None:
    assert group_of("/x/bin/nats-server -c /y/nats.conf") == BROKER
    assert group_of("/x/postgres -D /y/data") == DATABASE
    assert group_of("postgres: checkpointer") == DATABASE
    assert group_of("python -m hub.media") == MEDIA
    assert group_of("python -m goldenhour hub run") == HUB
