"""The monitor's own alarms, by hand and from the simulated monitor's wire to standing alarms."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.devices import MonitorHl7
from edge_agent.devices.monitor_hl7.alerts import alerts, flagged
from edge_agent.devices.monitor_hl7.message import read_message
from edge_agent.devices.monitor_hl7.oru import read_oru
from edge_agent.devices.reasons import Reason
from firmware_sim.monitor import Identity, MonitorFaultRequest, MonitorSetup, PatientMonitor
from protocols.clinical.alarms import DeviceAlarm
from protocols.link import Stream
from protocols.messages import Alarm, AlarmPriority
from protocols.runtime.clock import SystemClock
from tests.edge_agent.cab import Cab, cab
from tests.edge_agent.devices.hl7 import Client, header, message, obx
from tests.until import until

patiently = partial(until, within_s=60)  # what several programs come to

SPO2 = "150456^MDC_PULS_OXIM_SAT_O2^MDC"
PERCENT = "262688^MDC_DIM_PERCENT^MDC"
ALERT = header(kind="ORU^R40^ORU_R40")
EVENT = "196616^MDC_EVT_ALARM^MDC"
LEAD_OFF = "196680^MDC_EVT_LEAD_OFF^MDC"
HIGH, MEDIUM, LOW = AlarmPriority.HIGH, AlarmPriority.MEDIUM, AlarmPriority.LOW


def flags(*segments: str) -> dict[str, tuple[bool, AlarmPriority]]:
    read = read_oru(read_message(message(*segments).encode()))
    return {one.code: (one.is_over, one.priority) for one in flagged(read)}


def told(*segments: str) -> list[DeviceAlarm]:
    return alerts(read_oru(read_message(message(*segments, head=ALERT).encode())))


def facet(code: str, value: str, *, kind: str = "ST", said: str = "") -> str:
    return obx(code, value, kind=kind, flags=said)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("", (True, MEDIUM)),
        ("N", (True, MEDIUM)),
        ("L", (False, MEDIUM)),
        ("LL", (False, HIGH)),
        ("L~PH~SP", (False, HIGH)),
        ("H", (True, MEDIUM)),
    ],
)
def test_a_flag_says_of_each_limit_whether_it_is_broken(
    said: str, means: tuple[bool, AlarmPriority]
) -> None:
    assert flags(obx(SPO2, "88", PERCENT, flags=said))["limit.spo2_pct.low"] == means


def test_one_of_two_pulses_that_is_flagged_is_enough() -> None:
    rate = obx("147842^MDC_ECG_HEART_RATE^MDC", "40", flags="L")
    pulse = obx("149530^MDC_PULS_OXIM_PULS_RATE^MDC", "60", flags="N")
    assert flags(rate, pulse)["limit.heart_rate_bpm.low"] == (False, MEDIUM)
    assert flags(pulse, rate)["limit.heart_rate_bpm.low"] == (False, MEDIUM)


def test_an_alert_of_an_event_and_its_end() -> None:
    event = facet(EVENT, LEAD_OFF, kind="CWE", said="A~PL~ST")
    phase, state = "68481^MDC_ATTR_EVENT_PHASE^MDC", "68482^MDC_ATTR_ALARM_STATE^MDC"
    (began,) = told(event, facet(phase, "start"), facet(state, "active"))
    assert (began.code, began.priority, began.nature) == ("ecg.lead_off", LOW, "technical")
    assert not began.is_over
    (ended,) = told(event, facet(phase, "end"), facet(state, "inactive"))
    assert (ended.code, ended.is_over) == ("ecg.lead_off", True)


def test_an_alert_of_a_limit_stands_under_the_vehicle_s_own_code() -> None:
    low = facet("196670^MDC_EVT_LO^MDC", SPO2, kind="CWE", said="L~PM~SP")
    value = f"OBX|2|NM|{SPO2}|1.3.1.150456.2|88|{PERCENT}|90-96||||F"
    (alarm,) = told(low, value, facet("68481^MDC_ATTR_EVENT_PHASE^MDC", "start"))
    assert (alarm.code, alarm.value, alarm.limit) == ("limit.spo2_pct.low", 88, 90)


def test_a_maker_s_own_event_is_shown_in_the_monitor_s_words() -> None:
    (alarm,) = told(facet(EVENT, "7^PACER NOT CAPT^99XY^^^^^^** Pacer", kind="CWE", said="PM"))
    assert (alarm.code, alarm.text, alarm.priority) == (
        "monitor.pacer_not_capt",
        "** Pacer",
        MEDIUM,
    )
    assert told(facet(EVENT, LEAD_OFF, kind="CWE", said="PN")) == []


def test_an_alert_without_an_event_is_counted() -> None:
    read = read_oru(read_message(message(facet("1^X^MDC", "y"), head=ALERT).encode()))
    assert alerts(read) == []
    assert read.rejected[Reason.UNKNOWN_CODE] == 1


@settings(max_examples=300, deadline=None)
@given(value=st.text(max_size=60), said=st.text(max_size=20), kind=st.sampled_from(["CWE", "ST"]))
def test_no_alert_breaks_the_reader(value: str, said: str, kind: str) -> None:
    for alarm in told(facet(EVENT, value, kind=kind, said=said)):
        made = Alarm(
            alarm_id="a-1", code=alarm.code, priority=alarm.priority, state="raised",
            text=alarm.text, value=alarm.value,
        )  # fmt: skip
        assert Alarm.from_body(made.to_body()) == made


@contextlib.asynccontextmanager
async def bedside(vehicle: Cab) -> AsyncIterator[MonitorHl7]:
    """The vehicle's driver over its journal and its alarms, which look by themselves."""
    driver = MonitorHl7(
        host="127.0.0.1",
        port=0,
        record=vehicle.journal.append,
        recall=vehicle.journal.kept,
        alarms=vehicle.alarms,
        clock=vehicle.vehicle_clock,
        rng=random.Random(1),
    )
    tasks = [asyncio.create_task(driver.run()), asyncio.create_task(vehicle.alarms.run())]
    vehicle.devices_of(driver.health)
    try:
        async with asyncio.timeout(10):
            await driver.listening.wait()
        yield driver
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def shown(vehicle: Cab) -> dict[str, dict[str, object]]:
    return {one["code"]: one for one in vehicle.alarms.state()["alarms"]}


