"""The hub's media, up and running."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.hub.media.peers import loopback_offered
from tests.hub.media.stand import Stand, stand


@pytest.fixture
async def hub() -> AsyncIterator[Stand]:
    with loopback_offered():
        async with stand() as up:
            yield up
        await asyncio.sleep(0)
