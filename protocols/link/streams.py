"""The streams of a unit: their names on the wire, what each is worth, and how hard it is kept."""

from enum import IntEnum, StrEnum
from typing import Final


class Stream(StrEnum):
    """A named series of one unit. Values are wire strings and topic levels: add, never rename."""

    ALARM = "alarm"
    STATUS = "status"
    TRIAGE = "triage"
    CHART = "chart"
    ACK = "ack"  # what the crew did with an order: delivered, seen, confirmed, declined
    VITALS = "vitals"
    POSITION = "position"
    STILL = "still"
    WAVEFORM = "waveform"
    LINK = "link"
    CLIP = "clip"
    ORDER = "order"  # the only one that travels down


class Lane(IntEnum):
    """Whether a frame carries the newest readings or fills in what an outage left."""

    LIVE = 0
    BACKFILL = 1


PRIORITY: Final[dict[Stream, int]] = {
    Stream.ALARM: 0,
    Stream.STATUS: 1,
    Stream.TRIAGE: 1,
    Stream.CHART: 1,
    Stream.ACK: 1,
    Stream.ORDER: 1,
    Stream.VITALS: 2,
    Stream.POSITION: 3,
    Stream.STILL: 4,
    Stream.WAVEFORM: 5,
    Stream.LINK: 6,
    Stream.CLIP: 7,
}
"""Strict priority in the live lane; 0 goes first."""

DURABLE: Final = frozenset(
    {
        Stream.ALARM,
        Stream.STATUS,
        Stream.TRIAGE,
        Stream.CHART,
        Stream.ACK,
        Stream.ORDER,
        Stream.VITALS,
    }
)
"""Clinical and status streams: on the disk (`synchronous=FULL`) before they are accepted. The
others are bulk: committed in groups, at most 200 ms later."""

URGENT: Final = frozenset({Stream.ALARM, Stream.STATUS, Stream.CHART, Stream.ACK, Stream.ORDER})
"""Few, small and awaited: they go before everything else, live or not."""

NEVER_SHED: Final = frozenset(
    {Stream.ALARM, Stream.STATUS, Stream.TRIAGE, Stream.CHART, Stream.ACK}
)
"""Kept however short the disk is."""

BULKY: Final = frozenset({Stream.STILL, Stream.CLIP})
"""Pictures: a record of these is as long as hundreds of others."""

UP: Final = tuple(stream for stream in Stream if stream is not Stream.ORDER)
"""The streams that a vehicle sends."""

_BY_NAME: Final = {stream.value: stream for stream in Stream}


def stream_named(name: str) -> Stream | None:
    """Return the stream of that wire name, or None for one this version does not know."""
    return _BY_NAME.get(name)
