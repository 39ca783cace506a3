"""Stills and clips: pictures that travel as records, and recordings that travel by HTTP."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from protocols.ids import TopicSafe
from protocols.messages.base import Message
from protocols.units import UtcMicros

MOST_PARTS: Final = 64


class Still(Message):
    """One JPEG of one camera, or a part of one: the parts of a still have one captured time.

    Parts are short, so that a reading never waits long behind one. Joined in order they are the
    JPEG; a still of which one is missing is not shown.
    """

    kind: Literal["still"] = "still"
    camera: TopicSafe
    width_px: Annotated[int, Field(ge=1, le=8192)]
    height_px: Annotated[int, Field(ge=1, le=8192)]
    jpeg: Annotated[bytes, Field(min_length=1, max_length=60 * 1024)]
    part: Annotated[int, Field(ge=1, le=MOST_PARTS)] | None = None  # None: the whole
    parts: Annotated[int, Field(ge=1, le=MOST_PARTS)] | None = None

    @model_validator(mode="after")
    def _is_one_of_its_parts(self) -> Self:
        if (self.part or 1) > (self.parts or 1):
            raise ValueError("a part beyond the last")
        return self


class Clip(Message):
    """A recorded segment that exists on the vehicle; its bytes are fetched by HTTP."""

    kind: Literal["clip"] = "clip"
    camera: TopicSafe
    segment: TopicSafe
    first_utc_us: UtcMicros
    last_utc_us: UtcMicros
    size_bytes: Annotated[int, Field(ge=1, le=2**40)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
