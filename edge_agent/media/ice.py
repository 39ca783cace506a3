"""Which of the vehicle's addresses media may use.

aioice offers every address but loopback. A hub on loopback (a demonstration, a test, a vehicle with
the hub aboard) is reached from loopback, and then from nowhere else. Set per connection.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from aioice import Candidate, Connection
from aiortc import RTCPeerConnection

ICE_CONNECTION: Final = "_connection"
"""RTCIceGatherer: the aioice Connection. A test holds the name in place."""


async def addresses_for(http_url: str) -> tuple[str, ...] | None:
    """Return the addresses to offer to the hub at `http_url`; None: all that aioice finds."""
    parts = urlsplit(http_url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            parts.hostname, parts.port or 80, type=socket.SOCK_DGRAM
        )
    except OSError:
        return None
    hosts = {str(sockaddr[0]) for *_, sockaddr in found}
    if not hosts or not all(ipaddress.ip_address(host).is_loopback for host in hosts):
        return None
    return tuple({"127.0.0.1" if "." in host else "::1": None for host in sorted(hosts)})


def offer_addresses(pc: RTCPeerConnection, addresses: Sequence[str]) -> None:
    """Make `pc` gather on `addresses` alone. To be called before it gathers."""
    for transport in {t.receiver.transport.transport for t in pc.getTransceivers()}:
        connection: Connection = getattr(transport.iceGatherer, ICE_CONNECTION)
        _restrict(connection, list(addresses))


def _restrict(connection: Connection, addresses: list[str]) -> None:
    gather = connection.get_component_candidates

    async def gather_there(*, component: int, **_kwargs: Any) -> list[Candidate]:
        return await gather(component=component, addresses=addresses)

    connection.get_component_candidates = gather_there  # type: ignore[method-assign,assignment]
