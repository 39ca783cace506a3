"""The schema is brought up to date once, whoever asks, and a changed migration is refused."""

import asyncio

import asyncpg
import pytest

from hub.store import Pool, migrate, open_pool
from protocols.errors import StorageError


async def test_migrating_again_and_at_once_changes_nothing(pool: Pool) -> None:
    before = await pool.fetch("SELECT name, sha256, applied FROM migration ORDER BY name")
    await asyncio.gather(*(migrate(pool) for _ in range(4)))
    assert await pool.fetch("SELECT name, sha256, applied FROM migration ORDER BY name") == before
    assert len(before) >= 2


async def test_an_applied_migration_that_was_changed_is_refused(pool: Pool) -> None:
    await pool.execute("UPDATE migration SET sha256 = 'other' WHERE name = '0001_records.sql'")
    with pytest.raises(StorageError, match="was changed"):
        await migrate(pool)


async def test_a_database_that_is_not_there_is_one_sentence_without_the_password() -> None:
    with pytest.raises(StorageError) as caught:
        await open_pool("postgresql://hub:s3cret@127.0.0.1:1/none")
    assert "s3cret" not in str(caught.value)


async def test_the_built_in_database_asks_for_its_password(cluster: str) -> None:
    user, rest = cluster.split("@", 1)
    wrong = f"{user.rsplit(':', 1)[0]}:wrong@{rest}"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)
