"""Amounts as people write them on a command line. Pure.

Durations `60s`, `2m`, `500ms`, `1h` (a bare number: seconds); rates `64k`, `1.5M`, `off` (bits per
second); shares `5%`; ports `1883,8080=18080` and `41000-41031`.
"""

import math
import re
from typing import Final

from firmware_sim.modem import PortPair
from protocols.errors import ConfigError
from protocols.ids import ID_PATTERN

_AMOUNT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]*)\s*")
_SECONDS: Final = {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0}
_BITS: Final = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
_MAX_PORT: Final = 65_535
_MOST_PORTS: Final = 1024
_MOST_NAMED: Final = 8
_PORT: Final = re.compile(r"[0-9]{1,5}")


def seconds(text: str) -> float:
    """Return the seconds in `text`.

    Raises:
        ConfigError: it is no duration.
    """
    return _amount(text, _SECONDS, "a duration such as 60s or 500ms")


def bits_per_second(text: str) -> float:
    """Return the rate in `text`; `off` and `0` give 0, unlimited.

    Raises:
        ConfigError: it is no rate.
    """
    if text.strip().lower() == "off":
        return 0.0
    return _amount(text.removesuffix("bit/s").removesuffix("bps"), _BITS, "a rate such as 64k")


def percent(text: str) -> float:
    """Return the percent in `text` (`5%` or `5`).

    Raises:
        ConfigError: it is no share below 100 %.
    """
    value = _amount(text, {"": 1.0, "%": 1.0}, "a share such as 5%")
    if value >= 100:  # noqa: PLR2004
        raise ConfigError(reason="a loss must stay below 100%", given=text)
    return value


def milliseconds(text: str) -> float:
    """Return the milliseconds in `text`; a bare number is milliseconds already.

    Raises:
        ConfigError: it is no duration.
    """
    is_bare = text.strip().replace(".", "", 1).isdigit()
    return float(text) if is_bare else seconds(text) * 1000


def tcp_pairs(text: str) -> tuple[PortPair, ...]:
    """Return the pairs in `1883,8080=18080` (the modem's port, then the hub's).

    Raises:
        ConfigError: a part of it is no port.
    """
    parts = [part for part in text.split(",") if part.strip()]
    pairs = tuple(_pair(part) for part in parts)
    return _few(pairs, text)


def named_ports(text: str) -> dict[str, int]:
    """Return the names and ports in `cabin=8555,front=0`.

    Raises:
        ConfigError: a part is no name and port, a name stands twice, or there are more than eight.
    """
    found: dict[str, int] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, _, port = part.partition("=")
        is_name = re.fullmatch(ID_PATTERN, name) is not None and name not in found
        is_port = _PORT.fullmatch(port) is not None and int(port) <= _MAX_PORT
        if not (is_name and is_port) or len(found) >= _MOST_NAMED:
            raise ConfigError(reason="name=port is wanted, each name once", given=part[:80])
        found[name] = int(port)
    return found


def udp_pairs(text: str) -> tuple[PortPair, ...]:
    """Return the pairs in `41000-41031`, `41000-41031=51000-51031` or a list of ports.

    Raises:
        ConfigError: a part of it is no port or range, or two ranges differ in length.
    """
    pairs: list[PortPair] = []
    for part in text.split(","):
        if not part.strip():
            continue
        listen, _, hub = part.partition("=")
        ours = _range(listen)
        theirs = _range(hub) if hub else ours
        if len(ours) != len(theirs):
            raise ConfigError(reason="the two port ranges differ in length", given=part)
        pairs += [PortPair(a, b) for a, b in zip(ours, theirs, strict=True)]
    return _few(tuple(pairs), text)


def host_and_port(text: str) -> tuple[str, int]:
    """Return the host and the port of `127.0.0.1:2575`.

    Raises:
        ConfigError: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ConfigError(reason="write an address as host:port", given=text)
    return host, _port(port)


def _amount(text: str, units: dict[str, float], what: str) -> float:
    found = _AMOUNT.fullmatch(text)
    if found is None or found[2] not in units:
        raise ConfigError(reason=f"not {what}", given=text)
    value = float(found[1]) * units[found[2]]
    if not math.isfinite(value):
        raise ConfigError(reason=f"not {what}", given=text)
    return value


def _pair(text: str) -> PortPair:
    listen, _, hub = text.partition("=")
    return PortPair(_port(listen), _port(hub or listen))


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    begin = _port(first)
    return range(begin, (_port(last) if dash else begin) + 1)


def _port(text: str) -> int:
    if not text.strip().isdigit() or not 0 <= int(text) <= _MAX_PORT:
        raise ConfigError(reason="not a port from 0 to 65535", given=text)
    return int(text)


def _few(pairs: tuple[PortPair, ...], text: str) -> tuple[PortPair, ...]:
    if len(pairs) > _MOST_PORTS:
        raise ConfigError(reason="more ports than the modem has", given=text)
    return pairs
