"""Numbers of monitors: synonyms, units, sentinels, flags, ages; nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.monitor_hl7.codes import BY_CODE, BY_NAME
from edge_agent.devices.monitor_hl7.message import read_message
from edge_agent.devices.monitor_hl7.oru import OruMessage, read_oru
from edge_agent.devices.monitor_hl7.vitals import Reading, read_vitals
from edge_agent.devices.reasons import Reason
from protocols.messages import MEASUREMENTS, VitalsReading
from tests.edge_agent.devices.hl7 import AT, AT_UTC_US, header, message, obx

MMHG, KPA = "266016^MDC_DIM_MMHG^MDC", "265987^MDC_DIM_KILO_PASCAL^MDC"
PER_MIN, PERCENT = "264864^MDC_DIM_BEAT_PER_MIN^MDC", "262688^MDC_DIM_PERCENT^MDC"
DEGC = "268192^MDC_DIM_DEGC^MDC"


def read(text: str | bytes) -> tuple[list[Reading], OruMessage]:
    oru = read_oru(read_message(text.encode() if isinstance(text, str) else text))
    return read_vitals(oru), oru


def values(*segments: str) -> tuple[dict[str, float], dict[Reason, int]]:
    readings, oru = read(message(*segments))
    return (readings[0].values if readings else {}), dict(+oru.rejected)


@pytest.mark.parametrize(
    ("code", "unit", "field"),
    [
        ("147842^MDC_ECG_HEART_RATE^MDC", PER_MIN, "heart_rate_bpm"),
        ("147842^MDC_ECG_CARD_BEAT_RATE^MDC", PER_MIN, "heart_rate_bpm"),
        ("^MDC_ECG_HEART_RATE^MDC", PER_MIN, "heart_rate_bpm"),
        ("0002-4182^HR^MDIL", "0004-0aa0^bpm^MDIL", "heart_rate_bpm"),
        ("8867-4^Heart rate^LN", "/min", "heart_rate_bpm"),
        ("X1^our own^99ZZZ^147842^MDC_ECG_HEART_RATE^MDC", PER_MIN, "heart_rate_bpm"),
        ("149530^MDC_PULS_OXIM_PULS_RATE^MDC", "", "pulse_bpm"),
        ("149514^MDC_PULS_RATE^MDC", PER_MIN, "pulse_bpm"),
        ("149546^MDC_PULS_RATE_NON_INV^MDC", PER_MIN, "pulse_bpm"),
        ("150456^MDC_PULS_OXIM_SAT_O2^MDC", PERCENT, "spo2_pct"),
        ("59408-5^SpO2^LN", "%", "spo2_pct"),
        ("151562^MDC_RESP_RATE^MDC", "264928^MDC_DIM_RESP_PER_MIN^MDC", "respiratory_rate_bpm"),
        ("151578^MDC_TTHOR_RESP_RATE^MDC", PER_MIN, "respiratory_rate_bpm"),
        ("151594^MDC_CO2_RESP_RATE^MDC", PER_MIN, "respiratory_rate_bpm"),
        ("0002-5000^Resp^MDIL", "0004-0ae0^rpm^MDIL", "respiratory_rate_bpm"),
        ("150021^MDC_PRESS_BLD_NONINV_SYS^MDC", MMHG, "systolic_mmhg"),
        ("150301^MDC_PRESS_CUFF_SYS^MDC", MMHG, "systolic_mmhg"),
        ("150020^MDC_PRESS_BLD_NONINV^MDC", MMHG, "systolic_mmhg"),
        ("150017^MDC_PRESS_BLD_SYS^MDC", "mm[Hg]", "systolic_mmhg"),
        ("0002-4a06^NBPd^MDIL", "0004-0f20^mmHg^MDIL", "diastolic_mmhg"),
        ("150303^MDC_PRESS_CUFF_MEAN^MDC", MMHG, "mean_arterial_mmhg"),
        ("151728^MDC_AWAY_CO2_ET^MDC", MMHG, "etco2_mmhg"),
    ],
)
def test_every_code_that_monitors_use_is_understood(code: str, unit: str, field: str) -> None:
    assert values(obx(code, "72", unit)) == ({field: 72.0}, {})


def test_codes_and_names_of_the_table_agree() -> None:
    assert {meaning.field for meaning in BY_CODE.values()} == set(MEASUREMENTS)
    assert set(BY_CODE.values()) <= set(BY_NAME.values())
    assert len(BY_NAME) >= len(BY_CODE)


@pytest.mark.parametrize(
    ("code", "value", "unit", "field", "expected"),
    [
        ("150021^MDC_PRESS_BLD_NONINV_SYS^MDC", "16.0", KPA, "systolic_mmhg", 120.01),
        ("150021^MDC_PRESS_BLD_NONINV_SYS^MDC", "160", "hPa", "systolic_mmhg", 120.01),
        ("151728^MDC_AWAY_CO2_ET^MDC", "5.0", "kPa", "etco2_mmhg", 37.5),
        ("150344^MDC_TEMP^MDC", "98.6", "266560^MDC_DIM_FAHR^MDC", "body_temp_c", 37.0),
        ("150344^MDC_TEMP^MDC", "98.6", "268224^MDC_DIM_FAHR^MDC", "body_temp_c", 37.0),
        ("0002-4b60^Tcore^MDIL", "37.2", "0004-17a0^°C^MDIL", "body_temp_c", 37.2),
        ("160184^MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD^MDC", "99", "264274^MDC_DIM_MILLI_G_PER_DL^MDC",
         "glucose_mmol_l", 5.5),
        ("160184^MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD^MDC", "5.5", "mmol/L", "glucose_mmol_l", 5.5),
    ],
)  # fmt: skip
def test_units_are_converted(code: str, value: str, unit: str, field: str, expected: float) -> None:
    found, rejected = values(obx(code, value, unit))
    assert found == {field: pytest.approx(expected, abs=0.005)}
    assert rejected == {}


SYSTOLIC, SPO2 = "150021^MDC_PRESS_BLD_NONINV_SYS^MDC", "150456^MDC_PULS_OXIM_SAT_O2^MDC"


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        *((obx(SPO2, text, PERCENT), Reason.SENTINEL)
          for text in ("-999", "-99.9", "8388607", "8388608", "-1000", "32767", "65535")),
        *((obx(SPO2, text, PERCENT), Reason.NO_VALUE) for text in ("", '""', "---", "-?-")),
        *((obx(SPO2, text, PERCENT), Reason.NOT_A_NUMBER)
          for text in ("98 %", "9,8", "nan", "1e1", "0x62", "٩٨")),
        (obx(SPO2, "101", PERCENT), Reason.OUT_OF_RANGE),
        (obx(SPO2, "98", PERCENT, status="X"), Reason.NO_VALUE),
        (obx(SPO2, "98", PERCENT, status="W"), Reason.NO_VALUE),
        *((obx(SPO2, "98", PERCENT, flags=flag), Reason.NO_VALUE)
          for flag in ("NAV", "INV", "OFF", "H~INV")),
        (obx(SPO2, "98", PERCENT, flags="QUES"), Reason.QUESTIONABLE),
        (obx(SPO2, ">^98", PERCENT, kind="SN"), Reason.NOT_EXACT),
        (obx(SPO2, "98", PERCENT, kind="ST"), Reason.VALUE_TYPE),
        (obx(SPO2, "98", MMHG), Reason.UNKNOWN_UNIT),
        (obx(SYSTOLIC, "120", ""), Reason.UNKNOWN_UNIT),
        (obx("151728^MDC_AWAY_CO2_ET^MDC", "5", PERCENT), Reason.UNKNOWN_UNIT),
        (obx("150388^MDC_TEMP_SKIN^MDC", "33.1", DEGC), Reason.UNUSED_CODE),
        (obx("999999^MDC_NO_SUCH_THING^MDC", "42"), Reason.UNKNOWN_CODE),
        (obx("147842^MDC_ECG_HEART_RATE^99ZZZ", "42"), Reason.UNKNOWN_CODE),
    ],
)  # fmt: skip
def test_what_is_no_value_is_counted_and_never_recorded(segment: str, reason: Reason) -> None:
    assert values(segment) == ({}, {reason: 1})


def test_zero_is_a_value_and_alarm_flags_do_no_harm() -> None:
    rate = "149530^MDC_PULS_OXIM_PULS_RATE^MDC"
    assert values(obx(rate, "0", PER_MIN, flags="LL")) == ({"pulse_bpm": 0.0}, {})


def test_of_synonyms_the_better_wins_whatever_the_order() -> None:
    by_chest = obx("151578^MDC_TTHOR_RESP_RATE^MDC", "15", PER_MIN)
    total = obx("151562^MDC_RESP_RATE^MDC", "16", PER_MIN)
    core, armpit = (
        obx("150368^MDC_TEMP_CORE^MDC", "38.4", DEGC),
        obx("188496^MDC_TEMP_AXIL^MDC", "37.1", DEGC),
    )
    for rows in ((by_chest, total, core, armpit), (armpit, core, total, by_chest)):
        found, rejected = values(*rows)
        assert found == {"respiratory_rate_bpm": 16.0, "body_temp_c": 38.4}
        assert rejected == {Reason.SECOND_SOURCE: 2}


def test_the_cuff_and_the_arterial_line_are_never_mixed() -> None:
    cuff = [obx(f"{150021 + n}^^MDC", str(120 - n), MMHG) for n in range(3)]
    line = [obx(f"{150037 + n}^^MDC", str(99 - n), MMHG) for n in range(3)]
    both, rejected = values(*cuff, *line)
    assert both == {"systolic_mmhg": 99.0, "diastolic_mmhg": 98.0, "mean_arterial_mmhg": 97.0}
    assert rejected == {Reason.SECOND_SOURCE: 3}
    unplugged, _ = values(*cuff, obx("150037^^MDC", "-999", MMHG), line[2])
    assert unplugged["systolic_mmhg"] == 120.0
    assert unplugged["mean_arterial_mmhg"] == 118.0


def test_the_cuff_keeps_its_own_time() -> None:
    (reading,), _ = read(message(obx(SYSTOLIC, "120", MMHG, at="20270115155500+0800")))
    assert reading.now_utc_us == AT_UTC_US
    assert reading.cuff_utc_us == AT_UTC_US - 300_000_000
    assert not reading.is_aged


def test_an_old_spot_measurement_is_a_reading_of_its_own() -> None:
    glucose = obx(
        "160184^^MDC", "5.5", "266866^MDC_DIM_MILLI_MOLE_PER_L^MDC", at="20270115155000+0800"
    )
    readings, _ = read(message(obx(SPO2, "97", PERCENT, at=AT), glucose))
    assert [(r.values, r.age_us) for r in readings] == [
        ({"glucose_mmol_l": 5.5}, 600_000_000),
        ({"spo2_pct": 97.0}, 0),
    ]


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n", "\r\r\n"])
def test_any_line_end_separates_segments(line_end: str) -> None:
    text = message(obx(SPO2, "97", PERCENT), "ZZZ|1|x").replace("\r", line_end)
    (reading,), oru = read(text)
    assert reading.values == {"spo2_pct": 97.0}
    assert dict(oru.rejected) == {Reason.UNKNOWN_SEGMENT: 1}


def test_other_delimiters_are_taken_from_the_header() -> None:
    text = message(obx(SPO2, "97", PERCENT)).translate(str.maketrans("|^~\\&", "#@*!$"))
    (reading,), _ = read(text)
    assert reading.values == {"spo2_pct": 97.0}


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("UNICODE UTF-8", "utf-8"), ("GB 18030-2000", "gb18030"), ("8859/1", "latin-1"),
     ("", "utf-8"), ("", "gb18030")],
)  # fmt: skip
def test_a_name_in_any_character_set_costs_no_number(charset: str, codec: str) -> None:
    name = "Müller^Jürgen"
    if codec == "gb18030":
        name = "倈患者"
        assert b"|" in name.encode(codec)  # half of a character looks like a separator
    text = message(obx(SPO2, "97", PERCENT), head=header(charset=charset))
    (reading,), oru = read(text.replace("PID|||||^^", f"PID|||||{name}").encode(codec))
    assert reading.values == {"spo2_pct": 97.0}
    assert Reason.BAD_CHARSET not in oru.rejected


def test_a_monitors_name_is_read_in_its_character_set() -> None:
    model = obx("67880^MDC_ATTR_ID_MODEL^MDC", "倈监护仪", kind="ST", place="1.0.0.1")
    text = message(model, obx(SPO2, "97", PERCENT), head=header(charset="GB 18030-2000"))
    (reading,), _ = read(text.encode("gb18030"))
    assert reading.source == "倈监护仪"


def test_an_unknown_character_set_is_counted_and_read_on() -> None:
    (reading,), oru = read(message(obx(SPO2, "97", PERCENT), head=header(charset="BIG-5")))
    assert reading.values == {"spo2_pct": 97.0}
    assert oru.rejected[Reason.BAD_CHARSET] == 1


def test_the_monitors_model_is_the_source_and_its_demo_mode_shows() -> None:
    model = obx("67880^MDC_ATTR_ID_MODEL^MDC", "Efficia\\S\\CM", kind="ST", place="1.0.0.1")
    (reading,), _ = read(message(model, obx(SPO2, "97", PERCENT)))
    assert reading.source == "Efficia^CM"
    (reading,), _ = read(message(obx(SPO2, "97", PERCENT)))
    assert reading.source == "MONITOR"
    (reading,), _ = read(message(obx(SPO2, "97", PERCENT, flags="DEMO")))
    assert reading.source == "demo"


_code = st.one_of(
    st.sampled_from([f"{code}^x^MDC" for code in BY_CODE]),
    st.sampled_from([f"^{name}^MDC" for name in BY_NAME]),
    st.text(max_size=12),
)
_text = st.one_of(
    st.floats().map(str), st.integers().map(str), st.text(max_size=12),
    st.sampled_from(["8388607", "-999", "98", "37.2", "~", "^^", "\\X0D\\"]),
)  # fmt: skip
_unit = st.sampled_from([MMHG, KPA, PER_MIN, PERCENT, DEGC, "mg/dL", "[degF]", "", "^", "?"])
_segment = st.builds(
    lambda code, value, unit, kind, flags, status, at: obx(
        code, value, unit, kind=kind, flags=flags, status=status, at=at
    ),
    _code, _text, _unit, st.sampled_from(["NM", "SN", "ST", "NA", ""]),
    st.sampled_from(["", "H", "INV", "~", "QUES"]), st.sampled_from(["R", "F", "X", ""]),
    st.sampled_from(["", AT, "19000101", "99991231235959", "00000000000000", "20270115150000"]),
)  # fmt: skip


@given(segments=st.lists(_segment, max_size=8))
def test_no_message_raises_and_no_value_is_out_of_range(segments: list[str]) -> None:
    readings, _ = read(message(*segments))
    for reading in readings:
        VitalsReading.model_validate({**reading.values, "source": reading.source})
        assert reading.values
        assert reading.age_us >= 0
