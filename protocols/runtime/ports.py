"""TCP ports for servers whose port does not matter."""

import contextlib
import random
import socket
from pathlib import Path
from typing import Final

from protocols.errors import ConfigError

_CLIENT_PORTS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST_CLIENT_PORT: Final = 32_768
_FIRST_PORT: Final = 10_000


def free_port(host: str) -> int:
    """Return a TCP port of `host` that nobody holds.

    Raises:
        ConfigError: there is none.
    """
    return free_ports(host, 1)[0]


def free_ports(host: str, count: int) -> list[int]:
    """Return `count` different TCP ports of `host` that nobody holds.

    They lie outside the range from which the kernel gives ports to clients, so that no connection
    takes one before its program has bound it. Two programs that ask together draw different ones.

    Raises:
        ConfigError: there are not so many.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.SystemRandom().sample(_of_servers(), len(_of_servers())):
            with contextlib.suppress(OSError):
                probe = held.enter_context(contextlib.closing(socket.socket(family)))
                probe.bind((host, port))
                ports.append(port)
            if len(ports) == count:
                return ports
    raise ConfigError(reason=f"no {count} free TCP ports", host=host)


def _of_servers() -> range:
    """Return the ports above the well-known that no client is given. Source: Linux ip-sysctl."""
    try:
        first_of_clients = int(_CLIENT_PORTS.read_text().split()[0])
    except (OSError, ValueError):
        first_of_clients = _FIRST_CLIENT_PORT
    return range(_FIRST_PORT, max(_FIRST_PORT + 1_000, first_of_clients))
