"""The tablet talks by way of the vehicle: real peers, the hub's media, and the relay between."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiortc import RTCSessionDescription

from edge_agent.hub_http import HubAccess
from edge_agent.uplink import LinkLoad
from edge_agent.voice import VoiceDesk
from edge_agent.voice.relay import Relay, moved
from protocols.errors import BrokenError, ConflictError, NotFoundError
from protocols.ids import UnitId
from protocols.runtime.clock import SystemClock
from tests.hub.media.peers import loopback_offered
from tests.hub.media.stand import Stand, stand
from tests.hub.media.test_talking import ROOM, hears, seen, talking
from tests.hub.media.voices import Talker, Tone
from tests.until import until


@pytest.fixture
async def hub() -> AsyncIterator[Stand]:
    with loopback_offered():
        async with stand() as up:
            yield up


@dataclass
class Ambulance:
    desk: VoiceDesk
    load: list[LinkLoad] = field(default_factory=lambda: [LinkLoad()])
    encounter: list[str | None] = field(default_factory=lambda: [ROOM])


@asynccontextmanager
async def ambulance(hub: Stand) -> AsyncIterator[Ambulance]:
    load, encounter = [LinkLoad()], [ROOM]
    desk = VoiceDesk(
        HubAccess(http_url=hub.url, unit=UnitId("amb-1"), password="right"),  # noqa: S106 -- the stand's
        encounter=lambda: encounter[0],
        load=lambda: load[0],
        moves=lambda: False,
        clock=SystemClock(),
    )
    running = asyncio.create_task(desk.run())
    await asyncio.sleep(0)
    try:
        yield Ambulance(desk, load, list(encounter))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@dataclass
class TabletPeer(Talker):
    """Its offer goes to the vehicle, and its sound."""

    async def join(self, desk: VoiceDesk) -> str:
        self.pc.addTransceiver(self.tone, direction="sendonly")
        self.pc.addTransceiver("audio", direction="recvonly")
        self.pc.on("track", self._on_track)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        session, self.answer = await desk.start(self.pc.localDescription.sdp, near="127.0.0.1")
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=self.answer, type="answer"))
        await self.connected()
        return session


async def test_crew_and_doctor_hear_one_another_by_way_of_the_vehicle(hub: Stand) -> None:
    async with ambulance(hub) as vehicle, talking(hub, "chen", 700) as chen:
        tablet = TabletPeer(hub.http, "", tone=Tone(400))
        session = await tablet.join(vehicle.desk)
        await until(lambda: hears(chen, 400))
        await until(lambda: hears(tablet, 700))
        relay = vehicle.desk._session
        assert relay is not None
        assert relay.relay.bytes_up > 0
        assert relay.relay.bytes_down > 0
        await vehicle.desk.end(session)

        async def is_gone() -> bool:
            return "unit:amb-1" not in await seen(hub)

        await until(is_gone)
        with pytest.raises(NotFoundError):
            await vehicle.desk.end(session)
        await tablet.pc.close()


async def test_where_the_link_has_no_room_the_session_ends_and_none_begins(hub: Stand) -> None:
    async with ambulance(hub) as vehicle:
        tablet = TabletPeer(hub.http, "", tone=Tone(400))
        await tablet.join(vehicle.desk)
        vehicle.load[0] = LinkLoad(is_answered=False)

        async def is_over() -> bool:
            return vehicle.desk.state()["session"] is None

        await until(is_over)
        assert vehicle.desk.state()["reason"] == "no_link"
        again = TabletPeer(hub.http, "", tone=Tone(400))
        with pytest.raises(ConflictError):
            await again.join(vehicle.desk)
        await tablet.pc.close()
        await again.pc.close()


async def test_a_stranger_s_datagrams_go_nowhere() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hub_side:
        hub_side.bind(("127.0.0.1", 0))
        hub_side.setblocking(False)
        port = hub_side.getsockname()[1]
        answer = f"a=ice-ufrag:HUBx\r\na=candidate:1 1 udp 1 127.0.0.1 {port} typ host\r\n"
        relay, told = await Relay.open(
            offer="a=ice-ufrag:TABx\r\n", answer=answer, near="127.0.0.1"
        )
        near = int(told.split("a=candidate:")[1].split()[5])
        loop = asyncio.get_running_loop()
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tablet,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        ):
            for each in (tablet, stranger):
                each.bind(("127.0.0.1", 0))
                each.setblocking(False)
            stranger.sendto(b"\x80rtp", ("127.0.0.1", near))
            stranger.sendto(b"\x00\x01 wrong:names", ("127.0.0.1", near))
            tablet.sendto(b"\x00\x01 HUBx:TABx", ("127.0.0.1", near))
            tablet.sendto(b"\x80sound", ("127.0.0.1", near))
            async with asyncio.timeout(5):
                first, came_from = await loop.sock_recvfrom(hub_side, 2_000)
                second = await loop.sock_recv(hub_side, 2_000)
                assert (first, second) == (b"\x00\x01 HUBx:TABx", b"\x80sound")
                hub_side.sendto(b"\x80back", came_from)
                assert await loop.sock_recv(tablet, 2_000) == b"\x80back"
        relay.close()


async def test_an_answer_that_names_no_address_is_not_relayed() -> None:
    with pytest.raises(BrokenError):
        await Relay.open(offer="a=ice-ufrag:TABx\r\n", answer="a=ice-ufrag:x\r\n", near="127.0.0.1")


def test_all_media_of_an_answer_move_to_the_vehicle() -> None:
    section = (
        "m=audio 9 x\r\nc=IN IP4 10.0.0.1\r\n"
        "a=candidate:1 1 udp 9 10.0.0.1 41000 typ host\r\n"
        "a=candidate:2 1 udp 8 10.0.0.2 41000 typ host\r\n"
    )
    answer = f"v=0\r\n{section}{section}"
    told = moved(answer, "192.168.1.1", 5_000)
    assert "10.0.0" not in told
    assert told.count("a=candidate:1 1 udp 2130706431 192.168.1.1 5000 typ host") == 2
