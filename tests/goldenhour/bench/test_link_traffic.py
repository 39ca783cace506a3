"""The traffic of the link's benchmark: what a full ambulance says, by its drivers, without end."""

from collections import Counter
from functools import cache

import pytest

from goldenhour.bench.link.traffic import LOOP_S, Ambulance
from goldenhour.demo.city import Recordings
from protocols.link import Stream
from protocols.messages import LinkHealth, VitalsReading, WaveformBlock, parse_body
from protocols.messages.samples import decode_samples

ORIGIN_US = 1_800_000_000_000_000


@cache
def ambulance() -> Ambulance:
    return Ambulance(Recordings(ecg_step_uv=5.0, waves_every_s=1.0))


def test_every_second_has_a_position_vital_signs_and_a_second_of_ecg() -> None:
    made = list(ambulance().between(30, 90, origin_utc_us=ORIGIN_US))
    counts = Counter(one.stream for one in made)
    assert counts[Stream.VITALS] == counts[Stream.POSITION] == 60
    ecg = [m for one in made if isinstance(m := one.message, WaveformBlock) and m.group == "ecg"]
    assert [block.sample_count for block in ecg] == [500] * 60
    assert all(len(block.channels) == 12 for block in ecg)
    assert counts[Stream.LINK] == 12
    assert counts[Stream.TRIAGE] >= 2
    assert [one.due_s for one in made] == sorted(one.due_s for one in made)


def test_the_loop_has_no_seam_in_the_numbers_of_the_samples() -> None:
    made = ambulance().between(LOOP_S - 5, LOOP_S + 5, origin_utc_us=ORIGIN_US)
    ecg = [m for one in made if isinstance(m := one.message, WaveformBlock) and m.group == "ecg"]
    firsts = [block.first_sample_index for block in ecg]
    assert firsts == list(range(firsts[0], firsts[0] + 500 * len(firsts), 500))


def test_the_same_moment_is_told_the_same_however_one_asks() -> None:
    whole = list(ambulance().between(100, 260, origin_utc_us=ORIGIN_US))
    parts = [
        one
        for begin_s in range(100, 260, 20)
        for one in ambulance().between(begin_s, begin_s + 20, origin_utc_us=ORIGIN_US)
    ]
    assert whole == parts


def test_times_inside_the_records_are_those_of_the_moment() -> None:
    begin_s = 10 * LOOP_S
    for one in ambulance().between(begin_s, begin_s + 30, origin_utc_us=ORIGIN_US):
        now_us = ORIGIN_US + round(one.captured_s * 1e6)
        match parse_body(one.stream, one.message.to_body()):
            case VitalsReading(nibp_measured_utc_us=int(at_us)):
                assert 0 <= now_us - at_us <= LOOP_S * 1_000_000
            case LinkHealth(last_ack_utc_us=int(at_us)):
                assert at_us < now_us + 1_000_000
            case _:
                pass


def test_a_document_is_ten_seconds_of_twelve_leads_as_recorded() -> None:
    document = ambulance().document()
    assert (len(document.channels), document.sample_count, document.rate_hz) == (12, 5000, 500)
    assert decode_samples(document).std() > 1


@pytest.mark.parametrize("every_s", [0.256, 1.0])
def test_waveforms_come_as_often_as_the_monitor_sends_them(every_s: float) -> None:
    made = Ambulance(Recordings(ecg_step_uv=5.0, waves_every_s=every_s)).between(
        0, 20, origin_utc_us=ORIGIN_US
    )
    blocks = [one for one in made if one.stream is Stream.WAVEFORM]
    assert len(blocks) == pytest.approx(2 * 20 / every_s, abs=3)
