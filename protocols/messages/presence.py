"""Presence: a unit's birth (retained) and death (the broker's last will). Sealed like a frame."""

from typing import Annotated, Literal, Self

from pydantic import Field

from protocols.ids import TopicSafe, UuidText
from protocols.link.wire import seal, unseal
from protocols.messages.base import Message
from protocols.units import UtcMicros


class Presence(Message):
    """Whether the unit is connected, and what it is. `connection` tells a late death from ours."""

    kind: Literal["presence"] = "presence"
    v: Literal[1] = 1
    online: bool
    connection: UuidText  # new for every MQTT connection
    path: TopicSafe | None = None  # by which of the unit's paths; None: its first
    journal: UuidText
    profile: Literal["ambulance", "patrol"]
    call_sign: Annotated[str, Field(min_length=1, max_length=40)]
    light: bool = False  # a simulated unit without tablet, monitor or camera
    cameras: list[TopicSafe] = Field(max_length=8, default_factory=list)
    software: Annotated[str, Field(max_length=40)]
    since_utc_us: UtcMicros

    def to_payload(self) -> bytes:
        """Return the sealed MQTT payload."""
        return seal(self.model_dump(exclude_none=True))

    @classmethod
    def from_payload(cls, payload: bytes) -> Self:
        """Return the presence in `payload`.

        Raises:
            RemoteProtocolError: as in `decode_frame`, or reason `bad-body`.
        """
        return cls.from_fields(unseal(payload))
