"""What a vehicle says, made by hand: frames, presence, and the records in them."""

import uuid
from collections.abc import Sequence

from protocols.clock import ClockSource
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Frame, Lane, Origin, Record, Stream, encode_frame
from protocols.messages import Message, Position, Presence, VitalsReading
from protocols.messages.position import FixQuality

NOON_US = 1_800_000_000_000_000
"""Some captured time; the fake clock begins here too."""


def new_journal() -> JournalId:
    return JournalId(str(uuid.uuid4()))


def frame(  # noqa: PLR0913 -- a frame has this many fields
    journal: JournalId,
    stream: Stream,
    first_seq: int,
    bodies: Sequence[Message | bytes],
    *,
    lane: Lane = Lane.LIVE,
    captured_utc_us: int = NOON_US,
    origin: Origin | None = None,
    clock: ClockSource = ClockSource.GNSS,
) -> bytes:
    """One frame whose records are a second apart."""
    return encode_frame(
        Frame(
            journal=journal,
            stream=stream,
            first_seq=Seq(first_seq),
            lane=lane,
            sent_utc_us=NOON_US,
            clock=clock,
            clock_error_us=900 if clock is ClockSource.GNSS else None,
            records=tuple(
                Record(
                    captured_utc_us=captured_utc_us + i * 1_000_000,
                    body=body if isinstance(body, bytes) else body.to_body(),
                )
                for i, body in enumerate(bodies)
            ),
            origin=origin,
        )
    )


def vitals(*, heart_rate_bpm: float = 80.0) -> VitalsReading:
    return VitalsReading(heart_rate_bpm=heart_rate_bpm)


def position(*, latitude_deg: float = 23.13, longitude_deg: float = 113.26) -> Position:
    return Position(
        latitude_deg=latitude_deg, longitude_deg=longitude_deg, fix=FixQuality.AUTONOMOUS
    )


def presence(
    journal: JournalId,
    *,
    online: bool = True,
    connection: str | None = None,
    call_sign: str = "Yuexiu 1",
    light: bool = False,
) -> Presence:
    return Presence(
        online=online,
        connection=connection or str(uuid.uuid4()),
        journal=journal,
        profile="ambulance",
        call_sign=call_sign,
        light=light,
        software="test",
        since_utc_us=NOON_US,
    )


def unit(name: str) -> UnitId:
    return UnitId(name)
