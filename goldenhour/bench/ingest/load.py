"""The load: units that send frames as fast as they are acknowledged. A program of its own.

`python -m goldenhour.bench.ingest.load CREDENTIALS HOST PORT FRAMES ROUNDS WINDOW` encodes what it
will send first, so that the sending itself costs next to nothing, connects every unit and says
`ready`; then, for each line that it reads, it sends one round and says how many seconds it took
until the last frame was acknowledged, and how long single frames waited.

Every unit has a connection of its own, `WINDOW` frames of one position each in flight, and waits
for the hub's own acks. A peer that does not speak them publishes the count of committed frames.
"""

import asyncio
import gc
import json
import sys
import time
import uuid
from collections import deque
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
        self.journal = JournalId(str(uuid.uuid4()))
        self.ready = asyncio.Event()
        self.done = asyncio.Event()
        self.sent = Sent()
        self._password, self._window = password, window
        self._packets = _encoded(self.unit, self.journal, frames)
        self._next, self._acked, self._until = 0, 0, 0
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

    def send(self, frames: int) -> None:
        """Send `frames` more, as far as the window allows at once."""
        self._until += frames
        self.done.clear()
        self.sent = Sent()
        self._fill()

    def _begin(self) -> None:
        birth = Presence(
            online=True, connection=str(uuid.uuid4()), journal=self.journal, profile="ambulance",
            call_sign=self.unit, light=True, software="bench", since_utc_us=time.time_ns() // 1000,
        )  # fmt: skip
        assert self._transport is not None  # noqa: S101 -- it has answered
        self._transport.write(mqtt.publish(presence(self.unit), birth.to_payload()))
        self.ready.set()

    def _heard(self, _topic: str, payload: bytes) -> None:
        if len(payload) == COUNT_BYTES:
            acked = int.from_bytes(payload, "big")
        else:
            try:
                held = decode_ack(payload).streams.get(Stream.POSITION)
            except RemoteProtocolError as err:
                sys.exit(f"load: an ack that is none: {err}")
            acked = held.watermark if held else 0
        self._acked = max(acked, self._acked)
        now_s = time.monotonic()
        sent = self.sent
        while sent.at_s and sent.at_s[0][0] <= self._acked:
            sent.waits_s.append(now_s - sent.at_s.popleft()[1])
        if self._acked >= self._until:
            self.done.set()
        else:
            self._fill()

    def _fill(self) -> None:
        end = min(self._until, self._acked + self._window)
        if end > self._next and self._transport is not None:
            self._transport.write(b"".join(self._packets[self._next : end]))
            self._next = end
            self.sent.at_s.append((end, time.monotonic()))


def _encoded(unit: UnitId, journal: JournalId, frames: int) -> list[bytes]:
    topic, begin_us = up(unit, Stream.POSITION), time.time_ns() // 1000
    packets = []
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
        packets.append(mqtt.publish(topic, encode_frame(frame)))
    return packets


def main() -> None:
    """Encode, connect, and send the rounds that are asked for."""
    host, port = sys.argv[2], int(sys.argv[3])
    frames, rounds, window = (int(word) for word in sys.argv[4:7])
    known = credentials_in(Path(sys.argv[1]))
    each = frames // len(known)
    units = [
        Unit(one["unit"], one["password"], frames=each * rounds, window=window) for one in known
    ]
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
        began_s = time.monotonic()
        for unit in units:
            unit.send(each)
        async with asyncio.timeout(_PATIENCE_S):
            for unit in units:
                await unit.done.wait()
        took_s = time.monotonic() - began_s
        waits = [wait for unit in units for wait in unit.sent.waits_s]
        said = {"frames": each * len(units), "took_s": took_s, "wait_p99_s": quantile(waits, 0.99)}
        print(json.dumps(said), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
