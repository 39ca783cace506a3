"""The load: units that send frames as fast as they are acknowledged. A program of its own.

`python -m goldenhour.bench.ingest.load CREDENTIALS HOST PORT FRAMES ROUNDS WINDOW` encodes what it
will send first, so that the sending itself costs next to nothing, connects every unit and says
`ready`. Then, for one line that it reads, it makes a round ready and says so; for the next it sends
that and says how many seconds it took until the last frame was acknowledged, and how long single
frames waited. Each round is a new journal of each unit: the same records under another name.

Every unit has a connection of its own, `WINDOW` frames of one position each in flight, and waits
for the hub's own acks. A peer that does not speak them publishes the count of committed frames.
"""

import asyncio
import gc
import json
import sys
import time
import uuid
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from goldenhour.bench.figures import quantile
from protocols import mqtt
from protocols.clock import ClockSource
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Frame, Lane, Record, Stream, decode_ack, encode_frame
from protocols.link.client_id import client_id
from protocols.link.topics import down_ack, presence, up
from protocols.messages import FixQuality, Position, Presence

COUNT_BYTES: Final = 8
"""A peer's ack: how many frames of the unit it has committed, most significant byte first."""

_FIRST_JOURNAL: Final = JournalId(str(uuid.UUID(int=0xB0)))
_FIRST_NAME: Final = uuid.UUID(_FIRST_JOURNAL).bytes
_KEEPALIVE_S: Final = 600
_PATIENCE_S: Final = 300.0


@dataclass(slots=True)
class Sent:
    """What one round of one unit came to."""

    at_s: deque[tuple[int, float]] = field(default_factory=deque)  # last seq of a write, and when
    waits_s: list[float] = field(default_factory=list)


class Unit(asyncio.Protocol):
    """One unit's connection, its frames, and how far they are acknowledged."""

    def __init__(self, name: str, password: str, *, frames: int, window: int) -> None:
        self.unit = UnitId(name)
        self.ready = asyncio.Event()
        self.done = asyncio.Event()
        self.sent = Sent()
        self._journal = _FIRST_JOURNAL
        self._password, self._window = password, window
        self._payloads = _encoded(_FIRST_JOURNAL, frames)
        self._packets: list[bytes] = []
        self._next, self._acked = 0, 0
        self._counted, self._counted_before = 0, 0  # by a peer, in all, and before this round
        self._inbound = mqtt.Inbound(self._heard, most_bytes=2**20)
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sign in, and ask for acks."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 -- of a TCP connection
        self._transport = transport
        name = client_id(self.unit, self._password)
        transport.write(
            mqtt.connect(
                client_id=name, username=self.unit, password=self._password,
                keepalive_s=_KEEPALIVE_S,
            )
        )  # fmt: skip
        transport.write(mqtt.subscribe(1, [down_ack(self.unit)]))

    def data_received(self, data: bytes) -> None:
        """Take in what the broker says."""
        for packet in self._inbound.feed(data):
            if packet.kind == mqtt.Kind.SUBACK:
                self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the program: a benchmark loses no connection."""
        sys.exit(f"load: the broker closed the connection of {self.unit}: {exc}")

    def begin_round(self) -> None:
        """Have all frames stand ready, under a new journal."""
        self._journal = JournalId(str(uuid.uuid4()))
        topic = up(self.unit, Stream.POSITION)
        name = uuid.UUID(self._journal).bytes
        self._packets = [mqtt.publish(topic, _renamed(each, name)) for each in self._payloads]
        self._next, self._acked = 0, 0
        self._counted_before = self._counted
        self.done.clear()
        self.sent = Sent()

    def send(self) -> None:
        """Send the frames of this round, as far as the window allows at once."""
        self._fill()

    def _begin(self) -> None:
        birth = Presence(
            online=True, connection=str(uuid.uuid4()), journal=self._journal, profile="ambulance",
            call_sign=self.unit, light=True, software="bench", since_utc_us=time.time_ns() // 1000,
        )  # fmt: skip
        assert self._transport is not None  # noqa: S101 -- it has answered
        self._transport.write(mqtt.publish(presence(self.unit), birth.to_payload()))
        self.ready.set()

    def _heard(self, messages: Sequence[tuple[str, bytes]]) -> None:
        for _, payload in messages:
            self._heard_one(payload)

    def _heard_one(self, payload: bytes) -> None:
        if len(payload) == COUNT_BYTES:
            self._counted = int.from_bytes(payload, "big")
            acked = self._counted - self._counted_before
        else:
            try:
                ack = decode_ack(payload)
            except RemoteProtocolError as err:
                sys.exit(f"load: an ack that is none: {err}")
            if ack.journal != self._journal:
                return
            held = ack.streams.get(Stream.POSITION)
            acked = held.watermark if held else 0
        self._acked = max(acked, self._acked)
        now_s = time.monotonic()
        sent = self.sent
        while sent.at_s and sent.at_s[0][0] <= self._acked:
            sent.waits_s.append(now_s - sent.at_s.popleft()[1])
        if self._acked >= len(self._packets):
            self.done.set()
        else:
            self._fill()

    def _fill(self) -> None:
        end = min(len(self._packets), self._acked + self._window)
        if end > self._next and self._transport is not None:
            self._transport.write(b"".join(self._packets[self._next : end]))
            self._next = end
            self.sent.at_s.append((end, time.monotonic()))


def _encoded(journal: JournalId, frames: int) -> list[bytes]:
    begin_us = time.time_ns() // 1000
    payloads = []
    for seq in range(1, frames + 1):
        position = Position(
            latitude_deg=round(23.1 + seq % 1000 * 1e-5, 7), longitude_deg=113.2644,
            fix=FixQuality.AUTONOMOUS, speed_mps=12.3, heading_deg=float(seq % 360),
            satellites=11, hdop=0.9,
        )  # fmt: skip
        frame = Frame(
            journal=journal, stream=Stream.POSITION, first_seq=Seq(seq), lane=Lane.LIVE,
            sent_utc_us=begin_us + seq, clock=ClockSource.GNSS, clock_error_us=50,
            records=(Record(begin_us + seq * 1000, position.to_body()),),
        )  # fmt: skip
        payloads.append(encode_frame(frame))
    return payloads


def _renamed(payload: bytes, journal: bytes) -> bytes:
    """Return a frame under another journal's name, its checksum made anew."""
    at = payload.index(_FIRST_NAME)
    body = payload[:at] + journal + payload[at + len(journal) : -4]
    return body + zlib.crc32(body).to_bytes(4, "big")


