"""Datagrams between the tablet and the hub, through the vehicle: as they come, read by nobody.

The tablet needs no way to the hub of its own: its sound goes by the vehicle's, where it is counted
and can be cut. What passes is encrypted between the two ends (DTLS-SRTP). Law: nothing is passed on
for anybody but the tablet: it is known by a STUN request that names both ends of its session, and
the hub tells by the request's password whether that was true.
"""

import asyncio
import ipaddress
import re
from collections.abc import Callable
from typing import Final, Self

from protocols.errors import BrokenError

_CANDIDATE: Final = re.compile(r"a=candidate:\S+ \d+ udp \d+ (\S+) (\d+) typ host.*", re.IGNORECASE)
_UFRAG: Final = re.compile(r"a=ice-ufrag:(\S+)")
_STUN: Final = range(4)  # of a datagram's first byte. Source: RFC 7983, 7
_LARGEST: Final = 1_500
Address = tuple[str, int]


class Relay:
    """One session's way: a socket to the tablet, and one to the hub."""

    def __init__(self, names: tuple[bytes, bytes]) -> None:
        self.bytes_up = 0
        self.bytes_down = 0
        self._names = names
        self._tablet: Address | None = None
        self._near: asyncio.DatagramTransport | None = None
        self._far: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, *, offer: str, answer: str, near: str) -> tuple[Self, str]:
        """Return the relay between who made `offer` and who made `answer`, and the answer to give.

        The answer's media is then at the vehicle's address `near`, where the tablet reaches it.

        Raises:
            BrokenError: the answer names no address, or the offer none who asks.
            OSError: no socket is to be had.
        """
        theirs, ours = _UFRAG.search(offer), _UFRAG.search(answer)
        hub = _first_candidate(answer)
        if theirs is None or ours is None or hub is None:
            raise BrokenError(reason="the answer cannot be relayed")
        relay = cls((ours[1].encode(), theirs[1].encode()))
        loop = asyncio.get_running_loop()
        try:
            relay._far, _ = await loop.create_datagram_endpoint(
                lambda: _Ear(relay._from_hub), remote_addr=hub
            )
            relay._near, _ = await loop.create_datagram_endpoint(
                lambda: _Ear(relay._from_tablet), local_addr=(near, 0)
            )
        except OSError:
            relay.close()
            raise
        host, port = relay._near.get_extra_info("sockname")[:2]
        return relay, moved(answer, host, port)

    def close(self) -> None:
        """Close both sockets."""
        for transport in (self._near, self._far):
            if transport is not None:
                transport.close()

    def _from_tablet(self, data: bytes, address: Address) -> None:
        if data and data[0] in _STUN and all(name in data for name in self._names):
            self._tablet = address
        if address != self._tablet or len(data) > _LARGEST or self._far is None:
            return
        self.bytes_up += len(data)
        self._far.sendto(data)

    def _from_hub(self, data: bytes, _address: Address) -> None:
        if self._tablet is None or self._near is None:
            return
        self.bytes_down += len(data)
        self._near.sendto(data, self._tablet)


class _Ear(asyncio.DatagramProtocol):
    """Hands datagrams on; an address that does not listen yet is no fault."""

    def __init__(self, heard: Callable[[bytes, Address], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._heard(data, (addr[0], addr[1]))


def moved(answer: str, host: str, port: int) -> str:
    """Return `answer` with all its media at `host`:`port`."""
    version = ipaddress.ip_address(host).version
    lines: list[str] = []
    is_named = False
    for line in answer.splitlines():
        if line.startswith("m="):
            is_named = False
        if line.startswith("c="):
            lines.append(f"c=IN IP{version} {host}")
        elif not line.startswith("a=candidate:"):
            lines.append(line)
        elif not is_named:
            is_named = True
            lines.append(f"a=candidate:1 1 udp 2130706431 {host} {port} typ host")
    return "\r\n".join(lines) + "\r\n"


def _first_candidate(answer: str) -> Address | None:
    for line in answer.splitlines():
        match = _CANDIDATE.fullmatch(line)
        if match is not None:
            return match[1], int(match[2])
    return None
