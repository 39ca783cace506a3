"""What a full ambulance has to say, second by second: recordings, heard by the vehicle's drivers.

The simulated monitor's HL7 messages and the simulated receiver's NMEA sentences go through the
agent's readers, only not in real time: `LOOP_S` seconds of it are made once and told again and
again, with the times and sample numbers of the moment. Scores and reports on the link are made by
the same rules as on the vehicle.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.devices.epoch import EpochMerger
from edge_agent.devices.monitor_hl7.message import read_message
from edge_agent.devices.monitor_hl7.oru import read_oru
from edge_agent.devices.monitor_hl7.records import DeviceRecords
from edge_agent.devices.nmea import SentenceSplitter, read_sentence
from edge_agent.uplink.status import REPORT_S
from edge_agent.vehicle_clock import Stamp
from firmware_sim import recordings
from firmware_sim.gnss import PLACES, drive_source
from firmware_sim.monitor import Identity, eui64_of, open_record
from firmware_sim.monitor.oru import Number, OruWriter
from firmware_sim.monitor.patient import patient_of
from firmware_sim.monitor.records import digitise
from firmware_sim.monitor.signals import Group, WaveSource
from firmware_sim.monitor.signals import Samples as RawSamples
from goldenhour.demo.city import Recordings as Played
from protocols.clinical import News2Inputs, Reading, news2, shock_index
from protocols.clock import ClockSource
from protocols.errors import ConfigError
from protocols.link import Stream
from protocols.messages import (
    DeviceHealth,
    LinkHealth,
    Message,
    Score,
    StreamBacklog,
    VitalsReading,
    WaveformBlock,
)

LOOP_S: Final = 120
DOCUMENT_S: Final = 10

_SEED: Final = 7
_COURSE: Final = "chest-pain"
_BEGIN_US: Final = 1_800_000_000_000_000
_ERROR_US: Final = 50_000
_GNSS_AT_S: Final = 0.3  # so long after the second its sentences are there
_LINK_AT_S: Final = 0.6
_REPEAT_S: Final = 60


class Made(NamedTuple):
    """A record before it is accepted: due so many seconds after the traffic's begin."""

    due_s: float
    stream: Stream
    captured_s: float
    message: Message