def main() -> None:
    """Encode, connect, and send the rounds that are asked for."""
    host, port = sys.argv[2], int(sys.argv[3])
    frames, rounds, window = (int(word) for word in sys.argv[4:7])
    known = credentials_in(Path(sys.argv[1]))
    each = frames // len(known)
    units = [Unit(one["unit"], one["password"], frames=each, window=window) for one in known]
    gc.freeze()  # what is encoded is not looked at again and again
    asyncio.run(_send(units, host, port, rounds=rounds, each=each))


def credentials_in(path: Path) -> list[dict[str, str]]:
    """Return the units and passwords in a file of one JSON object a line."""
    return [json.loads(line) for line in path.read_text().splitlines()]


async def _send(units: list[Unit], host: str, port: int, *, rounds: int, each: int) -> None:
    loop = asyncio.get_running_loop()
    for unit in units:
        await loop.create_connection(lambda unit=unit: unit, host, port)  # type: ignore[misc]
        async with asyncio.timeout(_PATIENCE_S):
            await unit.ready.wait()
    print("ready", flush=True)  # noqa: T201 -- to the one who started it
    for _ in range(rounds):
        await asyncio.to_thread(sys.stdin.readline)
        for unit in units:
            unit.begin_round()
        print("ready", flush=True)  # noqa: T201
        await asyncio.to_thread(sys.stdin.readline)
        began_s = time.monotonic()
        for unit in units:
            unit.send()
        async with asyncio.timeout(_PATIENCE_S):
            for unit in units:
                await unit.done.wait()
        took_s = time.monotonic() - began_s
        waits = [wait for unit in units for wait in unit.sent.waits_s]
        said = {"frames": each * len(units), "took_s": took_s, "wait_p99_s": quantile(waits, 0.99)}
        print(json.dumps(said), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
