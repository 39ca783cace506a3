"""Two hundred come and go, well and badly: nothing is left of them, and nobody notices."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from hub.media import MediaSettings
from hub.media.backend import MediaCounts
from tests.hub.media.offers import MALFORMED, PLAY, PUBLISH
from tests.hub.media.peers import Publisher, Viewer, loopback_offered
from tests.hub.media.stand import Stand, stand
from tests.until import until

WHEP, WHIP = "/api/v1/media/whep/amb-1/patient", "/api/v1/media/whip/amb-1/patient"
JOINS = 200
AT_ONCE = 4
WARM = 200
"""Before the heap of a process that has few peers stands as it will: it then took 1 kB a join."""

FREED_WITHIN_S = 30.0
"""The bar: whatever became of a peer, what it held is free by then."""

GROWN_BYTES = 10 * 2**20
"""What a heap may take more after 200 joins: half of what it would if their sessions were kept."""


@pytest.fixture
async def hub() -> AsyncIterator[Stand]:
    settings = MediaSettings(udp_ports="0", connect_timeout_s=1, silence_timeout_s=6)
    with loopback_offered():
        async with stand(settings) as up:
            yield up


@pytest.mark.timeout(240)
async def test_two_hundred_joins_leave_nothing_and_disturb_nobody(hub: Stand) -> None:
    publisher = Publisher(hub.http, await hub.token("publish"))
    await publisher.publish()
    await publisher.connected()
    await until(hub.is_live)
    stays = Viewer(hub.http, await hub.token("play"))
    await stays.play()
    await stays.connected()
    await stays.pictures(5)
    alone = await hub.process.client.counts()
    await come_and_go(hub, WARM)  # what is loaded once is loaded
    await nothing_is_left(hub, alone)
    before = await hub.process.client.counts()
    tasks, held_bytes, seen = len(asyncio.all_tasks()), resident_bytes(hub), len(stays.levels)

    await come_and_go(hub, JOINS)
    await nothing_is_left(hub, before)

    assert len(asyncio.all_tasks()) <= tasks
    assert resident_bytes(hub) - held_bytes < GROWN_BYTES
    shown = stays.levels[seen:]
    assert sum(later != earlier for earlier, later in pairwise(shown)) > JOINS / 8
    now = await hub.process.client.counts()
    assert (now.publishers, now.viewers, now.takeovers) == (1, 1, 0)
    await stays.pictures(5)  # and goes on
    await stays.leave()
    await publisher.leave()


async def come_and_go(hub: Stand, count: int) -> None:
    """Have `count` peers come, `AT_ONCE` at a time, each kind as often as the others."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await KINDS[number % len(KINDS)](hub)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def nothing_is_left(hub: Stand, before: MediaCounts) -> None:
    async def is_as_before() -> bool:
        now = await hub.process.client.counts()
        return (now.sessions, now.viewers, now.publishers) == (
            before.sessions,
            before.viewers,
            before.publishers,
        ) and (now.tasks <= before.tasks and now.descriptors <= before.descriptors)

    await until(is_as_before, within_s=FREED_WITHIN_S)


async def looks_and_leaves(hub: Stand) -> None:
    viewer = await joined(hub)
    await viewer.leave()


async def vanishes(hub: Stand) -> None:
    """Look, and be gone without a word: no DELETE, no DTLS alert, no more RTCP."""
    viewer = await joined(hub)
    for transceiver in viewer.pc.getTransceivers():
        await transceiver.receiver.transport.transport.stop()
    await viewer.pc.close()


async def never_answers(hub: Stand) -> None:
    await asks(hub, WHEP, PLAY, expect=201)


async def publishes_and_never_comes(hub: Stand) -> None:
    """Be the second publisher of a camera, and never send anything."""
    await asks(hub, WHIP, PUBLISH, expect=201)


async def makes_no_sense(hub: Stand) -> None:
    await asks(hub, WHEP, MALFORMED["no fingerprint"], expect=400)


async def asks_for_what_is_not(hub: Stand) -> None:
    path = "/api/v1/media/whep/amb-1/cellar"
    await asks(hub, path, PLAY, expect=404, token=await hub.token("play", camera="cellar"))


async def has_no_right(hub: Stand) -> None:
    await asks(hub, WHEP, PLAY, expect=401, token=secrets.token_urlsafe(40))


Kind = Callable[[Stand], Awaitable[None]]
KINDS: tuple[Kind, ...] = (
    looks_and_leaves,
    vanishes,
    never_answers,
    publishes_and_never_comes,
    makes_no_sense,
    asks_for_what_is_not,
    has_no_right,
)


async def asks(hub: Stand, path: str, offer: str, *, expect: int, token: str = "") -> None:
    action = "publish" if path is WHIP else "play"
    answer = await hub.http.post(
        path,
        content=offer,
        headers={
            "Authorization": f"Bearer {token or await hub.token(action)}",
            "Content-Type": "application/sdp",
        },
    )
    assert answer.status_code == expect, answer.text


async def joined(hub: Stand) -> Viewer:
    viewer = Viewer(hub.http, await hub.token("play"))
    await viewer.play()
    await viewer.connected()
    await viewer.pictures(1)
    return viewer


def resident_bytes(hub: Stand) -> int:
    """Return what the media process holds in memory."""
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
