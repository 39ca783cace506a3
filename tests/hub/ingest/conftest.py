"""Fixtures of the ingest's tests."""

from collections.abc import AsyncIterator

import pytest

from hub.store import Pool
from tests.hub.ingest.bench import Bench, running


@pytest.fixture
async def bench(pool: Pool) -> AsyncIterator[Bench]:
    async with running(pool) as made:
        yield made
