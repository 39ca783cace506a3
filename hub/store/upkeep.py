"""The database's house-keeping: partitions ahead of time, expired sessions away."""

from typing import Final

from hub.store import records
from hub.store.database import Pool
from protocols.clock import Clock

_EVERY_S: Final = 3600.0


async def once(pool: Pool, clock: Clock) -> None:
    """Do what is due now."""
    now_utc_us = clock.utc_us()
    await records.make_partitions(pool, now_utc_us=now_utc_us)
    await pool.execute("DELETE FROM session WHERE expires_utc_us < $1", now_utc_us)


async def run(pool: Pool, clock: Clock) -> None:
    """Do it every hour until cancelled."""
    while True:
        await clock.sleep(_EVERY_S)
        await once(pool, clock)
