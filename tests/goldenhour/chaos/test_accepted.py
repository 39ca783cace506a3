"""The comparison at the end of chaos: what is lost, doubled, bent or undeclared is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from goldenhour.chaos.accepted import Stored, Verdict, Witnessed, compare, read_witness
from protocols.messages import Position
from protocols.messages.position import FixQuality
from tests.edge_agent.devices.hl7 import message, obx, wave

HR, RR = "147842^MDC_ECG_HEART_RATE^MDC", "151562^MDC_RESP_RATE^MDC"
TEMP, LEAD = "150344^MDC_TEMP^MDC", "131330^MDC_ECG_ELEC_POTL_II^MDC"
HERE = Position(latitude_deg=23.125, longitude_deg=113.25, fix=FixQuality.AUTONOMOUS)
AWAY = Position(latitude_deg=23.2, longitude_deg=113.25, fix=FixQuality.AUTONOMOUS)


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
        {"id": "1", "answer": "AA"},
        {"id": "2", "message": message(*wave(LEAD, [1, 2, 3]))},
        {"id": "2", "answer": "AA"},
        {"id": "3", "message": numbers(61)},
        {"id": "3", "answer": "AE"},
        {"id": "4", "message": numbers(62)},
        {"sentence": "$GPRMC,120000,A,2307.5000,N,11315.0000,E,0,0,010126,,*00"},
    )


def stored(said: Witnessed, **changes: Any) -> Stored:
    usual: dict[str, Any] = {"contents": sorted(said.accepted), "places": [HERE]}
    return Stored(**(usual | changes))


def wrong(verdict: Verdict) -> dict[str, int]:
    names = ("lost", "declared", "doubled", "invented", "undeclared_holes")
    return {name: getattr(verdict, name) for name in names if getattr(verdict, name)}


def gap(stream: str, first: int, last: int, *, is_open: bool = False) -> Any:
    return {"stream": stream, "first_seq": first, "last_seq": last, "is_open": is_open}


def test_what_was_answered_aa_is_accepted_and_nothing_else(said: Witnessed) -> None:
    assert len(said.accepted) == 2
    assert len(said.sent) == 4
    assert wrong(compare(stored(said), said)) == {}


def test_what_was_not_answered_may_be_stored(said: Witnessed) -> None:
    assert wrong(compare(stored(said, contents=sorted(said.sent)), said)) == {}


def test_an_accepted_report_that_is_not_stored_is_lost(said: Witnessed) -> None:
    for content in said.accepted:
        left = sorted(said.accepted - {content})
        assert wrong(compare(stored(said, contents=left), said)) == {"lost": 1}


def test_a_gap_accounts_for_as_many_as_it_declares_and_for_its_own_stream(said: Witnessed) -> None:
    left = [content for content in said.accepted if content[0] != "vitals"]
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
            {"id": str(rate), "answer": "AA"},
        )
    ]
    said = witnessed(tmp_path, *reports)
    short = Stored(gaps=[gap("vitals", 5, 6)])
    assert wrong(compare(short, said)) == {"declared": 3, "lost": 1}
    unknown = Stored(gaps=[gap("vitals", 5, 6, is_open=True)])
    assert wrong(compare(unknown, said)) == {"declared": 3}


def test_what_is_stored_twice_or_was_never_said_is_found(said: Witnessed) -> None:
    twice = stored(said, contents=[*said.accepted, *said.accepted])
    assert wrong(compare(twice, said)) == {"doubled": 2}
    bent = stored(said, contents=[*said.accepted, ("vitals", "63", "12", "36.5")])
    assert wrong(compare(bent, said)) == {"invented": 1}
    elsewhere = stored(said, places=[HERE, AWAY])
    assert wrong(compare(elsewhere, said)) == {"invented": 1}


def test_a_hole_without_a_word_is_found(said: Witnessed) -> None:
    assert wrong(compare(stored(said, undeclared_holes=3), said)) == {"undeclared_holes": 3}
