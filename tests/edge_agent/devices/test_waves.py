"""Waveforms of monitors: the device's own integers, its gain, its holes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.monitor_hl7.message import read_message
from edge_agent.devices.monitor_hl7.oru import OruMessage, read_oru
from edge_agent.devices.monitor_hl7.records import LARGEST_DATA_BYTES, DeviceRecords
from edge_agent.devices.monitor_hl7.waves import Wave, read_waves
from edge_agent.devices.reasons import Reason
from edge_agent.vehicle_clock import Stamp
from protocols.clock import ClockSource
from protocols.messages import WaveformBlock
from protocols.messages.samples import decode_samples
from tests.edge_agent.devices.hl7 import AT_UTC_US, header, message, obx, wave

II, V1 = "131330^MDC_ECG_ELEC_POTL_II^MDC", "131331^MDC_ECG_ELEC_POTL_V1^MDC"
NOW = Stamp(AT_UTC_US, ClockSource.RTC, None)


def read(*segments: str) -> tuple[list[Wave], OruMessage]:
    oru = read_oru(read_message(message(*segments).encode()))
    return read_waves(oru), oru


def only(*segments: str) -> Wave:
    (found,), oru = read(*segments)
    assert not +oru.rejected
    return found


def refusal(*segments: str) -> dict[Reason, int]:
    found, oru = read(*segments)
    assert found == []
    return dict(+oru.rejected)


def test_samples_stay_the_integers_that_were_sent() -> None:
    found = only(*wave(II, [-489, -458, 2147483647, -32768], missing="-32768"))
    assert found.samples.tolist() == [[-489, -458, 2147483647, -32768]]
    assert (found.group, found.rate_hz, found.missing) == ("ecg", 500.0, -32768)
    assert found.start_utc_us == AT_UTC_US
    channel = found.channels[0]
    assert (channel.code, channel.unit) == ("MDC_ECG_ELEC_POTL_II", "uV")
    assert (channel.gain, channel.offset) == (2.5, 0)


def test_leads_of_one_rate_stand_together_and_another_rate_apart() -> None:
    pleth = "149504^MDC_PULS_OXIM_PLETH^MDC"
    found, _ = read(
        *wave(II, [1, 2], place="1.5.1.1"),
        *wave(pleth, [7], place="1.22.1.2", rate="125", unit="262688^MDC_DIM_PERCENT^MDC"),
        *wave(V1, [3, 4], place="1.5.1.3"),
    )
    assert [(w.group, w.samples.tolist()) for w in found] == [
        ("ecg", [[1, 2], [3, 4]]),
        ("pleth", [[7]]),
    ]
    assert found[1].channels[0].unit == "%"


def test_millivolts_with_decimals_become_integers_and_a_finer_gain() -> None:
    rows = wave("131329^MDC_ECG_LEAD_I^MDC", "-0.5371^1.25^0.0", resolution=None)
    rows[0] = rows[0].replace("262656^MDC_DIM_DIMLESS^MDC", "266418^MDC_DIM_MILLI_VOLT^MDC")
    found = only(*rows)
    assert found.samples.tolist() == [[-5371, 12500, 0]]
    assert found.channels[0].gain == pytest.approx(0.0001)
    assert (found.channels[0].unit, found.channels[0].code) == ("mV", "MDC_ECG_ELEC_POTL_I")


def test_a_sample_that_was_left_empty_is_a_hole() -> None:
    found = only(*wave(II, "1^^3"))
    assert found.missing == -(2**31)
    assert found.samples.tolist() == [[1, -(2**31), 3]]
    stated = only(*wave(II, "1^^3", missing="32767"))
    assert (stated.missing, stated.samples.tolist()) == (32767, [[1, 32767, 3]])


def test_a_sample_period_is_a_rate_too() -> None:
    rows = wave(II, [1, 2])
    rows[1] = obx("0^MDC_ATTR_TIME_PD_SAMP^MDC", "4", "264338^MDC_DIM_MILLI_SEC^MDC",
                  place="1.5.1.131330.1")  # fmt: skip
    assert only(*rows).rate_hz == 250.0


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (wave(II, [1], rate="0"), Reason.NO_SAMPLE_RATE),
        (wave(II, [1], rate="fast"), Reason.NO_SAMPLE_RATE),
        (wave(II, [1])[:1], Reason.NO_SAMPLE_RATE),
        (wave(II, [1], resolution=None), Reason.NO_RESOLUTION),
        (wave(II, [1], resolution="0"), Reason.NO_RESOLUTION),
        (wave(II, [1], unit="7^furlong"), Reason.UNKNOWN_UNIT),
        (wave(II, [1], unit="262656^MDC_DIM_DIMLESS^MDC"), Reason.NO_RESOLUTION),
        (wave(II, ""), Reason.NO_VALUE),
        (wave(II, "1^x^3"), Reason.NOT_A_NUMBER),
        (wave(II, "^^^"), Reason.NOT_A_NUMBER),
        (wave(II, "1^2147483648"), Reason.OUT_OF_RANGE),
        (wave(II, "1^2~3^4"), Reason.VALUE_TYPE),
        (wave("77^lead two^99ZZZ", [1]), Reason.UNKNOWN_CODE),
    ],
)
def test_what_cannot_be_drawn_truly_is_counted(rows: list[str], reason: Reason) -> None:
    assert refusal(*rows) == {reason: 1}


def test_a_lead_that_is_sent_twice_is_taken_once() -> None:
    found, oru = read(*wave(II, [1, 2]), *wave(II, [3, 4], place="1.5.2.131330"))
    assert [w.samples.tolist() for w in found] == [[[1, 2]]]
    assert oru.rejected[Reason.DUPLICATE_CHANNEL] == 1


def test_a_message_too_large_for_one_record_becomes_several_that_join() -> None:
    rng = np.random.default_rng(1)
    sent = rng.integers(-(2**31), 2**31, (2, 20_000), dtype=np.int64).astype(np.int32)
    rows = [row for code, part in zip((II, V1), sent, strict=True)
            for row in wave(code, part.tolist(), place=f"1.5.1.{code[:6]}")]  # fmt: skip
    oru = read_oru(read_message(message(*rows).encode()))
    waiting = DeviceRecords().records(oru, stamp=NOW, now_s=0.0)
    blocks = [one.message for one in waiting if isinstance(one.message, WaveformBlock)]
    first = blocks[0].first_sample_index

    assert len(blocks) > 1
    assert max(len(block.data) for block in blocks) <= LARGEST_DATA_BYTES
    assert np.array_equal(np.concatenate([decode_samples(b) for b in blocks], axis=1), sent)
    at = 0
    for one, block in zip(waiting, blocks, strict=True):
        assert block.first_sample_index == first + at
        assert one.captured_utc_us == pytest.approx(waiting[0].captured_utc_us + at * 2_000, abs=2)
        at += block.sample_count


def _text(draw: st.DrawFn) -> str:
    return draw(
        st.one_of(
            st.lists(st.integers(-(2**33), 2**33), min_size=1, max_size=6).map(
                lambda values: "^".join(map(str, values))
            ),
            st.lists(st.floats(width=16), max_size=5).map(lambda v: "^".join(map(str, v))),
            st.text("0123456789.+-^~e ", max_size=30),
        )
    )


@st.composite
def _rows(draw: st.DrawFn) -> list[str]:
    number = draw(st.sampled_from(["131330", "131331", "150452", "151780", "151724", "0", "x"]))
    name = draw(st.sampled_from(["MDC_ECG_LEAD_II", "MDC_FLOW_AWAY", "lead", ""]))
    return wave(
        f"{number}^{name}^MDC",
        _text(draw),
        place=draw(st.sampled_from(["1.5.1.1", "1.5.1.2", "", "1"])),
        rate=draw(st.sampled_from(["500", "125", "0.5", "-1", "1000000", ""])),
        resolution=draw(st.sampled_from(["2.5", "0.0000001", "9999999999", "-1", "", None])),
        unit=draw(st.sampled_from(["266419^MDC_DIM_MICRO_VOLT^MDC", "mV", "", "x"])),
        missing=draw(st.sampled_from([None, "-32768", "99999999999", "0.5", "x"])),
    )


@given(rows=st.lists(_rows(), max_size=4), starts=st.lists(st.integers(0, 10**13), max_size=4))
def test_no_message_raises_and_every_block_can_be_decoded(
    rows: list[list[str]], starts: list[int]
) -> None:
    device = DeviceRecords()
    for index, start in enumerate(starts):
        at = f"{20270115000000 + start % 86_400 % 60}"
        text = message(*(row for part in rows for row in part), head=header(), at=at)
        oru = read_oru(read_message(text.encode()))
        for one in device.records(oru, stamp=NOW, now_s=float(index)):
            assert type(one.message).from_body(one.message.to_body()) == one.message
            if isinstance(one.message, WaveformBlock):
                decode_samples(one.message)


def test_a_message_that_was_held_up_is_as_old_as_the_device_says() -> None:
    device = DeviceRecords()
    spo2 = obx("150456^MDC_PULS_OXIM_SAT_O2^MDC", "97", "%")
    captured: list[list[int]] = []
    for second, arrived_s in ((0, 0.0), (1, 1.0), (2, 9.5), (3, 9.5)):
        oru = read_oru(
            read_message(
                message(spo2, *wave(II, [1] * 500), at=f"201001011200{second:02d}").encode()
            )
        )
        stamp = Stamp(AT_UTC_US + round(arrived_s * 1_000_000), ClockSource.RTC, None)
        records = device.records(oru, stamp=stamp, now_s=arrived_s)
        captured.append([record.captured_utc_us - AT_UTC_US for record in records])
    assert captured == [[second * 1_000_000, second * 1_000_000 - 998_000] for second in range(4)]
