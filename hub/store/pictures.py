"""The bytes of pictures that doctors sent, each under its advice's id."""

from hub.store.advice import Advice
from hub.store.database import Asked, Connection
from protocols.errors import NotFoundError
from protocols.ids import EncounterId, UnitId


async def insert(connection: Connection, advice: Advice, jpeg: bytes) -> None:
    """Keep the picture of `advice`."""
    await connection.execute(
        "INSERT INTO picture (advice_id, encounter_id, jpeg) VALUES ($1, $2, $3)",
        advice.advice_id,
        advice.encounter_id,
        jpeg,
    )


async def count(asked: Asked, encounter_id: EncounterId) -> int:
    """Return how many the encounter has."""
    found = await asked.fetchval(
        "SELECT count(*) FROM picture WHERE encounter_id = $1", encounter_id
    )
    return int(found)


async def of_encounter(asked: Asked, encounter_id: EncounterId, advice_id: str) -> bytes:
    """Return a picture of the encounter.

    Raises:
        NotFoundError: it has no such one.
    """
    found = await asked.fetchval(
        "SELECT jpeg FROM picture WHERE advice_id = $1 AND encounter_id = $2",
        advice_id,
        encounter_id,
    )
    return _jpeg(found, advice_id)


async def piece_for(
    asked: Asked, unit: UnitId, advice_id: str, *, offset: int, most_bytes: int
) -> bytes:
    """Return a piece of a picture that was sent to `unit`; nothing past its end.

    Raises:
        NotFoundError: no such picture was sent to it.
    """
    found = await asked.fetchval(
        "SELECT substring(p.jpeg FROM $3 FOR $4) FROM picture p JOIN advice a USING (advice_id)"
        " WHERE p.advice_id = $1 AND a.unit = $2",
        advice_id,
        unit,
        offset + 1,
        most_bytes,
    )
    return _jpeg(found, advice_id)


def _jpeg(found: bytes | None, advice_id: str) -> bytes:
    if found is None:
        raise NotFoundError(what="picture", advice_id=advice_id)
    return bytes(found)
