"""A client behind a relay: its media takes the way by which it reached the API, and no other."""

import socket
from collections.abc import AsyncIterator

import pytest

from hub.media import MediaSettings
from tests.hub.media.peers import Publisher, Viewer, loopback_offered
from tests.hub.media.relay import FRONT, Relay, free_ports, relaying
from tests.hub.media.stand import Stand, stand
from tests.until import until


@pytest.fixture
async def far() -> AsyncIterator[tuple[Stand, Relay]]:
    ports = free_ports(4)
    settings = MediaSettings(udp_ports=f"{ports[0]}-{ports[-1]}", silence_timeout_s=6)
    with loopback_offered():
        async with stand(settings) as hub, relaying(ports) as relay:
            yield hub, relay


async def test_the_answer_says_the_address_that_the_client_used(
    far: tuple[Stand, Relay],
) -> None:
    hub, relay = far
    publisher = await published_through(hub)

    assert {candidate.split()[4] for candidate in candidates(publisher.answer)} == {FRONT}
    assert relay.inward > 0
    await publisher.leave()


async def test_only_the_requester_is_told_that_address(far: tuple[Stand, Relay]) -> None:
    hub, _ = far
    publisher = await published_through(hub)
    await until(hub.is_live)

    viewer = Viewer(hub.http, await hub.token("play"))
    await viewer.play()

    assert {candidate.split()[4] for candidate in candidates(viewer.answer)} == {"127.0.0.1"}
    await viewer.connected()
    await viewer.pictures(3)
    await viewer.leave()
    await publisher.leave()


async def test_media_finds_no_way_round_the_relay(far: tuple[Stand, Relay]) -> None:
    hub, relay = far
    publisher = await published_through(hub)
    await until(hub.is_live)

    relay.is_cut = True

    async def is_stale() -> bool:
        return not (await hub.camera())["live"]

    await until(is_stale)
    await publisher.pc.close()


async def test_the_hub_sends_nothing_to_the_addresses_in_an_offer(
    far: tuple[Stand, Relay],
) -> None:
    hub, _ = far
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))
        elsewhere.setblocking(False)
        address, port = elsewhere.getsockname()
        candidate = f"a=candidate:9 1 udp 2130706431 {address} {port} typ host\r\na=mid:0"
        publisher = Publisher(
            hub.http,
            await hub.token("publish"),
            edit=lambda sdp: sdp.replace("a=mid:0", candidate),
        )
        await publisher.publish(headers={"Host": f"{FRONT}:8080"})
        await publisher.connected()
        await until(hub.is_live)

        with pytest.raises(BlockingIOError):
            elsewhere.recv(1_500)
    await publisher.leave()


async def test_a_vanished_publisher_is_freed_and_its_viewers_see_the_next_one(
    far: tuple[Stand, Relay],
) -> None:
    hub, relay = far
    gone = await published_through(hub)
    await until(hub.is_live)
    viewer = Viewer(hub.http, await hub.token("play"))
    await viewer.play()
    await viewer.connected()
    await viewer.pictures(3)

    relay.is_cut = True

    async def is_freed() -> bool:
        counts = await hub.process.client.counts()
        return (counts.publishers, counts.sessions, counts.sessions_lost) == (0, 1, 1)

    await until(is_freed, within_s=12)
    relay.is_cut = False
    back = await published_through(hub)
    await viewer.pictures(10)

    await viewer.leave()
    await back.leave()
    await gone.pc.close()


async def published_through(hub: Stand) -> Publisher:
    publisher = Publisher(hub.http, await hub.token("publish"))
    await publisher.publish(headers={"Host": f"{FRONT}:8080"})
    await publisher.connected()
    return publisher


def candidates(sdp: str) -> list[str]:
    found = [line for line in sdp.splitlines() if line.startswith("a=candidate:")]
    assert found
    return found


async def test_the_relay_carries_both_ways(far: tuple[Stand, Relay]) -> None:
    hub, relay = far
    publisher = await published_through(hub)
    await until(hub.is_live)
    before = relay.outward

    async def is_reported() -> bool:  # the hub says what it receives
        return relay.outward >= before + 2

    await until(is_reported)
    await publisher.leave()
