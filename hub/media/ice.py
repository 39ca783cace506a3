"""Which UDP sockets a peer connection opens, and when its peer was last heard.

aioice takes any free port on every address but loopback. Here each connection gets one port out of
a range, the same on every address, so that a relay, a firewall or a NAT can be told beforehand.
Set per connection, nothing process-wide; the names touched are listed in `aiortc_names`.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, get_host_addresses, server_reflexive_candidate
from aiortc import RTCPeerConnection

from hub.media.aiortc_names import ICE_CONNECTION
from hub.media.errors import MediaBusyError
from hub.media.ports import PortRange

RECEIVE_BUFFER_BYTES: Final = 1 << 20
"""A key frame of 1080p is about 100 packets at once; the default of 208 KiB loses some of them."""

_GATHER_TIMEOUT_S: Final = 1
"""A STUN or TURN server that does not answer by then is left out: the viewer waits for this."""

_IPV4: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class IcePlan:
    """Where media listens."""

    addresses: tuple[str, ...]
    ports: PortRange


def addresses_of(host: str) -> tuple[str, ...]:
    """Return the addresses that binding to `host` means; loopback is one of a wildcard's."""
    address = ipaddress.ip_address(host)
    if not address.is_unspecified:
        return (str(address),)
    use_ipv6 = address.version != _IPV4
    found = get_host_addresses(use_ipv4=True, use_ipv6=use_ipv6)
    return tuple(dict.fromkeys([*found, "127.0.0.1"]))


def plan_ice(pc: RTCPeerConnection, plan: IcePlan, heard: Callable[[], None]) -> None:
    """Make `pc` gather by `plan`, and call `heard` for whatever its peer sends.

    To be called when `pc` has its transceivers and has not gathered yet.
    """
    for transport in {t.receiver.transport.transport for t in pc.getTransceivers()}:
        connection: Connection = getattr(transport.iceGatherer, ICE_CONNECTION)
        _Planned(connection, plan, heard).install()


@dataclass(frozen=True, slots=True)
class _Planned:
    """The methods that take the place of a connection's own."""

    connection: Connection
    plan: IcePlan
    heard: Callable[[], None]

    def install(self) -> None:
        connection, heard = self.connection, self.heard
        request_received, data_received = connection.request_received, connection.data_received

        def on_request(message: object, addr: object, protocol: object) -> None:
            heard()
            request_received(message, addr, protocol)  # type: ignore[arg-type]

        def on_data(data: bytes, component: int) -> None:
            heard()
            data_received(data, component)

        connection.request_received = on_request  # type: ignore[method-assign]
        connection.data_received = on_data  # type: ignore[method-assign]
        connection.get_component_candidates = self.gather  # type: ignore[method-assign]

    async def gather(
        self,
        component: int,
        addresses: list[str],  # noqa: ARG002 - the plan says which
        timeout: int = 5,  # noqa: ARG002, ASYNC109
    ) -> list[Candidate]:
        """Return host candidates by the plan, and what STUN and TURN add.

        Raises:
            MediaBusyError: no port of the range is free on every address.
        """
        connection = self.connection
        loop = asyncio.get_running_loop()
        protocols = []
        for bound in bind_same_port(self.plan.addresses, self.plan.ports):
            _, protocol = await loop.create_datagram_endpoint(
                lambda: StunProtocol(connection), sock=bound
            )
            host, port = bound.getsockname()[:2]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=port,
                type="host",
            )
            protocols.append(protocol)
        connection._protocols += protocols  # noqa: SLF001
        candidates = [protocol.local_candidate for protocol in protocols]
        if connection.stun_server:
            candidates += await _reflexive(protocols, connection.stun_server)
        if connection.turn_server:
            candidates += await Connection.get_component_candidates(
                connection, component, [], timeout=_GATHER_TIMEOUT_S
            )
        return candidates


async def _reflexive(protocols: Sequence[StunProtocol], server: tuple[str, int]) -> list[Candidate]:
    """Return what a STUN server says that the sockets look like from there."""
    asked = [
        asyncio.create_task(server_reflexive_candidate(protocol, server))
        for protocol in protocols
        if ipaddress.ip_address(protocol.local_candidate.host).version == _IPV4
    ]
    if not asked:
        return []
    done, pending = await asyncio.wait(asked, timeout=_GATHER_TIMEOUT_S)
    for task in pending:
        task.cancel()
    return [task.result()[0] for task in done if task.exception() is None]


def bind_same_port(addresses: Sequence[str], ports: PortRange) -> list[socket.socket]:
    """Return UDP sockets with one port on every address.

    Raises:
        MediaBusyError: no port of the range is free on all of them.
    """
    for port in ports.candidates():
        opened: list[socket.socket] = []
        try:
            wanted = port
            for address in addresses:
                opened.append(_bind(address, wanted))
                wanted = opened[0].getsockname()[1]
        except OSError:
            for each in opened:
                each.close()
        else:
            return opened
    raise MediaBusyError(reason="no free UDP port", first=ports.first, last=ports.last)


def _bind(address: str, port: int) -> socket.socket:
    family = socket.AF_INET if ipaddress.ip_address(address).version == _IPV4 else socket.AF_INET6
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
