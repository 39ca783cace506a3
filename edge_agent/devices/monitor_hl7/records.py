"""A message's content as records: vitals, and waveform blocks placed in time. One device's state.

Captured time: see `device_time`. Numbers and waveforms are aligned apart, for a monitor may round
the times of its numbers to the minute.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_agent.devices.monitor_hl7.device_time import Alignment, SampleCounter
from edge_agent.devices.monitor_hl7.oru import OruMessage
from edge_agent.devices.monitor_hl7.vitals import Reading, read_vitals
from edge_agent.devices.monitor_hl7.waves import Wave, read_waves
from edge_agent.devices.reasons import Reason
from edge_agent.vehicle_clock import Stamp
from protocols.link.streams import Stream
from protocols.messages import Message, VitalsReading, WaveformBlock
from protocols.messages.samples import ENCODING, encode_samples
from protocols.messages.waveform import MAX_SAMPLES

LARGEST_DATA_BYTES: Final = 60 * 1024


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record to be stored. `stamp` is when the message arrived."""

    stream: Stream
    message: Message
    captured_utc_us: int
    stamp: Stamp


class DeviceRecords:
    """Turns one device's messages into records, in the order in which they came."""

    def __init__(self) -> None:
        self._numbers = Alignment()
        self._waves = Alignment()
        self._counters: dict[tuple[str, float, int], SampleCounter] = {}
        self._aged: dict[str, int] = {}  # field → the time of the number last recorded as aged

    def records(self, oru: OruMessage, *, stamp: Stamp, now_s: float) -> list[Waiting]:
        """Return the records of a message that arrived at `stamp`, monotonic `now_s`.

        What cannot be used is added to `oru.rejected`.
        """
        out = self._of_vitals(oru, stamp, now_s)
        out += self._of_waves(oru, stamp, now_s)
        return out

    def _of_vitals(self, oru: OruMessage, stamp: Stamp, now_s: float) -> list[Waiting]:
        out: list[Waiting] = []
        captured_us: int | None = None
        for reading in read_vitals(oru):
            values = self._unseen(reading, oru.rejected)
            if not values:
                continue
            if captured_us is None:
                captured_us = stamp.utc_us
                if reading.now_utc_us is not None:
                    captured_us -= self._numbers.age_us(reading.now_utc_us, now_s)
            cuff_us = None
            if reading.cuff_utc_us is not None and reading.now_utc_us is not None:
                cuff_us = max(0, captured_us - (reading.now_utc_us - reading.cuff_utc_us))
            message = VitalsReading.model_validate(
                {**values, "nibp_measured_utc_us": cuff_us, "source": reading.source}
            )
            at_us = max(0, captured_us - reading.age_us)
            out.append(Waiting(Stream.VITALS, message, at_us, stamp))
        return out

    def _unseen(self, reading: Reading, rejected: Counter[Reason]) -> dict[str, float]:
        """Return the numbers of `reading` that are no repetition of an aged one."""
        if not reading.is_aged or reading.now_utc_us is None:
            return reading.values
        at_us = reading.now_utc_us - reading.age_us
        fresh = {name: v for name, v in reading.values.items() if self._aged.get(name) != at_us}
        rejected[Reason.STALE] += len(reading.values) - len(fresh)
        self._aged.update(dict.fromkeys(fresh, at_us))
        return fresh

    def _of_waves(self, oru: OruMessage, stamp: Stamp, now_s: float) -> list[Waiting]:
        waves = read_waves(oru)
        ends = [end for wave in waves if (end := _end_us(wave)) is not None]
        last_us = max(ends, default=None)
        age_us = 0 if last_us is None else self._waves.age_us(last_us, now_s)
        out: list[Waiting] = []
        ordinals: Counter[tuple[str, float]] = Counter()
        for wave in waves:
            end_us = _end_us(wave)
            span_us = _span_us(wave)
            if end_us is None or last_us is None:
                captured_us = stamp.utc_us - span_us
                start_us = captured_us
            else:
                captured_us = stamp.utc_us - age_us - (last_us - end_us) - span_us
                start_us = end_us - span_us
            ordinal = ordinals[wave.group, wave.rate_hz]
            ordinals[wave.group, wave.rate_hz] += 1
            counter = self._counter(wave, ordinal)
            placed = counter.place(
                max(0, start_us), wave.samples.shape[1], rate_hz=wave.rate_hz, now_s=now_s
            )
            if placed.skip:
                oru.rejected[Reason.OVERLAP] += 1
            out += _blocks(wave, placed.first_index, placed.skip, captured_us, stamp)
        return out

    def _counter(self, wave: Wave, ordinal: int) -> SampleCounter:
        key = (wave.group, wave.rate_hz, ordinal)
        if key not in self._counters and len(self._counters) >= 64:  # noqa: PLR2004 -- bounded
            self._counters.pop(next(iter(self._counters)))
        return self._counters.setdefault(key, SampleCounter())


def _end_us(wave: Wave) -> int | None:
    """Return the device's time of the last sample."""
    if wave.start_utc_us is None:
        return None
    return wave.start_utc_us + _span_us(wave)


def _span_us(wave: Wave) -> int:
    """Return the time from the first sample to the last."""
    return round((int(wave.samples.shape[1]) - 1) / wave.rate_hz * 1_000_000)


def _blocks(
    wave: Wave, first_index: int, skip: int, captured_us: int, stamp: Stamp
) -> list[Waiting]:
    """Return `wave` from sample `skip` on as blocks that each fit into a record."""
    count = wave.samples.shape[1] - skip
    if count <= 0:
        return []
    samples = np.ascontiguousarray(wave.samples[:, skip:])
    data = encode_samples(samples)
    if len(data) > LARGEST_DATA_BYTES or samples.size > MAX_SAMPLES:
        half = count // 2
        head = Wave(wave.group, wave.rate_hz, wave.start_utc_us, wave.channels,
                    wave.samples[:, : skip + half], wave.missing)  # fmt: skip
        return [
            *_blocks(head, first_index, skip, captured_us, stamp),
            *_blocks(wave, first_index + half, skip + half, captured_us, stamp),
        ]
    block = WaveformBlock(
        group=wave.group,
        rate_hz=wave.rate_hz,
        sample_count=count,
        first_sample_index=first_index,
        channels=wave.channels,
        encoding=ENCODING,
        data=data,
        missing=wave.missing,
    )
    at_us = max(0, captured_us + round(skip / wave.rate_hz * 1_000_000))
    return [Waiting(Stream.WAVEFORM, block, at_us, stamp)]
