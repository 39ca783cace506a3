"""The patient monitor: numbers once a second, waveforms as often as it is set, on one wire."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from firmware_sim.monitor.alarms import OwnAlarms
from firmware_sim.monitor.beats import RecordedBeats
from firmware_sim.monitor.codes import CUFF, METRICS, MILLI_VOLT
from firmware_sim.monitor.faults import MonitorFaultRequest, MonitorFaults, number_in
from firmware_sim.monitor.heart import EcgModel, Heart, PlethModel
from firmware_sim.monitor.mllp import MllpSender, Pacing
from firmware_sim.monitor.oru import Identity, Number, OruWriter
from firmware_sim.monitor.patient import Patient, VitalSigns, patient_of
from firmware_sim.monitor.signals import Group, Recorded, Samples, WaveSource
from firmware_sim.witness import Witness
from protocols.clock import Clock

log = logging.getLogger(__name__)

WAVES_EVERY_S: Final = 0.256
"""One waveform message: 128 samples at 500 Hz, 64 at 250, 32 at 125; no rounding between them."""

ORDER: Final = ("heart_rate", "pulse", "spo2", "respiratory_rate", "temperature",
                "systolic", "diastolic", "mean_arterial")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSetup:
    """One monitor. `waves` are the recordings to play; the model fills in for what is not there.

    `numerics` False sends waveforms only. `clock_error_s` is how far the monitor's own clock is
    ahead. `model_pleth` and `model_ecg` False: nothing fills in for that signal.
    """

    identity: Identity
    seed: int
    course: str = "stable"
    waves: Sequence[WaveSource] = field(default=())
    model_ecg: bool = True
    model_pleth: bool = True
    numerics: bool = True
    pressure_every_s: float = 180.0
    waves_every_s: float = WAVES_EVERY_S
    clock_error_s: float = 0.0
    pacing: Pacing = Pacing.LIVE


class PatientMonitor:
    """One simulated monitor that reports to `host:port`."""

    def __init__(
        self,
        *,
        setup: MonitorSetup,
        host: str,
        port: int,
        clock: Clock,
        witness: Witness | None = None,
    ) -> None:
        self.faults = MonitorFaults(seed=setup.seed)
        self.sender = MllpSender(
            host=host, port=port, clock=clock, pacing=setup.pacing, witness=witness
        )
        self.finished = asyncio.Event()
        self._setup = setup
        self._clock = clock
        self._patient = patient_of(seed=setup.seed, course=setup.course)
        self._writer = OruWriter(setup.identity)
        self._alarms = OwnAlarms()
        self._sources = _sources(setup, self._patient)
        self._counted = _counted(self._sources)
        self._played = [0] * len(self._sources)
        self._taken = [0] * len(self._sources)
        self._start_utc_us = 0
        self._start_s = 0.0
        self._cuff: dict[str, tuple[str, int]] = {}
        self._cuff_due_s = 5.0

    async def run(self) -> None:
        """Send until cancelled; once every recording has ended (none looping), stay silent."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sender.run(), name="monitor-mllp")
            group.create_task(self._produce(), name="monitor-signals")

    async def break_on_purpose(self, request: MonitorFaultRequest) -> None:
        """Begin the faults in `request`."""
        self.faults.apply(request)
        if request.measure_pressure:
            self._cuff_due_s = 0.0
        if request.garbage_bytes:
            await self.sender.put_noise(self.faults.noise(min(request.garbage_bytes, 65_536)))
        if request.restart:
            self.sender.disconnect()
            self._begin()

    def status(self) -> dict[str, object]:
        """Return what the control socket reports of this device."""
        counters = self.sender.counters
        return {
            "connected": self.sender.connected,
            "waiting": self.sender.waiting,
            "sent": counters.sent,
            "accepted": counters.accepted,
            "refused": counters.refused,
            "dropped": counters.dropped,
            "signals": {
                f"{source.group.kind}@{source.group.rate_hz}": source.group.source
                for source in self._sources
            },
            "finished": self.finished.is_set(),
        }

    def _begin(self) -> None:
        """Switch on: counters and sample indexes begin again; recordings go on."""
        error_us = round(self._setup.clock_error_s * 1_000_000)
        self._start_utc_us = self._clock.utc_us() + error_us
        self._start_utc_us -= self._start_utc_us % 100  # HL7 times end at a tenth of a millisecond
        self._start_s = self._clock.monotonic_s()
        self._taken = [0] * len(self._sources)
        self._cuff = {}
        self._cuff_due_s = min(5.0, self._setup.pressure_every_s)
        self._writer.restart(self._start_utc_us)
        self._alarms.restart()

    async def _produce(self) -> None:
        self._begin()
        next_number_s = 1.0
        began_s, block = self._start_s, 0
        while True:
            if self._start_s != began_s:  # restarted
                began_s, block, next_number_s = self._start_s, 0, 1.0
            block += 1
            due_s = began_s + block * self._setup.waves_every_s
            if (left_s := due_s - self._clock.monotonic_s()) > 0:
                await self._clock.sleep(left_s)
            if self._start_s != began_s:
                continue
            if not await self._send_waves(block) and self._sources:
                self.finished.set()
                return
            if self._setup.numerics and block * self._setup.waves_every_s >= next_number_s:
                next_number_s += 1.0
                await self._send_numbers(block * self._setup.waves_every_s)

    async def _send_waves(self, block: int) -> bool:
        """Send what was sampled up to the end of `block`; False once nothing is left to send."""
        blocks: list[tuple[Group, int, Samples, int]] = []
        for number, source in enumerate(self._sources):
            group, first = source.group, self._taken[number]
            until = round(block * self._setup.waves_every_s * 1000) * group.rate_hz // 1000
            samples = source.take(until - first)
            if samples.shape[1]:
                if group.kind == "ecg":
                    samples = self.faults.curve(
                        samples, rate_hz=group.rate_hz, first=first, per_mv=_per_mv(group)
                    )
                start_us = self._start_utc_us + first * 1_000_000 // group.rate_hz
                blocks.append((group, first, samples, start_us))
            self._taken[number] = first + samples.shape[1]
            self._played[number] += samples.shape[1]
        if blocks:
            self._identify()
            extra = self.faults.extra_segments()
            await self.sender.put(
                *self._writer.waves(
                    blocks, now_utc_us=self._now_us(block * self._setup.waves_every_s), extra=extra
                )
            )
        return bool(blocks)

    async def _send_numbers(self, time_s: float) -> None:
        now_us = self._now_us(time_s)
        state = self._patient.at(time_s)
        self._measure_pressure(state, time_s, now_us)
        texts = {
            "heart_rate": f"{state.heart_rate:.0f}",
            "pulse": f"{state.heart_rate:.0f}",
            "spo2": f"{state.spo2:.0f}",
            "respiratory_rate": f"{state.respiratory_rate:.0f}",
            "temperature": f"{state.temperature:.1f}",
        }
        sources = dict.fromkeys(ORDER, "model")
        for name, (index, beats) in self._counted.items():
            group = self._sources[index].group
            counted = beats.rate(self._played[index] / group.rate_hz)
            texts[name] = "" if counted is None else f"{counted:.0f}"
            sources[name] = f"counted in {group.source}"
        numbers = [
            Number(metric=name, text=texts[name], measured_utc_us=now_us, source=sources[name])
            for name in ORDER
            if name not in CUFF
        ]
        numbers += [
            Number(metric=name, text=text, measured_utc_us=at_us, source="model")
            for name, (text, at_us) in self._cuff.items()
        ]
        spoiled = [self.faults.spoil(number) for number in numbers]
        self._identify()
        extra = self.faults.extra_segments()
        await self.sender.put(*self._writer.numerics(spoiled, now_utc_us=now_us, extra=extra))
        if not self.faults.silent_alarms:
            shown = {number.metric: number_in(number.text) for number in spoiled}
            for alert in self._alarms.look(shown, self.faults.events, now_s=time_s):
                await self.sender.put(*self._writer.alert(alert, now_utc_us=now_us))

    def _measure_pressure(self, state: VitalSigns, time_s: float, now_us: int) -> None:
        """Measure on the cuff's own cycle; between, the last result keeps its own time."""
        if time_s < self._cuff_due_s:
            return
        self._cuff_due_s = time_s + self._setup.pressure_every_s
        values = {name: getattr(state, name) for name in ORDER if name in CUFF}
        self._cuff = {
            name: (f"{value:.{METRICS[name].decimals}f}", now_us) for name, value in values.items()
        }

    def _identify(self) -> None:
        identity = self._setup.identity
        if self.faults.empty_pid:
            identity = replace(identity, patient_id="", patient_name="")
        self._writer.identity = identity

    def _now_us(self, time_s: float) -> int:
        return self._start_utc_us + round(time_s * 1_000_000)


