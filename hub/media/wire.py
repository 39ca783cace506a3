"""What the hub and its media process say to one another: one line in, one line out, then HTTP.

The hub writes a `ProcessConfig` as one line to the process's standard input and keeps that pipe
open: its end is the process's end. The process answers with a `Ready` line on standard output.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_serializer

from hub.media.settings import MediaSettings


class WireModel(BaseModel):
    """What the lines have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProcessConfig(WireModel):
    """How the media process is to run; `token` opens its signalling port."""

    settings: MediaSettings
    token: SecretStr
    log_level: str = "INFO"

    @field_serializer("token", when_used="json")
    def _reveal(self, token: SecretStr) -> str:
        return token.get_secret_value()


class Ready(WireModel):
    """The process listens for signalling at 127.0.0.1:`port`."""

    event: Literal["media.ready"] = "media.ready"
    port: int


class OfferRequest(WireModel):
    """An offer, and the addresses that its answer is to advertise (empty: the hub's own)."""

    sdp: str
    addresses: tuple[str, ...] = ()


class TalkRequest(OfferRequest):
    """An offer of one who talks."""

    subject: str


class PatchRequest(WireModel):
    """An SDP fragment, and the entity-tag that it is meant for."""

    fragment: str
    if_match: str


class Failure(WireModel):
    """An error of the tree, across the process's edge."""

    code: str
    facts: dict[str, str | float]
