"""The API of one hub for each test."""

from collections.abc import AsyncIterator

import pytest

from hub.store import Pool
from tests.hub.api.stand import Stand, standing


@pytest.fixture
async def stand(pool: Pool) -> AsyncIterator[Stand]:
    """An API on a socket, with two ambulances and one person of each role."""
    async with standing(pool) as made:
        yield made
