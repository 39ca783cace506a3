"""Addresses for the demo: the ports that a person sees follow one number, the rest are any."""

import contextlib
import random
import socket
from collections.abc import Sequence
from typing import Final

from protocols.errors import ConfigError
from protocols.runtime.ports import free_ports

LOOPBACK: Final = "127.0.0.1"
_UDP_FIRST: Final = 20_000
_UDP_LAST: Final = 32_768  # from here on the kernel gives ports to clients


def consecutive(first: int, count: int, *, names: Sequence[str]) -> list[int]:
    """Return `count` TCP ports from `first` on, or any free ones if `first` is 0.

    Raises:
        ConfigError: one of them is in use, or there is no such port.
    """
    if first == 0:
        return free_ports(LOOPBACK, count)
    ports = list(range(first, first + count))
    for port, name in zip(ports, names, strict=True):
        with contextlib.closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except (OSError, OverflowError) as err:
                raise ConfigError(
                    reason=f"port {port}, wanted for {name}, cannot be used: "
                    f"{getattr(err, 'strerror', None) or err}; choose others with --port"
                ) from err
    return ports


def udp_range(size: int) -> tuple[int, int]:
    """Return the first and last of `size` consecutive UDP ports that are free.

    Two demos that ask together draw different ones.

    Raises:
        ConfigError: there is no such range.
    """
    ranges = range(_UDP_FIRST, _UDP_LAST - size, size)
    for first in random.SystemRandom().sample(ranges, len(ranges)):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + size):
                probe = held.enter_context(
                    contextlib.closing(socket.socket(type=socket.SOCK_DGRAM))
                )
                probe.bind((LOOPBACK, port))
            return first, first + size - 1
    raise ConfigError(reason=f"no {size} free UDP ports in a row for video")
