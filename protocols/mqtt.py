"""MQTT 3.1.1 as bytes, as far as a client at QoS 0 and 1 needs it. Pure.

Packets out are functions that return bytes; `Inbound` cuts what comes in. It is here, and not a
library, for the hub's ingest and the simulator's fleets: they take and make tens of thousands of
packets a second, and a general client spends more on each than all that the hub does with it.
Source: MQTT 3.1.1 (OASIS, 29 October 2014); sections stand at each part.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from protocols.errors import RemoteProtocolError


class Kind(IntEnum):
    """Control packet types. Source: 2.2.1."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


REFUSED: Final = 0x80
"""Of a SUBACK: and above, the filter was not taken. Source: 3.9.3."""

PING: Final = b"\xc0\x00"
DISCONNECT: Final = b"\xe0\x00"

_LEVEL: Final = 4  # Source: 3.1.2.2
_CLEAN, _WILL, _WILL_QOS_1, _WILL_RETAIN, _PASSWORD, _USER = 0x02, 0x04, 0x08, 0x20, 0x40, 0x80
_QOS: Final = 0x06  # of a PUBLISH. Source: 3.3.1.2
_MORE: Final = 0x80  # Source: 2.2.3, the remaining length goes on in the next byte
_LENGTH_BYTES: Final = 4
_SIZE: Final = struct.Struct(">H")
_PUBLISH: Final = int(Kind.PUBLISH)
_KINDS: Final = {int(kind) for kind in Kind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker says, retained and at QoS 1, when the client is gone without a word."""

    topic: str
    payload: bytes


class Packet(NamedTuple):
    """A packet that came in and is no PUBLISH; `kind` is a `Kind`."""

    kind: int
    body: bytes


Hear = Callable[[Sequence[tuple[str, bytes]]], None]
"""Takes messages, topic and payload of each, in the order in which they came."""


def connect(
    *, client_id: str, username: str, password: str, keepalive_s: int, will: Will | None = None
) -> bytes:
    """Return a CONNECT with a clean session. Source: 3.1."""
    flags = _CLEAN | _USER | _PASSWORD
    fields = [client_id.encode()]
    if will is not None:
        flags |= _WILL | _WILL_QOS_1 | _WILL_RETAIN
        fields += [will.topic.encode(), will.payload]
    fields += [username.encode(), password.encode()]
    head = _sized(b"MQTT") + bytes([_LEVEL, flags]) + _SIZE.pack(keepalive_s)
    return _packet(Kind.CONNECT, 0, head + b"".join(map(_sized, fields)))


def subscribe(packet_id: int, filters: Iterable[str]) -> bytes:
    """Return a SUBSCRIBE to `filters` at QoS 0. Source: 3.8."""
    asked = b"".join(_sized(each.encode()) + b"\0" for each in filters)
    return _packet(Kind.SUBSCRIBE, 0x02, _SIZE.pack(packet_id) + asked)


def publish(
    topic: str, payload: bytes, *, packet_id: int | None = None, retain: bool = False
) -> bytes:
    """Return a PUBLISH: at QoS 1 with a `packet_id`, else at QoS 0. Source: 3.3."""
    flags = (0x02 if packet_id is not None else 0) | (0x01 if retain else 0)
    numbered = b"" if packet_id is None else _SIZE.pack(packet_id)
    return _packet(Kind.PUBLISH, flags, _sized(topic.encode()) + numbered + payload)


def connack_code(body: bytes) -> int:
    """Return the code of a CONNACK; 0: accepted. Source: 3.2.2.3.

    Raises:
        RemoteProtocolError: reason `bad-mqtt`.
    """
    if len(body) != 2:  # noqa: PLR2004 -- flags and code
        raise RemoteProtocolError(reason="bad-mqtt", detail="CONNACK")
    return body[1]


def suback_codes(body: bytes) -> Sequence[int]:
    """Return the codes of a SUBACK, one a filter. Source: 3.9.3."""
    return list(body[2:])


class Inbound:
    """Cuts a stream of bytes into packets. Holds one unfinished packet at most."""

    def __init__(self, hear: Hear, *, most_bytes: int) -> None:
        """`hear` is given the messages that come, by the chunk; `most_bytes`: of one packet."""
        self._hear = hear
        self._most_bytes = most_bytes
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Packet]:
        """Hand on the messages that `chunk` completes, and return the other packets.

        Raises:
            RemoteProtocolError: reason `bad-mqtt`: no MQTT, or too long. The connection is of no
                more use.
        """
        messages: list[tuple[str, bytes]] = []
        try:
            return self._cut(self._rest + chunk if self._rest else chunk, messages)
        finally:
            if messages:
                self._hear(messages)

    def _cut(self, data: bytes, messages: list[tuple[str, bytes]]) -> list[Packet]:
        """Add the messages in `data` to `messages`, and return the other packets."""
        found: list[Packet] = []
        at, end = 0, len(data)
        while end - at >= 2:  # noqa: PLR2004 -- the shortest packet
            first, length, body = data[at], data[at + 1], at + 2
            if length & _MORE:
                if end > body and not data[body] & _MORE:  # as of nearly every message
                    length, body = length & 0x7F | data[body] << 7, body + 1
                else:
                    length, body = _length(data, at + 1)
                    if body == 0:
                        break
            if length > self._most_bytes:
                raise RemoteProtocolError(reason="bad-mqtt", detail="too long", packet_bytes=length)
            stop = body + length
            if stop > end:
                break
            if first >> 4 == _PUBLISH:
                messages.append(_message(data, first, body, stop))
            elif first >> 4 in _KINDS:
                found.append(Packet(first >> 4, data[body:stop]))
            else:
                raise RemoteProtocolError(reason="bad-mqtt", detail="packet type", type=first >> 4)
            at = stop
        self._rest = data[at:]
        return found


def _message(data: bytes, first: int, body: int, stop: int) -> tuple[str, bytes]:
    """Return topic and payload of the PUBLISH whose body is `data[body:stop]`. Source: 3.3."""
    begin = body + 2
    end = begin + (data[body] << 8 | data[body + 1]) if begin <= stop else stop + 1
    payload = end + 2 if first & _QOS else end  # with a QoS, a packet id stands before it
    if payload > stop:
        raise RemoteProtocolError(reason="bad-mqtt", detail="PUBLISH")
    try:
        return data[begin:end].decode(), data[payload:stop]
    except UnicodeDecodeError as err:
        raise RemoteProtocolError(reason="bad-mqtt", detail="topic") from err


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return the remaining length at `at`, and where the body begins; 0 where it is unfinished."""
    length = 0
    for number, byte in enumerate(data[at : at + _LENGTH_BYTES]):
        length |= (byte & 0x7F) << (7 * number)
        if not byte & _MORE:
            return length, at + number + 1
    if len(data) - at >= _LENGTH_BYTES:
        raise RemoteProtocolError(reason="bad-mqtt", detail="length")
    return 0, 0


def _packet(kind: Kind, flags: int, body: bytes) -> bytes:
    length, coded = len(body), bytearray()
    while True:
        length, low = divmod(length, 128)
        coded.append(low | (_MORE if length else 0))
        if not length:
            break
    return bytes([kind << 4 | flags]) + coded + body


def _sized(value: bytes) -> bytes:
    return _SIZE.pack(len(value)) + value
