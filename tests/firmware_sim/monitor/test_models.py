"""The modelled patient: repeatable, and within what a monitor would show."""

from itertools import pairwise

import numpy as np
import pytest

from firmware_sim.monitor.beats import RecordedBeats, r_peaks
from firmware_sim.monitor.codes import INDEPENDENT_LEADS
from firmware_sim.monitor.heart import TWELVE, EcgModel, Heart, PlethModel
from firmware_sim.monitor.patient import COURSES, Patient
from firmware_sim.monitor.signals import Recorded, Samples


def _ecg(seed: int, course: str, seconds: int, block: int = 125) -> Samples:
    patient = Patient(seed=seed, course=course)
    model = EcgModel(heart=Heart(patient=patient, seed=seed), patient=patient, seed=seed)
    return np.concatenate([model.take(block) for _ in range(seconds * 500 // block)], axis=1)


def test_the_same_seed_makes_the_same_samples() -> None:
    assert np.array_equal(_ecg(3, "chest-pain", 4), _ecg(3, "chest-pain", 4))
    assert not np.array_equal(_ecg(3, "chest-pain", 4), _ecg(4, "chest-pain", 4))


def test_the_limb_leads_agree_with_one_another_to_the_bit() -> None:
    ecg = dict(zip(TWELVE, _ecg(1, "stable", 4), strict=True))

    assert np.array_equal(ecg["III"], ecg["II"] - ecg["I"])
    assert np.abs(ecg["aVR"] + (ecg["I"] + ecg["II"]) / 2).max() <= 1
    assert set(INDEPENDENT_LEADS) < set(TWELVE)


@pytest.mark.parametrize(("course", "low", "high"), [("stable", 65, 82), ("chest-pain", 78, 100)])
def test_the_rate_counted_in_the_ecg_is_the_patients_rate(
    course: str, low: float, high: float
) -> None:
    ecg = _ecg(2, course, 20)
    peaks = r_peaks(ecg, 500)
    rate = 60 * 500 / float(np.median(np.diff(peaks)))

    assert low < rate < high
    assert 600 < np.abs(ecg[1] * 5.0).max() < 2_500  # µV


def test_an_infarction_lifts_st_in_the_inferior_leads_and_lowers_it_in_avl() -> None:
    lifted: dict[str, float] = {}
    for course in ("stable", "chest-pain"):
        ecg = _ecg(5, course, 20) * 5.0
        peaks = r_peaks(ecg.astype(np.int32), 500)[2:-2]
        at = peaks + int(0.085 * 500)  # some 60 ms after the J point
        base = np.median([ecg[:, p - 60] for p in peaks], axis=0)
        st = np.median([ecg[:, a] for a in at], axis=0) - base
        lifted[course] = float(st[TWELVE.index("III")])
        lifted[f"{course} aVL"] = float(st[TWELVE.index("aVL")])

    assert lifted["chest-pain"] - lifted["stable"] > 60  # µV
    assert lifted["chest-pain aVL"] < lifted["stable aVL"]


def test_fibrillation_is_irregular_and_sinus_rhythm_is_not() -> None:
    spread = {}
    for course in ("stable", "fibrillation"):
        peaks = r_peaks(_ecg(4, course, 30), 500)
        gaps = np.diff(peaks)
        spread[course] = float(np.std(gaps) / np.mean(gaps))

    assert spread["stable"] < 0.06
    assert spread["fibrillation"] > 0.12


@pytest.mark.parametrize("course", sorted(COURSES))
def test_a_course_goes_from_its_first_line_to_its_last_without_jumps(course: str) -> None:
    patient = Patient(seed=1, course=course)
    states = [patient.at(float(t)) for t in range(0, 1200, 5)]

    assert all(abs(b.heart_rate - a.heart_rate) < 3 for a, b in pairwise(states))
    assert all(70 <= s.spo2 <= 100 and s.diastolic < s.mean_arterial < s.systolic for s in states)
    assert abs(states[-1].systolic - COURSES[course][-1][1].systolic) < 5


def test_the_pulse_follows_each_beat_of_the_heart_that_it_is_given() -> None:
    patient = Patient(seed=1)
    heart = Heart(patient=patient, seed=1)
    ecg = EcgModel(heart=heart, patient=patient, seed=1)
    recorded = Recorded(group=ecg.group, samples=ecg.take(500 * 12), loop=True)
    pleth = PlethModel(heart=RecordedBeats(recorded), seed=1, source="timed")
    wave = pleth.take(125 * 30)[0]
    pulse = RecordedBeats(Recorded(group=pleth.group, samples=wave[np.newaxis, :], loop=True)).rate(
        25.0
    )

    assert pulse == pytest.approx(RecordedBeats(recorded).rate(25.0), rel=0.05)