async def test_an_alert_is_answered_once_the_alarm_is_durable(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle, bedside(vehicle) as driver:
        client = await Client.connect(driver.port)
        alert = message(facet(EVENT, LEAD_OFF, kind="CWE", said="PL~ST"), head=ALERT)
        assert await client.ask(alert) == "AA"
        assert await client.ask(alert) == "AA"
        (alarm,) = await vehicle.said(Stream.ALARM)
        assert isinstance(alarm, Alarm)
        assert (alarm.code, alarm.origin) == ("ecg.lead_off", "monitor")
        client.close()


@pytest.mark.timeout(120)
async def test_from_the_simulated_monitor_s_wire_to_a_standing_alarm(tmp_path: Path) -> None:
    """Real time, for the simulated monitor is a device: each step waits for its condition."""
    async with cab(tmp_path, SystemClock()) as vehicle, bedside(vehicle) as driver:  # type: ignore[arg-type]
        monitor = PatientMonitor(
            setup=MonitorSetup(
                identity=Identity(eui64="024748FFFE000001", bed="A-001"), seed=3, course="stable"
            ),
            host="127.0.0.1",
            port=driver.port,
            clock=SystemClock(),
        )
        task = asyncio.create_task(monitor.run())

        try:
            low = "limit.spo2_pct.low"
            await patiently(lambda: driver.health().heard > 5)
            assert not shown(vehicle)
            await monitor.break_on_purpose(MonitorFaultRequest(values={"spo2": 82}))
            await patiently(lambda: low in shown(vehicle))
            await patiently(lambda: shown(vehicle)[low]["priority"] == "high")  # below 85
            await monitor.break_on_purpose(MonitorFaultRequest(values={"spo2": None}))
            await patiently(lambda: low not in shown(vehicle))
            await monitor.break_on_purpose(MonitorFaultRequest(rhythm="asystole"))
            await patiently(lambda: "ecg.asystole" in shown(vehicle))
            assert shown(vehicle)["ecg.asystole"]["priority"] == "high"
            await monitor.break_on_purpose(MonitorFaultRequest(rhythm="own"))
            await patiently(lambda: shown(vehicle)["ecg.asystole"].get("is_over") is True)
            await monitor.break_on_purpose(MonitorFaultRequest(leads_off=True))
            await patiently(lambda: "ecg.lead_off" in shown(vehicle))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        said = [one for one in await vehicle.said(Stream.ALARM) if isinstance(one, Alarm)]
        ids = [one.alarm_id for one in said if one.state == "raised" and not one.is_over]
        assert len({one.alarm_id for one in said}) <= len(ids)
