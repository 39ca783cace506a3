"""Scores on the vehicle: what is fresh counts, what is old is missing, each change is a record."""

from pathlib import Path

from edge_agent.triage.scores import CONTINUOUS_S, CUFF_S
from protocols.link import Stream
from protocols.messages import ConsciousnessNote, Score, VitalsReading
from tests.edge_agent.cab import Cab, cab
from tests.fakes.clock import FakeClock

WELL = VitalsReading(
    respiratory_rate_bpm=16, spo2_pct=98, pulse_bpm=72, systolic_mmhg=124, body_temp_c=36.8
)
ALERT = ConsciousnessNote(by="Chen", acvpu="A", on_oxygen=False)


async def news2(vehicle: Cab) -> list[Score]:
    said = await vehicle.said(Stream.TRIAGE)
    return [one for one in said if isinstance(one, Score) and one.score == "news2"]


def score(vehicle: Cab) -> Score:
    assert vehicle.scores.latest is not None
    return vehicle.scores.latest[0]


async def test_what_nobody_measured_is_missing_and_what_it_may_add_is_said(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await vehicle.measured(VitalsReading(pulse_bpm=72))
        await vehicle.until(lambda: vehicle.scores.latest is not None)
        found = score(vehicle)
    assert found.low == 0
    assert found.high > 10
    assert {"spo2_pct", "acvpu"} <= set(found.missing)


async def test_a_change_is_told_with_what_drives_it(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await vehicle.measured(WELL)
        await vehicle.measured(ALERT, stream=Stream.CHART)
        await vehicle.until(lambda: bool(vehicle.scores.latest) and not score(vehicle).missing)
        assert (score(vehicle).low, score(vehicle).high, score(vehicle).band) == (0, 0, "low")
        ill = WELL.model_copy(update={"spo2_pct": 90, "respiratory_rate_bpm": 26})
        await vehicle.measured(ill)
        await vehicle.until(lambda: score(vehicle).low == 6)
        found = score(vehicle)
        points = {part.parameter: part.points for part in found.parts}
    assert (points["spo2_pct"], points["respiratory_rate_bpm"], points["pulse_bpm"]) == (3, 3, 0)
    assert found.band != "low"


async def test_a_value_counts_for_its_time_and_then_is_missing(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await vehicle.measured(WELL)
        await vehicle.measured(ALERT, stream=Stream.CHART)
        await vehicle.until(lambda: bool(vehicle.scores.latest) and not score(vehicle).missing)
        await vehicle.clock.advance(CONTINUOUS_S + 1)
        await vehicle.measured(VitalsReading(pulse_bpm=72))
        await vehicle.until(lambda: bool(score(vehicle).missing))
        assert set(score(vehicle).missing) == {"spo2_pct", "respiratory_rate_bpm"}
        await vehicle.clock.advance(CUFF_S)
        await vehicle.measured(VitalsReading(pulse_bpm=72))
        await vehicle.until(lambda: "acvpu" in score(vehicle).missing)
        assert "systolic_mmhg" in score(vehicle).missing


async def test_the_same_score_is_not_told_again_within_the_minute(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await vehicle.measured(WELL)
        await vehicle.until(lambda: vehicle.scores.latest is not None)
        for pulse in (73, 74, 75):
            await vehicle.measured(WELL.model_copy(update={"pulse_bpm": pulse}))
        await vehicle.measured(WELL.model_copy(update={"pulse_bpm": 140}))
        await vehicle.until(lambda: score(vehicle).low == 3)
        assert len(await news2(vehicle)) == 2


async def test_after_a_restart_what_is_still_fresh_counts(tmp_path: Path) -> None:
    clock = FakeClock()
    async with cab(tmp_path, clock) as vehicle:
        await vehicle.measured(WELL)
        await vehicle.measured(ALERT, stream=Stream.CHART)
    async with cab(tmp_path, clock) as again:
        await again.until(lambda: again.scores.latest is not None)
        assert score(again).missing == () or list(score(again).missing) == []
