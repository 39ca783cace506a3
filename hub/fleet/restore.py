"""The picture at start: from what the database holds, before anything new is heard."""

from typing import Final

from hub.fleet.picture import FleetPicture
from hub.ingest.taps import Arrived
from hub.store import records, units
from hub.store.database import Pool
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError
from protocols.link import Stream
from protocols.messages import Message, parse_body

_SINCE_US: Final = 24 * 3600 * 1_000_000

_EACH: Final = {
    Stream.POSITION: 1,
    Stream.TRIAGE: 4,
    Stream.LINK: 1,
    Stream.STATUS: 40,
    Stream.ALARM: 200,
}
"""How many of a unit's newest records make its view: a run has some twenty status records."""


async def restore(fleet: FleetPicture, pool: Pool, clock: Clock) -> None:
    """Fill `fleet` with every enrolled unit and what it recorded in the last day."""
    fleet.enrolled(await units.everyone(pool))
    since_utc_us = clock.utc_us() - _SINCE_US
    for stream, each in _EACH.items():
        stored = await records.newest(pool, stream, since_utc_us=since_utc_us, each=each)
        fleet.records(
            Arrived(record, _message(stream, record.body)) for record in stored if record.understood
        )


def _message(stream: Stream, body: bytes) -> Message | None:
    try:
        return parse_body(stream, body)
    except RemoteProtocolError:  # understood by a newer hub than this
        return None
