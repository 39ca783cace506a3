"""The comparison at the end of chaos: what is lost, doubled, bent or undeclared is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from goldenhour.chaos import contents
from goldenhour.chaos.accepted import READ_WITHIN_US, Verdict, compare
from goldenhour.chaos.contents import Content
from goldenhour.chaos.stored import Entry, Stored
from goldenhour.chaos.witness import Witnessed, read_witness
from protocols.messages import Position
from protocols.messages.position import FixQuality
from tests.edge_agent.devices.hl7 import message, obx, wave

HR, RR = "147842^MDC_ECG_HEART_RATE^MDC", "151562^MDC_RESP_RATE^MDC"
TEMP, LEAD = "150344^MDC_TEMP^MDC", "131330^MDC_ECG_ELEC_POTL_II^MDC"
HERE = Position(latitude_deg=23.125, longitude_deg=113.25, fix=FixQuality.AUTONOMOUS)
AWAY = Position(latitude_deg=23.2, longitude_deg=113.25, fix=FixQuality.AUTONOMOUS)


S_US = 1_000_000
NOON_US = 1_767_268_800_000_000  # 2026-01-01 12:00 UTC
UNKNOWN = Entry(0, None)


def dated(*contents: Content, at: Entry = UNKNOWN) -> list[tuple[Content, Entry]]:
    return [(content, at) for content in contents]


def numbers(heart_rate: int) -> str:
    return message(obx(HR, str(heart_rate)), obx(RR, "12"), obx(TEMP, "36.50"))


def witnessed(tmp_path: Path, *lines: dict[str, Any]) -> Witnessed:
    file = tmp_path / "witness.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"id": "torn')
    return read_witness(file)


@pytest.fixture
def said(tmp_path: Path) -> Witnessed:
    return witnessed(
        tmp_path,
        {"id": "1", "message": numbers(60)},
        {"at": NOON_US, "id": "1", "answer": "AA"},
        {"id": "2", "message": message(*wave(LEAD, [1, 2, 3]))},
        {"at": NOON_US, "id": "2", "answer": "AA"},
        {"id": "3", "message": numbers(61)},
        {"id": "3", "answer": "AE"},
        {"id": "4", "message": numbers(62)},
        {"at": NOON_US, "sentence": "$GPRMC,120000,A,2307.5000,N,11315.0000,E,0,0,010126,,*00"},
    )


def stored(said: Witnessed, **changes: Any) -> Stored:
    usual: dict[str, Any] = {"contents": dated(*sorted(said.accepted)), "places": [(HERE, UNKNOWN)]}
    return Stored(**(usual | changes))


def wrong(verdict: Verdict) -> dict[str, int]:
    names = ("lost", "declared", "excused", "doubled", "invented", "undeclared_holes")
    return {name: getattr(verdict, name) for name in names if getattr(verdict, name)}


def gap(stream: str, first: int, last: int, *, is_open: bool = False) -> Any:
    return {"stream": stream, "first_seq": first, "last_seq": last, "is_open": is_open}


def test_what_was_answered_aa_is_accepted_and_nothing_else(said: Witnessed) -> None:
    assert len(said.accepted) == 2
    assert len(said.sent) == 4
    assert wrong(compare(stored(said), said)) == {}


def test_what_was_not_answered_may_be_stored(said: Witnessed) -> None:
    assert wrong(compare(stored(said, contents=dated(*sorted(said.sent))), said)) == {}


def test_an_accepted_report_that_is_not_stored_is_lost(said: Witnessed) -> None:
    for content in said.accepted:
        left = dated(*sorted(said.accepted - {content}))
        assert wrong(compare(stored(said, contents=left), said)) == {"lost": 1}


def test_a_gap_accounts_for_as_many_as_it_declares_and_for_its_own_stream(said: Witnessed) -> None:
    left = dated(*(content for content in said.accepted if content[0] != "vitals"))
    declared = stored(said, contents=left, gaps=[gap("vitals", 5, 5)])
    assert wrong(compare(declared, said)) == {"declared": 1}
    other = stored(said, contents=left, gaps=[gap("waveform", 5, 5)])
    assert wrong(compare(other, said)) == {"lost": 1}


def test_a_gap_does_not_account_for_more_than_it_declares(tmp_path: Path) -> None:
    reports = [
        line
        for rate in (60, 61, 62)
        for line in (
            {"id": str(rate), "message": numbers(rate)},
            {"at": NOON_US, "id": str(rate), "answer": "AA"},
        )
    ]
    said = witnessed(tmp_path, *reports)
    short = Stored(gaps=[gap("vitals", 5, 6)])
    assert wrong(compare(short, said)) == {"declared": 3, "lost": 1}
    beside = Stored(gaps=[gap("vitals", 5, 6), gap("position", 1, 200)])
    assert wrong(compare(beside, said)) == {"declared": 3, "lost": 1}
    open_beside = Stored(gaps=[gap("vitals", 5, 6), gap("clip", 1, 1, is_open=True)])
    assert wrong(compare(open_beside, said)) == {"declared": 3, "lost": 1}
    unknown = Stored(gaps=[gap("vitals", 5, 6, is_open=True)])
    assert wrong(compare(unknown, said)) == {"excused": 3}


def test_what_is_stored_twice_or_was_never_said_is_found(said: Witnessed) -> None:
    twice = stored(said, contents=dated(*said.accepted, *said.accepted))
    assert wrong(compare(twice, said)) == {"doubled": 2}
    bent = stored(said, contents=dated(*said.accepted, ("vitals", "63", "12", "36.5")))
    assert wrong(compare(bent, said)) == {"invented": 1}
    elsewhere = stored(said, places=[(HERE, UNKNOWN), (AWAY, UNKNOWN)])
    assert wrong(compare(elsewhere, said)) == {"invented": 1}


def test_a_hole_without_a_word_is_found(said: Witnessed) -> None:
    assert wrong(compare(stored(said, undeclared=["a", "b", "c"]), said)) == {"undeclared_holes": 3}


def test_a_record_that_cannot_be_read_is_found(said: Witnessed) -> None:
    assert wrong(compare(stored(said, unreadable=2), said)) == {"invented": 2}


def test_what_a_crew_was_told_is_safe_counts_as_a_report_does() -> None:
    said = Witnessed()
    kept, lost, unanswered = contents.note(1), contents.step("run", "roll"), contents.note(2)
    for content in (kept, unanswered):
        said.say([content], NOON_US)
    said.accept([kept, lost], NOON_US)
    own = [contents.answer("order", "delivered"), contents.opened("encounter")]
    found = compare(Stored(contents=dated(kept, unanswered, *own)), said)
    assert wrong(found) == {"lost": 1}
    bent = Stored(contents=dated(kept, lost, contents.note(3)))
    assert wrong(compare(bent, said)) == {"invented": 1}
    twice = Stored(contents=dated(kept, lost, own[0], own[0]))
    assert wrong(compare(twice, said)) == {"doubled": 1}


@pytest.mark.parametrize(
    ("captured_s", "error_s", "wrong_times"),
    [(1, 0.5, 0), (0.6, 0.5, 0), (0.4, 0.5, 1), (3.4, 0.5, 0), (3.6, 0.5, 1), (3.6, 1.0, 0),
     (-86_400, 0.5, 1), (86_400, 0.5, 1), (-86_400, 86_402, 0)],
)  # fmt: skip
def test_a_time_outside_the_stated_error_is_found(
    captured_s: float, error_s: float, wrong_times: int
) -> None:
    said, content = Witnessed(), contents.note(1)
    said.say([content], NOON_US + S_US)
    said.accept([content], NOON_US + 3 * S_US)
    at = Entry(NOON_US + round(captured_s * S_US), round(error_s * S_US))
    verdict = compare(Stored(contents=dated(content, at=at)), said)
    assert (verdict.dated, verdict.wrong_times, verdict.undated) == (1, wrong_times, 0)


def test_a_step_that_was_taken_back_and_done_again_may_have_either_time() -> None:
    said, content = Witnessed(), contents.step("run", "arrive")
    for at_us in (NOON_US, NOON_US + 60 * S_US):
        said.say([content], at_us)
        said.accept([content], at_us + 1)
    for at_us, wrong_times in ((NOON_US, 0), (NOON_US + 60 * S_US, 0), (NOON_US + 90 * S_US, 1)):
        dated_at = dated(content, at=Entry(at_us, 500_000))
        verdict = compare(Stored(contents=dated_at), said.with_said(said))
        assert (verdict.lost, verdict.wrong_times) == (0, wrong_times)


def test_a_time_of_unknown_error_is_counted_and_not_judged() -> None:
    said, content = Witnessed(), contents.note(1)
    said.say([content], NOON_US)
    said.accept([content], NOON_US)
    verdict = compare(Stored(contents=dated(content, at=Entry(5, None))), said)
    assert (verdict.dated, verdict.wrong_times, verdict.undated) == (0, 0, 1)


@pytest.mark.parametrize(
    ("captured_us", "wrong_times"),
    [(NOON_US, 0), (NOON_US - 600_000, 1), (NOON_US + READ_WITHIN_US, 0),
     (NOON_US + READ_WITHIN_US + S_US, 1), (NOON_US + 100 * S_US, 0), (NOON_US + 99 * S_US, 1)],
)  # fmt: skip
def test_a_position_is_dated_when_the_receiver_said_it(captured_us: int, wrong_times: int) -> None:
    said = Witnessed(places={next(contents.places_near(HERE)): [NOON_US, NOON_US + 100 * S_US]})
    places = [(HERE, Entry(captured_us, 500_000))]
    assert compare(Stored(places=places), said).wrong_times == wrong_times


def test_a_report_says_when_it_was_measured() -> None:
    report = numbers(60)
    assert contents.measured_utc_us(report.replace("OBR|", "OBX|")) is None
    timed = "MSH|x\rOBR|1|a|b|c|||20260101200000.0089+0800|20260101200001.0089+0800\rOBX|1"
    assert contents.measured_utc_us(timed) == NOON_US + 8_900
