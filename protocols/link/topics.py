"""Topics: where on the broker a unit's frames, acks, orders and presence travel.

`gh/1/{part}/{unit}/up/{stream}`   vehicle → hub   frames
`gh/1/{part}/{unit}/up/link-ack`   vehicle → hub   acks of order frames
`gh/1/{part}/{unit}/down/ack`      hub → vehicle   acks
`gh/1/{part}/{unit}/down/order`    hub → vehicle   frames of orders
`gh/1/{part}/{unit}/presence`      vehicle, retained; also its last will
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from protocols.errors import RemoteProtocolError
from protocols.ids import UnitId, partition_of
from protocols.link.streams import Stream, stream_named

ROOT: Final = "gh/1"
LINK_ACK: Final = "link-ack"
"""Last level of the topic on which a vehicle acknowledges orders; not a stream."""

_TOPIC: Final = re.compile(
    r"gh/1/(?P<part>[0-9]{1,2})/(?P<unit>[A-Za-z0-9_-]{1,64})/"
    r"(?P<rest>up/[a-z-]{1,32}|down/ack|down/order|presence)"
)


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic says: whose it is, and its last levels (`up/vitals`, `presence`, …).

    `stream`: of an `up/` topic or of `down/order`; None for acks and presence.
    """

    unit: UnitId
    rest: str
    stream: Stream | None


def parse_topic(topic: str) -> Address:
    """Return whose topic this is.

    Raises:
        RemoteProtocolError: reason `bad-topic`: no topic of ours, or not the unit's partition.
    """
    match = _TOPIC.fullmatch(topic)
    if match is None:
        raise RemoteProtocolError(reason="bad-topic", topic=topic[:120])
    unit = UnitId(match["unit"])
    if match["part"] != str(partition_of(unit)):
        raise RemoteProtocolError(reason="bad-topic", topic=topic[:120])
    rest = match["rest"]
    return Address(unit=unit, rest=rest, stream=stream_named(rest.partition("/")[2]))


def unit_root(unit: UnitId) -> str:
    """Return the topic prefix of all that `unit` says and hears, with no trailing slash."""
    return f"{ROOT}/{partition_of(unit)}/{unit}"


def up(unit: UnitId, stream: Stream) -> str:
    """Return the topic of `unit`'s frames of `stream`."""
    return f"{unit_root(unit)}/up/{stream.value}"


def link_ack(unit: UnitId) -> str:
    """Return the topic on which `unit` acknowledges frames of orders."""
    return f"{unit_root(unit)}/up/{LINK_ACK}"


@lru_cache(maxsize=65_536)
def down_ack(unit: UnitId) -> str:
    """Return the topic on which the hub acknowledges `unit`'s frames."""
    return f"{unit_root(unit)}/down/ack"


def down_order(unit: UnitId) -> str:
    """Return the topic of the frames of orders to `unit`."""
    return f"{unit_root(unit)}/down/order"


def presence(unit: UnitId) -> str:
    """Return the retained topic of `unit`'s birth and death."""
    return f"{unit_root(unit)}/presence"


def caller_filters() -> tuple[str, str]:
    """Return the topic filters by which births, deaths and acks of orders are heard."""
    return f"{ROOT}/+/+/presence", f"{ROOT}/+/+/up/{LINK_ACK}"


def partition_filters(part: int) -> tuple[str, str]:
    """Return the topic filters by which a hub worker hears one partition."""
    return f"{ROOT}/{part}/+/up/+", f"{ROOT}/{part}/+/presence"
