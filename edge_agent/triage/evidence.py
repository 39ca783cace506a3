"""What is known of the patient, as the journal's records tell it: the evidence of the alarms."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from edge_agent.journal import Row
from protocols.clinical.alarms import (
    Changed,
    DeviceAlarm,
    DeviceAlarms,
    EcgWatch,
    Finding,
    Parameter,
    PatientClass,
    Scored,
    Signs,
    class_of,
    limits_of,
)
from protocols.errors import RemoteProtocolError
from protocols.link import Stream
from protocols.messages import (
    ConsciousnessNote,
    PatientNote,
    Score,
    VitalsReading,
    WaveformBlock,
    parse_body,
)
from protocols.messages.samples import decode_samples

log = logging.getLogger(__name__)

STREAMS: Final = frozenset({Stream.VITALS, Stream.TRIAGE, Stream.CHART, Stream.WAVEFORM})


class Evidence:
    """Everything that was said of the patient who is measured now."""

    def __init__(
        self, otherwise: PatientClass, changed: Mapping[tuple[PatientClass, Parameter], Changed]
    ) -> None:
        self._otherwise, self._changed = otherwise, changed
        self._signs, self._scored, self._ecg = Signs(), Scored(), EcgWatch()
        self._devices = DeviceAlarms()
        self._patient: PatientNote | None = None
        self._spo2_scale: Literal[1, 2] = 1

    @property
    def patient_class(self) -> PatientClass:
        """Whose limits hold."""
        note = self._patient
        if note is None:
            return self._otherwise
        return class_of(note.age_years, note.age_days, otherwise=self._otherwise)

    @property
    def newest_s(self) -> float | None:
        """When anything was measured last, monotonic."""
        return self._signs.newest_s

    def take(self, row: Row, *, now_s: float, now_utc_us: int) -> bool:
        """Take in one record; return whether it may change an alarm."""
        if row.stream not in STREAMS:
            return False
        try:
            message = parse_body(row.stream, row.body)
            match message:
                case VitalsReading():
                    self._take_vitals(message, row, now_s, now_utc_us)
                case Score():
                    self._scored.take(message)
                case WaveformBlock() if message.group == "ecg":
                    self._ecg.take(message, decode_samples(message), now_s=now_s)
                case PatientNote():
                    self._patient = message
                case ConsciousnessNote():
                    self._spo2_scale = message.spo2_scale
                case _:
                    return False
        except RemoteProtocolError:  # a record of a newer version, or a damaged curve
            return False
        return True

    def _take_vitals(self, reading: VitalsReading, row: Row, now_s: float, now_utc_us: int) -> None:
        captured_us = row.captured_utc_us
        age_s = max(0.0, (now_utc_us - captured_us) / 1e6)
        cuff_us = reading.nibp_measured_utc_us or captured_us
        cuff_age_s = age_s + max(0.0, (captured_us - cuff_us) / 1e6)
        self._signs.take(reading, age_s=age_s, cuff_age_s=cuff_age_s, now_s=now_s)

    def said_by_device(self, alarms: Sequence[DeviceAlarm]) -> int:
        """Take in the monitor's own alarms; return how many were too many to follow."""
        return self._devices.take(alarms)

    def forget(self) -> None:
        """The patient has left: nothing of what was said is the next one's."""
        self._signs.forget()
        self._scored.forget()
        self._ecg.forget()
        self._devices.forget()
        self._patient, self._spo2_scale = None, 1

    def findings(
        self, *, now_s: float, since_s: float, standing: Iterable[str], is_silent: bool
    ) -> Iterator[Finding]:
        """Yield what all of it says now."""
        up = set(standing)
        note = self._patient
        limits = limits_of(
            self.patient_class,
            age_years=None if note is None else note.age_years,
            spo2_scale=self._spo2_scale,
            changed=self._changed,
        )
        yield from self._signs.findings(
            limits, now_s=now_s, since_s=since_s, standing=up, is_silent=is_silent
        )
        yield from self._ecg.findings(
            now_s=now_s,
            since_s=since_s,
            has_pulse=self._signs.has_pulse(now_s),
            is_silent=is_silent,
        )
        yield from self._devices.findings(is_silent=is_silent, standing=up)
        if self.patient_class is PatientClass.ADULT:  # NEWS2 and the shock index know no child
            yield from self._scored.findings(standing=up)
