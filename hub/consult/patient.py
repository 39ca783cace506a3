"""Who the patient of an encounter is, as far as the crew has said."""

from typing import Final

from hub.store import records
from hub.store.database import Pool
from hub.store.encounters import Encounter
from protocols.errors import RemoteProtocolError
from protocols.link import Stream
from protocols.messages import PatientNote, parse_body

_NOTES: Final = 2_000


async def newest_patient(pool: Pool, encounter: Encounter) -> PatientNote | None:
    """Return the newest note on the patient of `encounter`."""
    chart = await records.read(
        pool,
        encounter.unit,
        Stream.CHART,
        from_utc_us=encounter.opened_utc_us,
        to_utc_us=encounter.closed_utc_us or 2**53 - 1,
        limit=_NOTES,
    )
    newest: PatientNote | None = None
    for record in chart:
        try:
            message = parse_body(Stream.CHART, record.body)
        except RemoteProtocolError:  # understood by a newer hub than this
            continue
        if isinstance(message, PatientNote):
            newest = message
    return newest
