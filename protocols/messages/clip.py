"""Stills and clips: pictures that travel as records, and recordings that travel by HTTP."""

from typing import Annotated, Literal

from pydantic import Field

from protocols.ids import TopicSafe
from protocols.messages.base import Message
from protocols.units import UtcMicros


class Still(Message):
    """One JPEG of one camera, small enough for a record."""

    kind: Literal["still"] = "still"
    camera: TopicSafe
    width_px: Annotated[int, Field(ge=1, le=8192)]
    height_px: Annotated[int, Field(ge=1, le=8192)]
    jpeg: Annotated[bytes, Field(min_length=1, max_length=60 * 1024)]


class Clip(Message):
    """A recorded segment that exists on the vehicle; its bytes are fetched by HTTP."""

    kind: Literal["clip"] = "clip"
    camera: TopicSafe
    segment: TopicSafe
    first_utc_us: UtcMicros
    last_utc_us: UtcMicros
    size_bytes: Annotated[int, Field(ge=1, le=2**40)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
