"""One encounter as the hospital needs it, gathered from the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hub.consult.patient import newest_patient
from hub.store import encounters, records, units
from hub.store.database import Pool
from hub.store.encounters import Advice, Encounter
from hub.store.records import StoredRecord
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

_MOST_RECORDS: Final = 20_000
_BEFORE_US: Final = 2 * 3600 * 1_000_000
"""A run begins before its patient is met; its nodes are looked for this far back."""


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


async def case_of(pool: Pool, encounter: Encounter) -> Case:
    """Return the case of `encounter` as the database has it now."""
    since_us = encounter.opened_utc_us
    until_us = encounter.closed_utc_us or 2**53 - 1
    status = await _read(pool, encounter, Stream.STATUS, since_us - _BEFORE_US, until_us)
    triage = await _read(pool, encounter, Stream.TRIAGE, since_us, until_us)
    vitals = await _read(pool, encounter, Stream.VITALS, since_us, until_us)
    return Case(
        encounter=encounter,
        unit=await units.find(pool, encounter.unit),
        patient=await newest_patient(pool, encounter),
        vitals=[(at, one) for at, one in vitals if isinstance(one, VitalsReading)],
        scores=list(
            {one.score: (at, one) for at, one in triage if isinstance(one, Score)}.values()
        ),
        ecg=await _newest_ecg(pool, encounter, until_us),
        nodes=_nodes(one for _, one in status),
        advice=await encounters.advice_of(pool, encounter.encounter_id),
    )


async def _read(
    pool: Pool, encounter: Encounter, stream: Stream, since_us: int, until_us: int
) -> list[tuple[int, Message]]:
    stored = await records.read(
        pool,
        encounter.unit,
        stream,
        from_utc_us=max(0, since_us),
        to_utc_us=until_us,
        limit=_MOST_RECORDS,
    )
    return [found for record in stored if (found := _message(record)) is not None]


async def _newest_ecg(
    pool: Pool, encounter: Encounter, until_us: int
) -> list[tuple[int, WaveformBlock]]:
    """Return the blocks of the last ten seconds of ECG."""
    last_us = await records.last_captured(
        pool,
        encounter.unit,
        Stream.WAVEFORM,
        from_utc_us=encounter.opened_utc_us,
        to_utc_us=until_us,
    )
    if last_us is None:
        return []
    found = await _read(pool, encounter, Stream.WAVEFORM, last_us - ECG_US, last_us + 1)
    blocks = [(at, one) for at, one in found if isinstance(one, WaveformBlock)]
    return [(at, one) for at, one in blocks if one.group == "ecg"]


def _message(record: StoredRecord) -> tuple[int, Message] | None:
    try:
        return record.captured_utc_us, parse_body(record.stream, record.body)
    except RemoteProtocolError:  # kept, and not understood
        return None


def _nodes(messages: Iterable[Message]) -> list[TimeNodeStamp]:
    """Return the nodes of the newest run, what was taken back left out."""
    stamped: dict[tuple[str, str], TimeNodeStamp] = {}
    for message in messages:
        if isinstance(message, TimeNodeStamp):
            stamped[message.run_id, message.node.value] = message
    live = [one for one in stamped.values() if not one.undone]
    if not live:
        return []
    newest_run = max(live, key=lambda one: one.at_utc_us).run_id
    return sorted((one for one in live if one.run_id == newest_run), key=lambda one: one.at_utc_us)
