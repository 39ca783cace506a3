"""Who the patient of an encounter is, and when what happened, as far as the crew has said."""

from collections.abc import AsyncIterator
from typing import Final

from hub.store import records
from hub.store.database import Pool
from hub.store.encounters import Encounter
from protocols.errors import RemoteProtocolError
from protocols.link import Stream
from protocols.messages import Message, PatientNote, TimeNodeStamp, parse_body

_NEVER_US: Final = 2**53 - 1
_BEFORE_US: Final = 2 * 3600 * 1_000_000
"""A run begins before its patient is met; its nodes are looked for this far back."""

_AFTER_US: Final = 10 * 1_000_000
"""The last node may be stamped with the press that closes the encounter."""


async def newest_patient(pool: Pool, encounter: Encounter) -> PatientNote | None:
    """Return the newest note on the patient of `encounter`; a note on another's is passed over."""
    until_us = (encounter.closed_utc_us or _NEVER_US - 1) + 1
    names = {encounter.encounter_id, *encounter.aliases}
    newest: PatientNote | None = None
    async for message in _said(pool, encounter, Stream.CHART, encounter.since_utc_us, until_us):
        if isinstance(message, PatientNote) and message.encounter_id in names:
            newest = message
    return newest


async def nodes_of(pool: Pool, encounter: Encounter) -> list[TimeNodeStamp]:
    """Return the time nodes of the encounter's run as they fell; those taken back are left out."""
    since_us = max(0, encounter.since_utc_us - _BEFORE_US)
    until_us = (encounter.closed_utc_us or _NEVER_US - _AFTER_US) + _AFTER_US
    stamped: dict[tuple[str, str], TimeNodeStamp] = {}
    async for message in _said(pool, encounter, Stream.STATUS, since_us, until_us):
        if isinstance(message, TimeNodeStamp):
            stamped[message.run_id, message.node.value] = message
    live = sorted(
        (one for one in stamped.values() if not one.undone), key=lambda one: one.at_utc_us
    )
    run_id = encounter.run_id or (live[-1].run_id if live else None)
    return [one for one in live if one.run_id == run_id]


async def said_in(
    pool: Pool, encounter: Encounter, stream: Stream
) -> AsyncIterator[tuple[int, Message]]:
    """Yield (captured, message) of what the vehicle said in `stream` within the encounter."""
    until_us = (encounter.closed_utc_us or _NEVER_US - _AFTER_US) + _AFTER_US
    async for page in records.walk(
        pool, encounter.unit, stream, from_utc_us=encounter.since_utc_us, to_utc_us=until_us
    ):
        for record in page:
            try:
                yield record.captured_utc_us, parse_body(stream, record.body)
            except RemoteProtocolError:  # understood by a newer hub than this
                continue


async def _said(
    pool: Pool, encounter: Encounter, stream: Stream, since_us: int, until_us: int
) -> AsyncIterator[Message]:
    """Yield what the vehicle said in `stream`, oldest first, as far as this hub understands it."""
    async for page in records.walk(
        pool, encounter.unit, stream, from_utc_us=since_us, to_utc_us=until_us
    ):
        for record in page:
            try:
                yield parse_body(stream, record.body)
            except RemoteProtocolError:  # understood by a newer hub than this
                continue
