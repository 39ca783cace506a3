"""What readings, scores and curves say of each alarm, and what they do not claim."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_sim.monitor.records import open_wfdb
from protocols.clinical import News2Inputs, Reading, news2, shock_index
from protocols.clinical.alarms import (
    DEFAULTS,
    Changed,
    EcgWatch,
    Finding,
    Parameter,
    PatientClass,
    Scored,
    Signs,
    Truth,
    VehicleFacts,
    class_of,
    limits_of,
    technical_findings,
)
from protocols.messages import (
    AlarmPriority,
    Channel,
    DeviceHealth,
    VitalsReading,
    WaveformBlock,
    WaveformEncoding,
)

ADULT = limits_of(PatientClass.ADULT)
RATE_HZ = 500


Curves = npt.NDArray[Any]


def of(findings: Iterable[Finding], code: str) -> Finding:
    return next(one for one in findings if one.code == code)


def look(signs: Signs, now_s: float, *, standing: frozenset[str] = frozenset()) -> list[Finding]:
    return list(signs.findings(ADULT, now_s=now_s, since_s=0.0, standing=standing, is_silent=False))


def take(signs: Signs, now_s: float, **values: Any) -> None:
    signs.take(VitalsReading(**values), age_s=0.0, cuff_age_s=0.0, now_s=now_s)


@pytest.mark.parametrize(
    ("value", "truth", "priority"),
    [
        (92, Truth.ABSENT, AlarmPriority.MEDIUM),
        (91, Truth.PRESENT, AlarmPriority.MEDIUM),
        (85, Truth.PRESENT, AlarmPriority.MEDIUM),
        (84, Truth.PRESENT, AlarmPriority.HIGH),
        (0, Truth.PRESENT, AlarmPriority.HIGH),
    ],
)
def test_spo2_breaks_its_limits_where_news2_turns_red(
    value: float, truth: Truth, priority: AlarmPriority
) -> None:
    signs = Signs()
    take(signs, 1.0, spo2_pct=value)
    found = of(look(signs, 1.0), "limit.spo2_pct.low")
    assert (found.truth, found.priority) == (truth, priority)


def test_the_way_back_is_longer_than_the_way_out() -> None:
    signs = Signs()
    take(signs, 1.0, spo2_pct=92)
    up = frozenset({"limit.spo2_pct.low"})
    assert of(look(signs, 1.0, standing=up), "limit.spo2_pct.low").truth is Truth.NEAR
    take(signs, 2.0, spo2_pct=93)
    assert of(look(signs, 2.0, standing=up), "limit.spo2_pct.low").truth is Truth.ABSENT


def test_a_number_that_stops_coming_is_unknown_and_said_to_be_missing() -> None:
    signs = Signs()
    for second in range(5):
        take(signs, float(second), spo2_pct=88, heart_rate_bpm=80)
    take(signs, 20.0, heart_rate_bpm=80)
    found = look(signs, 20.0)
    assert of(found, "limit.spo2_pct.low").truth is Truth.UNKNOWN
    assert of(found, "not_measured.spo2_pct").truth is Truth.PRESENT
    assert of(found, "not_measured.heart_rate_bpm").truth is Truth.ABSENT


def test_a_monitor_that_reports_every_half_minute_is_not_missed_between() -> None:
    signs = Signs()
    for minute in range(4):
        take(signs, minute * 30.0, spo2_pct=97)
    assert of(look(signs, 90.0 + 55), "not_measured.spo2_pct").truth is Truth.ABSENT


def test_a_cuff_is_good_for_a_quarter_of_an_hour() -> None:
    signs = Signs()
    take(signs, 0.0, systolic_mmhg=80)
    assert of(look(signs, 899.0), "limit.systolic_mmhg.low").truth is Truth.PRESENT
    assert of(look(signs, 901.0), "limit.systolic_mmhg.low").truth is Truth.UNKNOWN


def test_an_aged_number_does_not_displace_a_newer_one() -> None:
    signs = Signs()
    take(signs, 100.0, spo2_pct=97)
    signs.take(VitalsReading(spo2_pct=70), age_s=50.0, cuff_age_s=50.0, now_s=101.0)
    assert of(look(signs, 101.0), "limit.spo2_pct.low").truth is Truth.ABSENT


@pytest.mark.parametrize("patient", PatientClass)
def test_every_limit_has_a_source_and_its_sides_in_order(patient: PatientClass) -> None:
    for parameter, limit in limits_of(patient).items():
        sides = [limit.lowest, limit.low, limit.high, limit.highest]
        known = [side for side in sides if side is not None]
        assert known == sorted(known), parameter
        assert limit.source
        assert limit.delay_s <= 10


@pytest.mark.parametrize(
    ("years", "days", "is_of"),
    [
        (None, None, PatientClass.ADULT),
        (None, 3, PatientClass.NEONATE),
        (0, 28, PatientClass.NEONATE),
        (0, 29, PatientClass.INFANT),
        (0, None, PatientClass.INFANT),
        (None, 200, PatientClass.INFANT),
        (1, None, PatientClass.CHILD),
        (15, None, PatientClass.CHILD),
        (16, None, PatientClass.ADULT),
    ],
)
def test_the_class_follows_the_age(
    years: int | None, days: int | None, is_of: PatientClass
) -> None:
    assert class_of(years, days, otherwise=PatientClass.ADULT) is is_of


def test_limits_follow_age_scale_and_settings() -> None:
    assert limits_of(PatientClass.CHILD, age_years=3)["systolic_mmhg"].low == 76
    assert limits_of(PatientClass.CHILD, age_years=14)["systolic_mmhg"].low == 90
    assert limits_of(PatientClass.ADULT, spo2_scale=2)["spo2_pct"].low == 84
    changed: dict[tuple[PatientClass, Parameter], Changed] = {
        (PatientClass.ADULT, "spo2_pct"): Changed(low=90)
    }
    assert limits_of(PatientClass.ADULT, changed=changed)["spo2_pct"].low == 90
    as_before = DEFAULTS[PatientClass.CHILD]["spo2_pct"]
    assert limits_of(PatientClass.CHILD, changed=changed)["spo2_pct"] == as_before


ILL = {"respiratory_rate_bpm": 28.0, "spo2_pct": 90.0, "systolic_mmhg": 105.0, "pulse_bpm": 95.0}


def inputs(**values: float) -> News2Inputs:
    return News2Inputs(**{name: Reading(value, 1) for name, value in values.items()})  # type: ignore[arg-type]


def test_news2_that_loses_a_parameter_is_unknown_and_not_better() -> None:
    scored = Scored()
    scored.take(news2(inputs(**ILL)))
    assert of(scored.findings(standing=set()), "news2.high").truth is Truth.PRESENT
    assert of(scored.findings(standing=set()), "news2.red").text == "respiratory_rate_bpm, spo2_pct"
    own = {"limit.spo2_pct.low"}
    assert of(scored.findings(standing=own), "news2.red").text == "respiratory_rate_bpm"
    scored.take(news2(inputs(**{k: v for k, v in ILL.items() if k != "spo2_pct"})))
    found = list(scored.findings(standing={"news2.high"}))
    assert of(found, "news2.high").truth is Truth.UNKNOWN
    assert of(found, "not_measured.news2").truth is Truth.NEAR
    scored.take(news2(inputs(**(ILL | {"spo2_pct": 98.0}))))
    found = list(scored.findings(standing={"not_measured.news2"}))
    assert of(found, "news2.high").truth is Truth.ABSENT
    assert of(found, "not_measured.news2").truth is Truth.ABSENT


def test_the_shock_index_alarms_from_its_published_limit_on() -> None:
    scored = Scored()
    scored.take(shock_index(Reading(90.0, 1), Reading(100.0, 1)))
    assert of(scored.findings(standing=set()), "shock_index.high").truth is Truth.PRESENT
    scored.take(shock_index(Reading(89.0, 1), Reading(100.0, 1)))
    assert of(scored.findings(standing=set()), "shock_index.high").truth is Truth.ABSENT
    up = {"shock_index.high"}
    assert of(scored.findings(standing=up), "shock_index.high").truth is Truth.NEAR
    scored.take(shock_index(None, Reading(100.0, 1)))
    assert of(scored.findings(standing=up), "shock_index.high").truth is Truth.UNKNOWN


class Curve:
    """Feeds an ECG in blocks of a quarter of a second."""

    def __init__(self, leads: tuple[str, ...] = ("II", "V5")) -> None:
        self.watch, self.leads, self.now_s = EcgWatch(), leads, 0.0

    def play(self, samples: Curves, *, rate_hz: float = RATE_HZ, missing: int = -32768) -> None:
        step = int(rate_hz / 4)
        for at in range(0, samples.shape[1] - step + 1, step):
            part = np.ascontiguousarray(samples[:, at : at + step], dtype=np.int32)
            block = WaveformBlock(
                group="ecg", rate_hz=rate_hz, sample_count=step, first_sample_index=at,
                channels=tuple(
                    Channel(code=f"MDC_ECG_ELEC_POTL_{lead}", unit="uV", gain=1.0)
                    for lead in self.leads
                ),
                encoding=WaveformEncoding.INT32_LE, data=b"x", missing=missing,
            )  # fmt: skip
            self.now_s += 0.25
            self.watch.take(block, part, now_s=self.now_s)

    def truths(self, *, has_pulse: bool = False, after_s: float = 0.0) -> dict[str, Truth]:
        found = self.watch.findings(
            now_s=self.now_s + after_s, since_s=0.0, has_pulse=has_pulse, is_silent=False
        )
        return {one.code: one.truth for one in found}


def beats(seconds: float, *, leads: int = 2) -> Curves:
    """One beat a second of 1 mV, with the noise of an amplifier."""
    count = int(seconds * RATE_HZ)
    line: Curves = np.random.default_rng(1).integers(-8, 9, (leads, count))
    for at in range(0, count - 30, RATE_HZ):
        line[:, at : at + 30] += (1000 * np.hanning(30)).astype(int)
    return line


def noise(seconds: float, *, leads: int = 2) -> Curves:
    wander: Curves = 400 * np.sin(np.linspace(0, seconds, int(seconds * RATE_HZ)))
    line: Curves = np.random.default_rng(2).integers(-20, 21, (leads, wander.size))
    moved: Curves = line + wander.astype(int)
    return moved


def test_a_heart_that_stops_is_a_standstill_and_one_that_beats_is_none() -> None:
    curve = Curve()
    curve.play(beats(10))
    assert curve.truths()["ecg.asystole"] is Truth.ABSENT
    curve.play(noise(2.5))
    assert curve.truths()["ecg.asystole"] is Truth.ABSENT
    curve.play(noise(2.5))
    assert curve.truths()["ecg.asystole"] is Truth.PRESENT
    assert curve.truths()["ecg.flat"] is Truth.ABSENT
    curve.play(beats(2))
    assert curve.truths()["ecg.asystole"] is Truth.ABSENT


def test_a_flat_line_with_a_pulse_is_a_cable_and_so_is_one_that_never_beat() -> None:
    curve = Curve()
    curve.play(beats(10))
    curve.play(noise(6))
    truths = curve.truths(has_pulse=True)
    assert (truths["ecg.asystole"], truths["ecg.flat"]) == (Truth.ABSENT, Truth.PRESENT)
    hanging = Curve()
    hanging.play(noise(10))
    truths = hanging.truths()
    assert (truths["ecg.asystole"], truths["ecg.flat"]) == (Truth.ABSENT, Truth.PRESENT)


def test_leads_that_are_off_are_named_and_all_off_hides_a_standstill() -> None:
    curve = Curve()
    curve.play(beats(5))
    part = beats(5)
    part[1] = -32768
    curve.play(part)
    assert curve.truths()["ecg.lead_off"] is Truth.PRESENT
    assert curve.truths()["ecg.asystole"] is Truth.ABSENT
    off = np.full((2, 5 * RATE_HZ), -32768)
    curve.play(off)
    assert curve.truths()["ecg.asystole"] is Truth.UNKNOWN


def test_a_curve_that_stops_coming_is_unknown() -> None:
    curve = Curve()
    curve.play(beats(5))
    truths = curve.truths(after_s=6.0)
    assert truths["ecg.asystole"] is Truth.UNKNOWN
    assert truths["not_measured.ecg"] is Truth.PRESENT


SHARED = Path(__file__).resolve().parents[5] / "shared" / "data" / "ecg"


@pytest.mark.parametrize("name", ["s0010_re", "v102s"])
def test_no_real_heart_that_beats_is_called_still(name: str) -> None:
    """PTB s0010_re: an infarction; v102s: a false alarm of a ventricular tachycardia."""
    if not (SHARED / f"{name}.dat").exists():
        pytest.skip(f"no ../shared/data/ecg/{name}")
    (source,) = [one for one in open_wfdb(SHARED / name) if one.group.kind == "ecg"]
    rate_hz, channels = source.group.rate_hz, source.group.channels
    uv = source.samples * np.array([[channel.resolution * 1000] for channel in channels])
    curve = Curve(tuple(f"L{number}" for number in range(len(uv))))
    step = rate_hz * 5
    for at in range(0, uv.shape[1] - step, step):
        curve.play(uv[:, at : at + step], rate_hz=float(rate_hz))
        assert curve.truths()["ecg.asystole"] is Truth.ABSENT


def facts(**changes: object) -> VehicleFacts:
    fields: dict[str, object] = {
        "devices": [DeviceHealth(name="monitor", state="silent", heard=9)],
        "cameras": [("cabin", "publishing")],
        "is_linked": True,
        "disk_free_bytes": 2**40,
        "is_disk_refusing": False,
        "is_attended": True,
    }
    return VehicleFacts(**(fields | changes))  # type: ignore[arg-type]


def technical(**changes: object) -> dict[str, tuple[Truth, AlarmPriority]]:
    found = technical_findings(facts(**changes), link_lost_after_s=30, disk_low_bytes=2**30)
    return {one.code: (one.truth, one.priority) for one in found}


def test_a_silent_monitor_is_missed_only_where_a_patient_may_be() -> None:
    low, medium = AlarmPriority.LOW, AlarmPriority.MEDIUM
    assert technical()["device.monitor.silent"] == (Truth.PRESENT, medium)
    assert technical(is_attended=False)["device.monitor.silent"][0] is Truth.NEAR
    unheard = [DeviceHealth(name="monitor", state="disconnected", heard=0)]
    assert technical(devices=unheard)["device.monitor.silent"][0] is Truth.NEAR
    assert technical(is_linked=False)["link.lost"] == (Truth.PRESENT, low)
    assert technical(disk_free_bytes=5)["disk.low"] == (Truth.PRESENT, low)
    assert technical(is_disk_refusing=True)["disk.low"] == (Truth.PRESENT, medium)
    assert technical(cameras=[("cabin", "camera_fault")])["camera.cabin.fault"][0] is Truth.PRESENT
    gnss = [DeviceHealth(name="gnss", state="no-fix", heard=9)]
    assert technical(devices=gnss)["device.gnss.lost"] == (Truth.PRESENT, low)