def _sources(setup: MonitorSetup, patient: Patient) -> list[WaveSource]:
    """Return the recordings, then the model of what they lack."""
    sources = list(setup.waves)
    kinds = {source.group.kind for source in sources}
    heart: Heart = Heart(patient=patient, seed=setup.seed)
    if setup.model_ecg and "ecg" not in kinds:
        sources.append(EcgModel(heart=heart, patient=patient, seed=setup.seed))
    if setup.model_pleth and "pleth" not in kinds:
        recorded = next((s for s in setup.waves if s.group.kind == "ecg"), None)
        if isinstance(recorded, Recorded):
            label = f"model, timed by {recorded.group.source}"
            beats = RecordedBeats(recorded)
            sources.append(PlethModel(heart=beats, seed=setup.seed + 1, source=label))
        else:
            sources.append(PlethModel(heart=heart, seed=setup.seed + 1))
    return sources


def _per_mv(group: Group) -> float:
    """Return how many steps of the converter are a millivolt in the group's first lead."""
    channel = group.channels[0]
    return (1.0 if channel.unit == MILLI_VOLT else 1000.0) / channel.resolution


def _counted(sources: Sequence[WaveSource]) -> dict[str, tuple[int, RecordedBeats]]:
    """Return which rates are counted in which recording: the number's name, its source's index."""
    found: dict[str, tuple[int, RecordedBeats]] = {}
    for index, source in enumerate(sources):
        if isinstance(source, Recorded) and source.group.kind == "ecg":
            found["heart_rate"] = index, RecordedBeats(source)
            found.setdefault("pulse", found["heart_rate"])
        elif isinstance(source, Recorded) and source.group.kind == "pleth":
            found["pulse"] = index, RecordedBeats(source)
    return found


def eui64_of(seed: int) -> str:
    """Return a locally administered EUI-64 for `seed`. Source: IEEE 802, U/L bit set."""
    return f"024748FFFE{seed & 0xFFFFFF:06X}"
