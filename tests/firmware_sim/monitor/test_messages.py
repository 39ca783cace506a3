"""What the monitor writes, read by an independent HL7 parser."""

from datetime import datetime

import hl7
import numpy as np
import pytest

from firmware_sim.monitor import Identity
from firmware_sim.monitor.codes import LEADS, MICRO_VOLT
from firmware_sim.monitor.oru import Number, OruWriter, escape
from firmware_sim.monitor.signals import Channel, Group
from tests.firmware_sim.monitor.receiving import component

NOW_US = 1_700_000_000_123_400


def _writer() -> OruWriter:
    writer = OruWriter(
        Identity(eui64="024748FFFE000001", bed="A-001", patient_id="7", patient_name="模拟^患者")
    )
    writer.restart(NOW_US)
    return writer


def _number(metric: str, text: str, at_us: int = NOW_US, source: str = "model") -> Number:
    return Number(metric=metric, text=text, measured_utc_us=at_us, source=source)


def test_a_message_of_numbers_is_what_the_profile_asks_for() -> None:
    cuff_us = NOW_US - 90_000_000
    control_id, text = _writer().numerics(
        [_number("heart_rate", "81"), _number("systolic", "124", cuff_us)], now_utc_us=NOW_US
    )
    message = hl7.parse(text)
    msh = message.segment("MSH")

    assert str(msh[9]) == "ORU^R01^ORU_R01"
    assert str(msh[10]) == control_id
    assert str(msh[12]) == "2.6"
    assert str(msh[18]) == "UNICODE UTF-8"
    assert str(msh[21]) == "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO"
    assert str(message.segment("PID")[5]).startswith("模拟^患者")
    rate, systolic = (obx for obx in message.segments("OBX") if str(obx[2]) == "NM")
    assert str(rate[3]) == "147842^MDC_ECG_HEART_RATE^MDC"
    assert str(rate[4]) == "1.5.1.147842"
    assert str(rate[5]) == "81"
    assert str(rate[6]) == "264864^MDC_DIM_BEAT_PER_MIN^MDC"
    assert str(rate[11]) == "R"
    assert component(rate, 18, 4) == "EUI-64"
    taken = datetime.strptime(str(systolic[14]), "%Y%m%d%H%M%S.%f%z")
    assert taken.timestamp() * 1e6 == pytest.approx(cuff_us, abs=100)
    assert str(systolic[14]).endswith("+0800")


def test_every_message_has_an_id_of_its_own_also_after_a_restart() -> None:
    writer = _writer()
    ids = [writer.numerics([], now_utc_us=NOW_US)[0] for _ in range(3)]
    writer.restart(NOW_US + 60_000_000)
    ids += [writer.numerics([], now_utc_us=NOW_US)[0] for _ in range(3)]

    assert len(set(ids)) == 6


def test_a_waveform_carries_rate_resolution_start_and_source() -> None:
    group = Group(
        kind="ecg",
        rate_hz=500,
        channels=(
            Channel(name="II", code=LEADS["II"], unit=MICRO_VOLT, resolution=0.5, zero_offset=12),
        ),
        source="recording: PTB s0010_re",
    )
    samples = np.array([[-489, -458, 2_147_483_647]], np.int32)
    _, text = _writer().waves([(group, 1280, samples, NOW_US)], now_utc_us=NOW_US)
    message = hl7.parse(text)
    rows = {component(obx, 3, 2): obx for obx in message.segments("OBX")}

    assert str(message.segment("OBR")[4]) == "69121^MDC_OBS_WAVE_CTS^MDC"
    assert str(rows["MDC_ECG_ELEC_POTL_II"][5]) == "-489^-458^2147483647"
    assert str(rows["MDC_ECG_ELEC_POTL_II"][4]) == "1.5.1.131330"
    assert (str(rows["MDC_ATTR_SAMP_RATE"][4]), str(rows["MDC_ATTR_SAMP_RATE"][5])) == (
        "1.5.1.131330.1", "500",
    )  # fmt: skip
    assert str(rows["MDC_ATTR_NU_MSMT_RES"][5]) == "0.5"
    assert str(rows["MDC_ATTR_NU_MSMT_RES"][6]) == "266419^MDC_DIM_MICRO_VOLT^MDC"
    assert str(rows["GH_ZERO_OFFSET"][5]) == "12"
    assert str(rows["GH_SAMPLE_INDEX"][5]) == "1280"
    assert str(rows["GH_SIGNAL_SOURCE"][4]) == "1.5.1.0"
    assert str(rows["GH_SIGNAL_SOURCE"][5]) == "recording: PTB s0010_re"


def test_a_delimiter_in_a_text_cannot_make_a_field() -> None:
    assert escape("a|b^c&d~e\\f\rg") == "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f g"
