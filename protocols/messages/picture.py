"""A picture that a doctor drew on for the crew: what it is. Its bytes are fetched by that."""

from typing import Annotated, Final, Literal

from pydantic import Field

from protocols.ids import TopicSafe
from protocols.jpeg import MAX_SIDE_PX, MIN_SIDE_PX
from protocols.messages.base import Message
from protocols.units import UtcMicros

MAX_PICTURE_BYTES: Final = 44 * 1024
"""In base64, with the words that go with it, it fits the 64 KiB that a request may have; a link of
64 kbit/s carries it in six seconds."""

Side = Annotated[int, Field(ge=MIN_SIDE_PX, le=MAX_SIDE_PX)]


class Picture(Message):
    """A JPEG at the hub, kept under the id of the order that names it.

    `source`: the camera that it is of, or `ecg`. `captured_utc_us`: when what it shows was so.
    """

    kind: Literal["picture"] = "picture"
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, Field(ge=1, le=MAX_PICTURE_BYTES)]
    width_px: Side
    height_px: Side
    captured_utc_us: UtcMicros
    source: TopicSafe
