"""Alarms on the vehicle: written before they are shown, gone on with, ended only with a reason."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_agent.triage import AlarmSettings
from protocols.clinical.alarms import DeviceAlarm
from protocols.dispatch.unit_status import CrewEvent
from protocols.errors import NotFoundError, StorageError
from protocols.link import Stream
from protocols.messages import (
    Alarm,
    AlarmPriority,
    AudioPause,
    DeviceHealth,
    PatientNote,
    VitalsReading,
)
from tests.edge_agent.cab import ENCOUNTER, Cab, cab
from tests.fakes.clock import FakeClock

LOW_SPO2 = VitalsReading(spo2_pct=88, pulse_bpm=80)
WELL = VitalsReading(spo2_pct=97, pulse_bpm=80)
OK = DeviceHealth(name="monitor", state="ok", heard=9)
SILENT = DeviceHealth(name="monitor", state="silent", heard=9)


async def said(vehicle: Cab) -> Sequence[Alarm]:
    return [one for one in await vehicle.said(Stream.ALARM) if isinstance(one, Alarm)]


def shown(vehicle: Cab) -> dict[str, str]:
    return {one["code"]: one["state"] for one in vehicle.alarms.state()["alarms"]}


async def measure(vehicle: Cab, reading: VitalsReading, *, seconds: int) -> None:
    """Have the monitor report once a second, and the alarms look each time."""
    for _ in range(seconds):
        await vehicle.measured(reading)
        await vehicle.alarms.look()
        await vehicle.clock.advance(1.0)


async def test_a_low_value_becomes_a_record_and_then_a_standing_alarm(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        vehicle.devices = [OK]
        await measure(vehicle, LOW_SPO2, seconds=10)
        assert not shown(vehicle)
        await measure(vehicle, LOW_SPO2, seconds=2)
        assert shown(vehicle) == {"limit.spo2_pct.low": "raised"}
        (alarm,) = await said(vehicle)
        assert (alarm.value, alarm.limit, alarm.priority) == (88, 92, AlarmPriority.MEDIUM)
        await measure(vehicle, WELL, seconds=7)
        assert not shown(vehicle)
        assert [one.state for one in await said(vehicle)] == ["raised", "cleared"]


async def test_what_is_shown_is_in_the_journal_already(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        seen: list[bool] = []
        vehicle.journal.on_append(
            lambda row: (
                seen.append("limit.spo2_pct.low" in shown(vehicle))
                if row.stream is Stream.ALARM
                else None
            )
        )
        await measure(vehicle, LOW_SPO2, seconds=12)
    assert seen == [False]


async def test_a_start_goes_on_with_what_stood_and_raises_nothing_twice(tmp_path: Path) -> None:
    clock = FakeClock()
    async with cab(tmp_path, clock) as vehicle:
        await measure(vehicle, LOW_SPO2, seconds=12)
        (alarm,) = await said(vehicle)
        await vehicle.alarms.acknowledge(alarm.alarm_id, by="Chen")
    await clock.advance(30)
    async with cab(tmp_path, clock) as again:
        assert shown(again) == {"limit.spo2_pct.low": "acknowledged"}
        await measure(again, LOW_SPO2, seconds=20)
        assert [one.state for one in await said(again)] == ["raised", "acknowledged"]
        await measure(again, WELL, seconds=7)
        assert (await said(again))[-1].alarm_id == alarm.alarm_id
        assert (await said(again))[-1].cause == "ended"


async def test_a_sensor_that_falls_off_is_said_and_clears_nothing_silently(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        vehicle.devices = [OK]
        await measure(vehicle, LOW_SPO2, seconds=12)
        await measure(vehicle, VitalsReading(pulse_bpm=80), seconds=12)
        assert shown(vehicle) == {"not_measured.spo2_pct": "raised"}
        says, cleared = (await said(vehicle))[1:]
        assert (says.priority, says.nature) == (AlarmPriority.MEDIUM, "technical")
        assert (cleared.cause, cleared.replaced_by) == ("not-measured", says.code)
        await measure(vehicle, LOW_SPO2, seconds=1)
        assert shown(vehicle) == {"limit.spo2_pct.low": "raised"}


async def test_a_silent_monitor_is_missed_and_a_clock_that_jumps_ages_nothing(
    tmp_path: Path,
) -> None:
    async with cab(tmp_path) as vehicle:
        vehicle.devices = [OK]
        await measure(vehicle, WELL, seconds=3)
        vehicle.clock.jump_utc(86_400_000_000)
        await vehicle.alarms.look()
        assert not shown(vehicle)
        vehicle.devices = [SILENT]
        for _ in range(7):
            await vehicle.alarms.look()
            await vehicle.clock.advance(1.0)
        assert shown(vehicle) == {"device.monitor.silent": "raised"}
        vehicle.devices = [OK]
        await measure(vehicle, WELL, seconds=2)
        assert not shown(vehicle)


async def test_the_monitor_s_alarm_is_taken_over_and_its_silence_takes_its_place(
    tmp_path: Path,
) -> None:
    fib = DeviceAlarm(code="ecg.vf", priority=AlarmPriority.HIGH, text="VFIB", latches=True)
    async with cab(tmp_path) as vehicle:
        vehicle.devices = [OK]
        await measure(vehicle, WELL, seconds=1)
        assert await vehicle.alarms.hear([fib]) == 0
        (alarm,) = await said(vehicle)
        assert (alarm.origin, alarm.text, alarm.priority) == ("monitor", "VFIB", AlarmPriority.HIGH)
        vehicle.devices = [SILENT]
        await vehicle.alarms.look()
        assert shown(vehicle) == {"device.monitor.silent": "raised"}
        assert vehicle.alarms.state()["alarms"][0]["priority"] == "high"


async def test_the_patient_s_alarms_leave_with_the_patient(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        for event in (CrewEvent.ROLL, CrewEvent.ARRIVE, CrewEvent.CONTACT):
            await vehicle.run.press(event)
        await measure(vehicle, LOW_SPO2, seconds=12)
        vehicle.is_linked = False
        await vehicle.alarms.look()
        await vehicle.clock.advance(31)
        await vehicle.alarms.look()
        assert "link.lost" in shown(vehicle)
        await vehicle.run.press(CrewEvent.CLEAR)
        await vehicle.clock.advance(11)
        await vehicle.until(lambda: vehicle.run.state.encounter_id is None)
        await vehicle.alarms.look()
        assert shown(vehicle) == {"link.lost": "raised"}
        last = (await said(vehicle))[-1]
        assert (last.code.split(".")[0], last.cause) != ("link", "patient-gone")
        assert last.cause == "patient-gone"


async def test_limits_follow_the_age_of_the_patient(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await vehicle.measured(
            PatientNote(encounter_id=ENCOUNTER, age_years=3, by="Chen"), stream=Stream.CHART
        )
        await measure(vehicle, VitalsReading(heart_rate_bpm=70), seconds=7)
        assert shown(vehicle) == {"limit.heart_rate_bpm.low": "raised"}
        assert vehicle.alarms.state()["patient_class"] == "child"


async def test_the_sound_pauses_two_minutes_and_a_new_alarm_ends_the_pause(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await vehicle.alarms.pause(by="Chen")
        (pause,) = await vehicle.said(Stream.ALARM)
        assert isinstance(pause, AudioPause)
        until = vehicle.alarms.state()["audio_paused_until_utc_us"]
        assert until == pause.until_utc_us == vehicle.clock.utc_us() + 120_000_000
        await measure(vehicle, LOW_SPO2, seconds=12)
        assert vehicle.alarms.state()["audio_paused_until_utc_us"] is None
        await vehicle.alarms.pause(by="Chen")
        await vehicle.clock.advance(121)
        assert vehicle.alarms.state()["audio_paused_until_utc_us"] is None


async def test_an_alarm_that_does_not_stand_cannot_be_acknowledged(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        with pytest.raises(NotFoundError):
            await vehicle.alarms.acknowledge("limit.spo2_pct.low-1", by="Chen")


async def test_an_alarm_that_the_journal_refuses_is_shown_and_written_later(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        vehicle.devices = [OK]
        await measure(vehicle, LOW_SPO2, seconds=10)
        append = vehicle.journal.append
        refuses = True

        async def sometimes(stream: Stream, *args: object, **fields: object) -> object:
            if refuses and stream is Stream.ALARM:
                raise StorageError(reason="no room")
            return await append(stream, *args, **fields)  # type: ignore[arg-type]

        vehicle.journal.append = sometimes  # type: ignore[method-assign, assignment]
        await measure(vehicle, LOW_SPO2, seconds=2)
        assert shown(vehicle)["limit.spo2_pct.low"] == "raised"
        with pytest.raises(StorageError):
            await vehicle.alarms.hear(
                [DeviceAlarm(code="ecg.vf", priority=AlarmPriority.HIGH, text="VFIB")]
            )
        assert not await said(vehicle)
        refuses = False
        await vehicle.alarms.look()
        assert {one.code for one in await said(vehicle)} >= {"limit.spo2_pct.low", "ecg.vf"}


async def test_ten_minutes_of_flapping_write_a_bounded_number_of_records(tmp_path: Path) -> None:
    async with cab(tmp_path, alarms=AlarmSettings(escalate_after_s=0)) as vehicle:
        for second in range(600):
            spo2 = 80 if second // 4 % 2 else 97
            await vehicle.measured(VitalsReading(spo2_pct=spo2, pulse_bpm=80))
            await vehicle.alarms.look()
            await vehicle.clock.advance(1.0)
        assert len(await said(vehicle)) < 40


def test_settings_whose_sides_cross_are_refused() -> None:
    assert AlarmSettings.model_validate({"limits": {"adult": {"spo2_pct": {"low": 88}}}}).changed()
    with pytest.raises(ValueError, match="does not hold"):
        AlarmSettings.model_validate({"limits": {"adult": {"spo2_pct": {"low": 60}}}})