class Ambulance:
    """The traffic, without end, the same for every run with the same recording."""

    def __init__(self, played: Played, *, folder: Path = recordings.FOLDER) -> None:
        """Make the loop; takes about a second.

        Raises:
            ConfigError: there is no recording of twelve leads.
        """
        self._waves = _waves(played, folder)
        self._monitor = _Monitor()
        made = [
            *self._monitor.hear_waves(self._waves, every_s=played.waves_every_s or 1.0),
            *self._monitor.hear_numbers(),
            *_positions(folder),
        ]
        made += _scores(made)
        self._loop = sorted(made, key=lambda one: one.due_s)

    def between(self, begin_s: float, end_s: float, *, origin_utc_us: int) -> Iterator[Made]:
        """Yield what is due from `begin_s` until before `end_s`, in order.

        `origin_utc_us`: when second 0 is, for the times inside the records.
        """
        turn = max(0, int(begin_s // LOOP_S) - 1)  # a turn's last second is due at its end
        while turn * LOOP_S < end_s:
            shift_s = turn * LOOP_S
            for one in self._told(turn, origin_utc_us):
                if begin_s <= one.due_s + shift_s < end_s:
                    due_s, captured_s = one.due_s + shift_s, one.captured_s + shift_s
                    yield Made(due_s, one.stream, captured_s, one.message)
            turn += 1

    def document(self) -> WaveformBlock:
        """Return ten seconds of twelve leads as one record."""
        for source in self._waves:
            if source.group.kind == "ecg":
                monitor = _Monitor()
                (made,) = monitor.hear_waves([source], every_s=DOCUMENT_S, for_s=DOCUMENT_S)
                if isinstance(made.message, WaveformBlock):
                    return made.message
        raise ConfigError(reason="the recording has no ECG")

    def _told(self, turn: int, origin_utc_us: int) -> Iterator[Made]:
        moved_us = origin_utc_us - _BEGIN_US + turn * LOOP_S * 1_000_000
        reports = (
            Made(
                at_s + _LINK_AT_S,
                Stream.LINK,
                at_s + _LINK_AT_S,
                self._report(turn * LOOP_S + at_s, origin_utc_us),
            )
            for at_s in range(0, LOOP_S, round(REPORT_S))
        )
        told = [one._replace(message=_moved(one.message, turn, moved_us)) for one in self._loop]
        yield from sorted([*told, *reports], key=lambda one: one.due_s)

    @staticmethod
    def _report(at_s: int, origin_utc_us: int) -> LinkHealth:
        """Return the report of a vehicle without a link, whose backlog grows."""
        streams = {"vitals": 1.0, "position": 1.0, "waveform": 0.5, "triage": 9.0, "link": 5.0}
        backlog = tuple(
            StreamBacklog(
                stream=name,
                last_seq=round(at_s / every_s),
                acked_through=round(at_s / every_s / 2),
                waiting_records=round(at_s / every_s / 2),
                waiting_bytes=round(at_s / every_s / 2) * 300,
            )
            for name, every_s in streams.items()
        )
        at_us = origin_utc_us + at_s * 1_000_000
        return LinkHealth(
            state="store-and-forward",
            waiting_records=sum(one.waiting_records for one in backlog),
            waiting_bytes=sum(one.waiting_bytes for one in backlog),
            oldest_waiting_utc_us=at_us - round(at_s * 5e5),
            last_ack_utc_us=at_us - round(at_s * 5e5),
            round_trip_ms=round(60 + 20 * math.sin(at_s), 1),
            rate_bps=round(16_000 + 900 * math.sin(at_s / 3), 1),
            disk_free_bytes=40 * 2**30 - at_s * 4096,
            clock=ClockSource.GNSS.value,
            clock_error_us=_ERROR_US,
            software="goldenhour",
            backlog=backlog,
            devices=(
                DeviceHealth(
                    name="gnss", state="ok", heard=round(at_s * 6), last_heard_utc_us=at_us
                ),
                DeviceHealth(
                    name="monitor", state="ok", heard=round(at_s * 2), last_heard_utc_us=at_us
                ),
            ),
        )


class _Monitor:
    """The simulated monitor's words, and the agent's reading of them."""

    def __init__(self) -> None:
        self._writer = OruWriter(
            Identity(eui64=eui64_of(_SEED), bed="A-001", patient_id="SIM", patient_name="模拟^患者")
        )
        self._writer.restart(_BEGIN_US)
        self._records = DeviceRecords()

    def hear_waves(
        self, sources: Sequence[WaveSource], *, every_s: float, for_s: float = LOOP_S
    ) -> Iterator[Made]:
        """Yield the blocks of `sources`, a message every `every_s`."""
        taken = [0] * len(sources)
        for number in range(1, round(for_s / every_s) + 1):
            end_s = number * every_s
            blocks: list[tuple[Group, int, RawSamples, int]] = []
            for which, source in enumerate(sources):
                first, rate_hz = taken[which], source.group.rate_hz
                taken[which] = round(end_s * 1000) * rate_hz // 1000
                start_us = _BEGIN_US + first * 1_000_000 // rate_hz
                blocks.append((source.group, first, source.take(taken[which] - first), start_us))
            _, text = self._writer.waves(blocks, now_utc_us=_BEGIN_US + round(end_s * 1e6))
            yield from self._heard(text, end_s)

    def hear_numbers(self) -> Iterator[Made]:
        """Yield the vital signs of each second."""
        patient = patient_of(seed=_SEED, course=_COURSE)
        cuff: list[Number] = []
        for at_s in range(1, LOOP_S + 1):
            state, now_us = patient.at(at_s), _BEGIN_US + at_s * 1_000_000
            if at_s % REPORT_S == 0 and not cuff:
                values = {
                    "systolic": state.systolic, "diastolic": state.diastolic,
                    "mean_arterial": state.mean_arterial,
                }  # fmt: skip
                cuff = [_number(name, f"{value:.0f}", now_us) for name, value in values.items()]
            numbers = [
                _number("heart_rate", f"{state.heart_rate:.0f}", now_us),
                _number("pulse", f"{state.heart_rate:.0f}", now_us),
                _number("spo2", f"{state.spo2:.0f}", now_us),
                _number("respiratory_rate", f"{state.respiratory_rate:.0f}", now_us),
                _number("temperature", f"{state.temperature:.1f}", now_us),
            ]
            _, text = self._writer.numerics([*numbers, *cuff], now_utc_us=now_us)
            yield from self._heard(text, float(at_s))

    def _heard(self, text: str, at_s: float) -> Iterator[Made]:
        stamp = Stamp(_BEGIN_US + round(at_s * 1e6), ClockSource.GNSS, _ERROR_US)
        for one in self._records.records(
            read_oru(read_message(text.encode())), stamp=stamp, now_s=at_s
        ):
            yield Made(at_s, one.stream, (one.captured_utc_us - _BEGIN_US) / 1e6, one.message)


def _number(metric: str, text: str, at_us: int) -> Number:
    return Number(metric=metric, text=text, measured_utc_us=at_us, source="model")


def _waves(played: Played, folder: Path) -> list[WaveSource]:
    """Return the recording that was named, or those at hand."""
    found: Iterable[WaveSource | None]
    if played.ecg is not None:
        found = open_record(played.ecg, ecg_step_uv=played.ecg_step_uv)
    else:
        leads = recordings.twelve_lead()
        if leads is not None and played.ecg_step_uv is not None:
            leads = digitise(leads, step_uv=played.ecg_step_uv)
        found = (leads,)
    waves = [one for one in (*found, recordings.finger_pulse(folder)) if one is not None]
    if not any(one.group.kind == "ecg" for one in waves):
        raise ConfigError(reason="there is no recording of an ECG; install goldenhour[demo]")
    kinds: dict[str, WaveSource] = {}
    for one in waves:
        kinds.setdefault(one.group.kind, one)
    return list(kinds.values())


def _positions(folder: Path) -> Iterator[Made]:
    """Yield a position a second, of the recorded drive if it is there."""
    source = recordings.car_drive(folder, to=PLACES[0], seed=_SEED) or drive_source(
        seed=_SEED, home=PLACES[0]
    )
    splitter, merger = SentenceSplitter(), EpochMerger()
    for at_s in range(LOOP_S):
        lines = source.epoch(_BEGIN_US + at_s * 1_000_000)
        if lines is None:
            return
        due_s = at_s + _GNSS_AT_S
        stamp = Stamp(_BEGIN_US + round(due_s * 1e6), ClockSource.GNSS, _ERROR_US)
        for line in splitter.feed(b"".join(lines)):
            sentence = read_sentence(line) if isinstance(line, bytes) else None
            for epoch in merger.take(sentence, stamp) if sentence is not None else ():
                if epoch.position is not None:
                    yield Made(due_s, Stream.POSITION, due_s, epoch.position)


def _scores(made: Sequence[Made]) -> Iterator[Made]:
    """Yield the scores of the readings: as a part changes, and once a minute."""
    told: dict[str, tuple[object, float]] = {}
    for one in made:
        if not isinstance(one.message, VitalsReading):
            continue
        for score in _scored(one.message, _BEGIN_US + round(one.captured_s * 1e6)):
            shape = (score.low, score.high, score.band, *(part.points for part in score.parts))
            before, at_s = told.get(score.score, (None, -math.inf))
            if shape != before or one.due_s - at_s >= _REPEAT_S:
                told[score.score] = (shape, one.due_s)
                yield Made(one.due_s, Stream.TRIAGE, one.captured_s, score)


def _scored(vitals: VitalsReading, at_us: int) -> tuple[Score, Score]:
    def read(value: float | None) -> Reading[float] | None:
        return None if value is None else Reading(value, at_us)

    pulse, systolic = read(vitals.pulse_bpm), read(vitals.systolic_mmhg)
    inputs = News2Inputs(
        respiratory_rate_bpm=read(vitals.respiratory_rate_bpm),
        spo2_pct=read(vitals.spo2_pct),
        systolic_mmhg=systolic,
        pulse_bpm=pulse,
        body_temp_c=read(vitals.body_temp_c),
    )
    return news2(inputs), shock_index(pulse, systolic)


def _moved(message: Message, turn: int, by_us: int) -> Message:
    """Return `message` as it would be `by_us` later, in the loop's turn `turn`."""
    match message:
        case WaveformBlock():
            first = message.first_sample_index + round(turn * LOOP_S * message.rate_hz)
            return message.model_copy(update={"first_sample_index": first})
        case VitalsReading(nibp_measured_utc_us=int(at_us)):
            return message.model_copy(update={"nibp_measured_utc_us": at_us + by_us})
        case Score():
            parts = tuple(
                part.model_copy(update={"measured_utc_us": part.measured_utc_us + by_us})
                if part.measured_utc_us is not None
                else part
                for part in message.parts
            )
            return message.model_copy(update={"parts": parts})
        case _:
            return message
