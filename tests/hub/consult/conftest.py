"""A clinic for each test."""

from collections.abc import AsyncIterator

import pytest

from hub.store import Pool
from tests.hub.consult.clinic import Clinic, opened


@pytest.fixture
async def clinic(pool: Pool) -> AsyncIterator[Clinic]:
    async with opened(pool) as made:
        yield made
