"""Scores on the vehicle: NEWS2 and shock index, computed as readings come, recorded as they change.

A reading counts for as long as it may be believed; after that it is missing. A score is recorded
when a part of it changes, and once a minute while it does not.
"""

import asyncio
import logging
from collections.abc import Hashable
from typing import Any, Final, Literal

from edge_agent.journal import Journal, Row
from edge_agent.vehicle_clock import VehicleClock
from protocols.clinical import News2Inputs, Reading, news2, shock_index
from protocols.clinical.news2 import Acvpu
from protocols.errors import RemoteProtocolError, StorageError
from protocols.link import Stream
from protocols.messages import ConsciousnessNote, Message, Score, VitalsReading, parse_body

log = logging.getLogger(__name__)

CONTINUOUS_S: Final = 60.0
"""A continuously measured value older than this counts no more: the sensor is off."""

CUFF_S: Final = 15 * 60.0
"""A cuff pressure, and the crew's word on consciousness and oxygen. Source: vital signs of a stable
patient are taken at least every 15 minutes (US National EMS Education Standards, reassessment)."""

TEMPERATURE_S: Final = 60 * 60.0

_REPEAT_S: Final = 60.0
_LOOK_S: Final = 5.0
_HISTORY_US: Final = int(TEMPERATURE_S * 1e6)

Name = Literal[
    "respiratory_rate_bpm", "spo2_pct", "systolic_mmhg", "pulse_bpm", "body_temp_c",
    "on_oxygen", "acvpu",
]  # fmt: skip
MAX_AGE_S: Final[dict[Name, float]] = {
    "respiratory_rate_bpm": CONTINUOUS_S,
    "spo2_pct": CONTINUOUS_S,
    "pulse_bpm": CONTINUOUS_S,
    "systolic_mmhg": CUFF_S,
    "body_temp_c": TEMPERATURE_S,
    "on_oxygen": CUFF_S,
    "acvpu": CUFF_S,
}


class Scores:
    """Follows the journal's readings; `latest` is the newest NEWS2 with its captured time."""

    def __init__(self, journal: Journal, clock: VehicleClock) -> None:
        self.latest: tuple[Score, int] | None = None
        self._journal = journal
        self._clock = clock
        self._newest: dict[Name, Reading[Any]] = {}
        self._spo2_scale: Literal[1, 2] = 1
        self._told: dict[str, tuple[Hashable, float]] = {}
        self._changed = asyncio.Event()
        journal.on_append(self._appended)

    async def restore(self) -> None:
        """Take in what was measured before this start and still counts."""
        since_us = self._clock.utc_us() - _HISTORY_US
        for stream, limit in ((Stream.VITALS, 3_600), (Stream.CHART, 200)):
            for row in await self._journal.newest(stream, since_utc_us=since_us, limit=limit):
                self._appended(row)

    async def run(self) -> None:
        """Score until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._changed.wait()
            except TimeoutError:
                pass  # readings age without a word
            self._changed.clear()
            await self._score_all()

    async def _score_all(self) -> None:
        inputs = self._inputs()
        known = (inputs.pulse_bpm, inputs.spo2_pct, inputs.respiratory_rate_bpm)
        if not any(known) and self.latest is None:
            return  # no patient is measured
        for score in (news2(inputs), shock_index(inputs.pulse_bpm, inputs.systolic_mmhg)):
            await self._tell(score)

    async def _tell(self, score: Score) -> None:
        shape: Hashable = (score.low, score.high, score.band, *(p.points for p in score.parts))
        told, at_s = self._told.get(score.score, (None, -_REPEAT_S))
        now_s = self._clock.monotonic_s()
        repeats = len(score.missing) < len(score.parts) and now_s - at_s >= _REPEAT_S
        if shape == told and not repeats:
            return
        stamp = self._clock.stamp()
        try:
            await self._journal.append(
                Stream.TRIAGE,
                score,
                captured_utc_us=stamp.utc_us,
                clock=stamp.source,
                clock_error_us=stamp.error_us,
            )
        except StorageError as err:
            log.warning("score.not_stored", extra={"error": err.code})
            return
        self._told[score.score] = (shape, now_s)
        if score.score == "news2":
            self.latest = (score, stamp.utc_us)

    def _inputs(self) -> News2Inputs:
        return News2Inputs(
            respiratory_rate_bpm=self._fresh("respiratory_rate_bpm"),
            spo2_pct=self._fresh("spo2_pct"),
            on_oxygen=self._fresh("on_oxygen"),
            spo2_scale=self._spo2_scale,
            systolic_mmhg=self._fresh("systolic_mmhg"),
            pulse_bpm=self._fresh("pulse_bpm"),
            acvpu=self._fresh("acvpu"),
            body_temp_c=self._fresh("body_temp_c"),
        )

    def _fresh(self, name: Name) -> Reading[Any] | None:
        reading = self._newest.get(name)
        if reading is None:
            return None
        age_s = (self._clock.utc_us() - reading.measured_utc_us) / 1e6
        return reading if age_s <= MAX_AGE_S[name] else None

    def _appended(self, row: Row) -> None:
        if row.stream not in {Stream.VITALS, Stream.CHART}:
            return
        try:
            message: Message = parse_body(row.stream, row.body)
        except RemoteProtocolError:  # a note of a newer version
            return
        match message:
            case VitalsReading():
                self._take_vitals(message, row.captured_utc_us)
            case ConsciousnessNote():
                acvpu: Acvpu = message.acvpu
                self._newest["acvpu"] = Reading(acvpu, row.captured_utc_us)
                self._newest["on_oxygen"] = Reading(message.on_oxygen, row.captured_utc_us)
                self._spo2_scale = message.spo2_scale
            case _:
                return
        self._changed.set()

    def _take_vitals(self, vitals: VitalsReading, captured_utc_us: int) -> None:
        pulse = vitals.pulse_bpm if vitals.pulse_bpm is not None else vitals.heart_rate_bpm
        cuff_us = vitals.nibp_measured_utc_us or captured_utc_us
        measured: dict[Name, tuple[float | None, int]] = {
            "respiratory_rate_bpm": (vitals.respiratory_rate_bpm, captured_utc_us),
            "spo2_pct": (vitals.spo2_pct, captured_utc_us),
            "pulse_bpm": (pulse, captured_utc_us),
            "systolic_mmhg": (vitals.systolic_mmhg, cuff_us),
            "body_temp_c": (vitals.body_temp_c, captured_utc_us),
        }
        for name, (value, measured_utc_us) in measured.items():
            if value is not None:
                self._newest[name] = Reading(value, measured_utc_us)
