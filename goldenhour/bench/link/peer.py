"""What a user would otherwise pick, under the same load: what a peer is, and what is seen of one.

A peer takes in records at a broker on the vehicle, keeps them while there is no link, and hands
them on through the same modem to a broker at the hub. It is given the very bytes that our link
sends for a record that travels alone: one message a record, packed, with QoS 1. A record has
arrived when the hub's broker hands it to a subscriber; nothing is stored or checked there.
"""

import asyncio
import contextlib
import itertools
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import aiomqtt

from goldenhour.bench.link.modems import Modems
from goldenhour.bench.link.traffic import Ambulance, Made
from goldenhour.demo import ports
from protocols.clock import Clock, ClockSource
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Frame, Lane, Record, Stream, decode_frame, encode_frame
from protocols.link.topics import up
from protocols.messages import Alarm, AlarmPriority

UNIT: Final = UnitId("A-001")
JOURNAL: Final = JournalId(str(uuid.UUID(int=0xB1)))
_AT_ONCE: Final = 500
_LOOK_S: Final = 0.02
_SEED: Final = 1

Name = tuple[Stream, int]
"""Stream and seq of a record."""

Publish = Callable[[Stream, bytes], Awaitable[None]]


class Given(NamedTuple):
    """A record that the peer's broker on the vehicle has acknowledged."""

    name: Name
    captured_utc_us: int


@dataclass(slots=True)
class Heard:
    """What has arrived at the hub, and when (UTC µs, by this machine's clock); and how often."""

    at_utc_us: dict[Name, int] = field(default_factory=dict)
    twice: int = 0

    def take(self, payload: bytes, now_utc_us: int) -> None:
        """Note the record that `payload` carries; what is none is no record."""
        with contextlib.suppress(RemoteProtocolError):
            frame = decode_frame(payload)
            name = (frame.stream, int(frame.first_seq))
            self.twice += name in self.at_utc_us
            self.at_utc_us.setdefault(name, now_utc_us)

    async def until_all(self, names: Iterable[Name], *, within_s: float) -> int:
        """Wait until all of `names` are here, at most so long; return how many are not.

        Looked at now and then, for setting an event at each arrival would cost more.
        """
        missing = set(names)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while missing := missing - self.at_utc_us.keys():  # noqa: ASYNC110 -- see above
                    await asyncio.sleep(_LOOK_S)
        return len(missing)


class Feeder:
    """Gives a full ambulance's traffic to the peer's broker on the vehicle."""

    def __init__(self, publish: Publish, ambulance: Ambulance, clock: Clock) -> None:
        self._publish, self._ambulance, self._clock = publish, ambulance, clock
        self._seqs: Counter[Stream] = Counter()
        self._told_s = 0.0
        self._rng = random.Random(_SEED)  # noqa: S311 -- when alarms come, to be repeated

    async def fill(self, seconds: float) -> list[Given]:
        """Give `seconds` of traffic at once, captured just before now."""
        begin_s, self._told_s = self._told_s, self._told_s + seconds
        origin_us = self._clock.utc_us() - round(self._told_s * 1e6)
        told = self._ambulance.between(begin_s, self._told_s, origin_utc_us=origin_us)
        given: list[Given] = []
        while part := list(itertools.islice(told, _AT_ONCE)):
            given += await asyncio.gather(*(self._give(one, origin_us) for one in part))
        return given

    async def play(self, given: list[Given]) -> None:
        """Give live traffic until cancelled, each record as it is due; note it in `given`."""
        began_s, begin_s = self._clock.monotonic_s(), self._told_s
        origin_us = self._clock.utc_us() - round(begin_s * 1e6)
        told = self._ambulance.between(begin_s, float("inf"), origin_utc_us=origin_us)
        async with asyncio.TaskGroup() as group:
            for one in told:
                due_s = one.due_s - begin_s - (self._clock.monotonic_s() - began_s)
                await self._clock.sleep(max(0.0, due_s))
                group.create_task(self._note(given, self._give(one, origin_us)))

    async def alarms(self, given: list[Given], *, every_s: float) -> None:
        """Give an alarm about every `every_s` until cancelled; note it in `given`."""
        while True:
            await self._clock.sleep(every_s * self._rng.uniform(0.5, 1.5))
            given.append(await self.alarm())

    async def alarm(self) -> Given:
        """Give one alarm, captured now."""
        alarm = Alarm(
            alarm_id=f"bench-{self._seqs[Stream.ALARM] + 1}", code="monitor.limit.hr",
            priority=AlarmPriority.HIGH, state="raised", value=131.0, limit=130.0,
        )  # fmt: skip
        return await self._give(Made(0.0, Stream.ALARM, 0.0, alarm), self._clock.utc_us())

    async def _note(self, given: list[Given], giving: Awaitable[Given]) -> None:
        given.append(await giving)

    async def _give(self, one: Made, origin_us: int) -> Given:
        self._seqs[one.stream] += 1
        captured_us = origin_us + round(one.captured_s * 1e6)
        name = (one.stream, self._seqs[one.stream])
        frame = Frame(
            journal=JOURNAL, stream=one.stream, first_seq=Seq(name[1]), lane=Lane.LIVE,
            sent_utc_us=self._clock.utc_us(), clock=ClockSource.GNSS, clock_error_us=50_000,
            records=(Record(captured_us, one.message.to_body()),),
        )  # fmt: skip
        await self._publish(one.stream, encode_frame(frame))
        return Given(name, captured_us)


@dataclass(frozen=True, kw_only=True)
class PeerGround:
    """A running peer behind a modem that is cut; `heard` fills by itself."""

    name: str
    feeder: Feeder
    heard: Heard
    modems: Modems
    clock: Clock


@contextlib.asynccontextmanager
async def to_broker(port: int, *, word: Callable[[bytes], bytes] = bytes) -> AsyncIterator[Publish]:
    """Yield what publishes a record at the vehicle's broker, and returns once it has it.

    `word` makes a frame into the message that the peer understands.
    """
    async with aiomqtt.Client(ports.LOOPBACK, port, identifier="feeder", timeout=60) as client:
        client.pending_calls_threshold = _AT_ONCE * 2

        async def publish(stream: Stream, payload: bytes) -> None:
            await client.publish(up(UNIT, stream), word(payload), qos=1)

        yield publish


@contextlib.asynccontextmanager
async def from_broker(
    port: int, topic: str, take: Callable[[bytes, int], None], clock: Clock
) -> AsyncIterator[None]:
    """Hand what arrives on `topic` at the hub's broker to `take`, with the time."""
    async with aiomqtt.Client(ports.LOOPBACK, port, identifier="hub", timeout=60) as client:
        await client.subscribe(topic, qos=1)

        async def follow() -> None:
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    take(message.payload, clock.utc_us())

        following = asyncio.create_task(follow())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
