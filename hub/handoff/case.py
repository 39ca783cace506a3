"""One encounter as the hospital needs it, gathered from the database."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hub.consult.alarms import AlarmEpisode, alarms_of
from hub.consult.patient import newest_patient, nodes_of
from hub.consult.record import Entry, record_of
from hub.store import advice, records, units
from hub.store.advice import Advice
from hub.store.database import Pool
from hub.store.encounters import Encounter
from hub.store.stored import StoredRecord
from hub.store.units import Unit
from protocols.errors import RemoteProtocolError
from protocols.link import Stream
from protocols.messages import (
    Message,
    PatientNote,
    Score,
    TimeNodeStamp,
    VitalsReading,
    WaveformBlock,
    parse_body,
)

ECG_US: Final = 10_000_000
"""A standard ECG is ten seconds. Source: AHA/ACCF/HRS, Circulation 2007;115:1306."""

ECG_AGE_US: Final = 30 * 60 * 1_000_000
"""How far before the last curve an ECG is looked for."""

TREND_US: Final = 4 * 3600 * 1_000_000
"""A hand-over holds the vital signs of the last four hours; the hub keeps all."""

_STEP_US: Final = 60 * 1_000_000
_MOST_RECORDS: Final = 20_000
_NEVER_US: Final = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known of one encounter; each reading with its captured time (UTC, µs)."""

    encounter: Encounter
    unit: Unit
    patient: PatientNote | None
    vitals: Sequence[tuple[int, VitalsReading]]
    scores: Sequence[tuple[int, Score]]  # the newest of each kind
    ecg: Sequence[tuple[int, WaveformBlock]]
    nodes: Sequence[TimeNodeStamp]
    advice: Sequence[Advice]
    alarms: Sequence[AlarmEpisode] = ()
    record: Sequence[Entry] = ()  # what happened in the room, advice and all


async def case_of(pool: Pool, encounter: Encounter) -> Case:
    """Return the case of `encounter` as the database has it now.

    Raises:
        NotFoundError: the unit is no longer enrolled.
    """
    triage = await _read(pool, encounter, Stream.TRIAGE, encounter.since_utc_us)
    return Case(
        encounter=encounter,
        unit=await units.find(pool, encounter.unit),
        patient=await newest_patient(pool, encounter),
        vitals=await _vitals(pool, encounter),
        scores=list(
            {one.score: (at, one) for at, one in triage if isinstance(one, Score)}.values()
        ),
        ecg=await _newest_ecg(pool, encounter),
        nodes=await nodes_of(pool, encounter),
        advice=await advice.of_encounter(pool, encounter.encounter_id),
        alarms=await alarms_of(pool, encounter),
        record=await record_of(pool, encounter.encounter_id),
    )


async def _vitals(pool: Pool, encounter: Encounter) -> list[tuple[int, VitalsReading]]:
    """Return the readings of the last hours, oldest first."""
    last_us = await _last(pool, encounter, Stream.VITALS)
    if last_us is None:
        return []
    since_us = max(encounter.since_utc_us, last_us - TREND_US)
    found = await _read(pool, encounter, Stream.VITALS, since_us)
    return [(at, one) for at, one in found if isinstance(one, VitalsReading)]


async def _newest_ecg(pool: Pool, encounter: Encounter) -> list[tuple[int, WaveformBlock]]:
    """Return the blocks that hold the last ten seconds of ECG, oldest first.

    Other curves share the stream, so the last of its records may not be ECG: the search goes back
    in steps of a minute, as far as ECG may be old and still of use.
    """
    last_us = await _last(pool, encounter, Stream.WAVEFORM)
    if last_us is None:
        return []
    for until_us in range(last_us, last_us - ECG_AGE_US, -_STEP_US):
        since_us = max(encounter.since_utc_us, until_us - _STEP_US)
        found = await _read(pool, encounter, Stream.WAVEFORM, since_us, until_us)
        blocks = [(at, one) for at, one in found if isinstance(one, WaveformBlock)]
        ecg = [(at, one) for at, one in blocks if one.group == "ecg"]
        if ecg:
            return [(at, one) for at, one in ecg if at > ecg[-1][0] - ECG_US]
        if since_us == encounter.since_utc_us:
            break
    return []


async def _last(pool: Pool, encounter: Encounter, stream: Stream) -> int | None:
    return await records.last_captured(
        pool,
        encounter.unit,
        stream,
        from_utc_us=encounter.since_utc_us,
        to_utc_us=_end(encounter),
    )


async def _read(
    pool: Pool, encounter: Encounter, stream: Stream, since_us: int, last_us: int | None = None
) -> list[tuple[int, Message]]:
    """Return the newest captured from `since_us` to `last_us`, both ends in, oldest first."""
    found: deque[tuple[int, Message]] = deque(maxlen=_MOST_RECORDS)
    async for page in records.walk(
        pool,
        encounter.unit,
        stream,
        from_utc_us=max(0, since_us),
        to_utc_us=_end(encounter) if last_us is None else last_us + 1,
    ):
        found.extend(await asyncio.to_thread(_understood, page))
    return list(found)


def _understood(stored: Sequence[StoredRecord]) -> list[tuple[int, Message]]:
    found = []
    for record in stored:
        try:
            found.append((record.captured_utc_us, parse_body(record.stream, record.body)))
        except RemoteProtocolError:  # kept, and not understood
            continue
    return found


def _end(encounter: Encounter) -> int:
    """Return the moment after the encounter's last, UTC µs."""
    return _NEVER_US if encounter.closed_utc_us is None else encounter.closed_utc_us + 1
