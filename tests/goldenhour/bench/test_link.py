"""The link's benchmark: what it counts, and that nothing holds that was not seen."""

import json
import math
import random

import pytest

from goldenhour.bench.figures import Figure
from goldenhour.bench.link import mosquitto, outage, paths, picture, thin
from goldenhour.bench.link.measure import with_peer
from goldenhour.bench.link.peer import JOURNAL, Heard
from goldenhour.bench.link.screen import Screen, Shown
from goldenhour.bench.link.thingsboard import frames_in
from protocols.clock import ClockSource
from protocols.ids import Seq
from protocols.link import Frame, Lane, Record, Stream, encode_frame


def shown(stream: str, seq: int, *, age_s: float, at_s: float = 0.0) -> Shown:
    return Shown(stream, seq, 1_000_000, 1_000_000 + round(age_s * 1e6), at_s)


def test_a_record_that_was_never_shown_is_infinitely_old() -> None:
    screen = Screen({("alarm", 1): shown("alarm", 1, age_s=0.3)})
    made = [("alarm", 1, 0), ("alarm", 2, 0), ("vitals", 7, 0)]
    assert screen.ages_s(made, "alarm") == [0.3, math.inf]


def seen(**changed: object) -> thin.Thin:
    usual = {
        "backlog_records": 100, "left_records": 50, "alarms_s": [0.3] * 200,
        "vitals_s": [0.4] * 200, "used": 0.95, "for_s": 200.0,
    }  # fmt: skip
    return thin.Thin(**{**usual, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({}, set()),
        ({"alarms_s": [0.3] * 190 + [1.2] * 10}, {thin.ALARM}),
        ({"alarms_s": [0.3] * 190 + [math.inf] * 10}, {thin.ALARM}),
        ({"alarms_s": []}, {thin.ALARM}),
        ({"alarms_s": [0.3] * 150}, {thin.ALARM}),
        ({"vitals_s": [0.3]}, {thin.VITALS}),
        ({"vitals_s": [0.3] * 190 + [3.5] * 10}, {thin.VITALS}),
        ({"used": 0.89}, {thin.USED}),
        ({"left_records": 0}, {thin.LEFT}),
    ],
)
def test_each_bar_of_the_thin_link_can_be_broken(
    changed: dict[str, object], broken: set[str]
) -> None:
    with_bars = [one for one in thin.figures(seen(**changed)) if one.bar is not None]
    assert {one.name for one in with_bars if not one.holds} == broken


def test_the_slowest_round_is_held_to_the_bar() -> None:
    rounds = [
        outage.Round(drain_s=drain_s, first_live_s=first_s, alarms_s=[0.1], used=0.9, records=10)
        for drain_s, first_s in ((10, 0.3), (21, 0.4), (11, 1.1))
    ]
    figures = {one.name: one for one in outage.figures(rounds)}
    assert figures[outage.DRAIN].value == 21
    assert not figures[outage.DRAIN].holds
    assert not figures[outage.FIRST].holds


@pytest.mark.parametrize("seed", range(20))
def test_a_path_is_dead_for_its_share_in_stretches_that_do_not_overlap(seed: int) -> None:
    found = paths.stretches(random.Random(seed), for_s=1440, scale=1.0)
    dead_s = sum(end_s - begin_s for begin_s, end_s in found)
    assert dead_s == pytest.approx(0.16 * 1440)
    assert all(end_s - begin_s >= 30 for begin_s, end_s in found)
    edges = [edge_s for stretch in found for edge_s in stretch]
    assert edges == sorted(edges)
    assert edges[-1] <= 1440 + 1e-6


def test_where_no_path_lives_no_alarm_is_counted() -> None:
    dead = {"first": [(10.0, 20.0)], "second": [(15.0, 30.0)]}
    assert [paths.lives(dead, at_s) for at_s in (5, 12, 14, 17, 21, 31)] == [
        True, True, False, False, True, True,
    ]  # fmt: skip


def frame(seq: int) -> bytes:
    return encode_frame(
        Frame(
            journal=JOURNAL, stream=Stream.VITALS, first_seq=Seq(seq), lane=Lane.LIVE,
            sent_utc_us=1, clock=ClockSource.GNSS, clock_error_us=1, records=(Record(1, b"\xa0"),),
        )
    )  # fmt: skip


def test_a_peers_record_counts_once_and_what_is_none_does_not() -> None:
    heard = Heard()
    for payload, now_us in ((frame(1), 10), (frame(1), 20), (b"noise", 30), (frame(2), 40)):
        heard.take(payload, now_us)
    assert heard.at_utc_us == {(Stream.VITALS, 1): 10, (Stream.VITALS, 2): 40}
    assert heard.twice == 1


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"7", b'{"a": 1}', b'{"a": [1]}', b'{"a": [{"values": 3}]}']
)
def test_telemetry_that_is_none_of_ours_is_left_out(payload: bytes) -> None:
    assert frames_in(payload) == []


def test_telemetry_with_and_without_a_time_is_read() -> None:
    entries = [{"ts": 1, "values": {"frame": "YQ=="}}, {"frame": "Yg=="}]
    assert frames_in(json.dumps({"ambulance": entries}).encode()) == [b"a", b"b"]


def test_our_figure_stands_beside_the_bridges_where_that_was_measured() -> None:
    ours = [
        Figure(name=thin.ALARM, value=0.6, unit="s", bar=1.0),
        Figure(name=thin.VITALS, value=0.6, unit="s", bar=3.0),
    ]
    theirs = [Figure(name=f"thin: {mosquitto.NAME}, alarm p99 after 40 s", value=48, unit="s")]
    assert [one.peer for one in with_peer(ours, theirs)] == [48, None]


def test_the_picture_shows_the_peers_that_were_there() -> None:
    figures = [
        Figure(name=thin.ALARM, value=0.6, unit="s", bar=1.0),
        Figure(name=f"thin: {mosquitto.NAME}, alarm p99 after 40 s, at least", value=48, unit="s"),
    ]
    drawn = picture(figures, "a machine")
    assert "Golden Hour" in drawn
    assert mosquitto.NAME in drawn
    assert "ThingsBoard" not in drawn
