"""What a forwarding backend does: takes a source in once, gives it out to many, decodes nothing."""

from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from protocols.ids import CameraId, UnitId


@dataclass(frozen=True, slots=True)
class SourceId:
    """One camera of one unit."""

    unit: UnitId
    camera: CameraId


class Answer(BaseModel):
    """A session that has begun: its name and the SDP answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session: str
    etag: str  # names the ICE session
    sdp: str


class CameraView(BaseModel):
    """One camera as the hub sees it. None: not known, since nothing has come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    camera: str
    live: bool
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_bps: int | None = None
    last_frame_age_ms: int | None = None
    viewers: int = 0


class TalkerView(BaseModel):
    """One session of a conversation; `is_on`: sound comes from its microphone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session: str
    subject: str
    is_on: bool
    is_speaking: bool


class TalkView(BaseModel):
    """Who is in the conversation of one encounter, in the order in which they came."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str
    encounter_id: str
    talkers: list[TalkerView]


class TalksView(BaseModel):
    """Every conversation that somebody is in; `version` is another whenever they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    talks: list[TalkView] = []


class MediaCounts(BaseModel):
    """Totals since the media process began, and what it holds now (first five)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: int = 0
    publishers: int = 0
    viewers: int = 0
    sessions: int = 0
    tasks: int = 0
    descriptors: int = 0
    frames_in: int = 0
    frames_lost: int = 0
    frames_dropped: int = 0
    keyframe_questions: int = 0
    keyframe_requests: int = 0
    takeovers: int = 0
    sessions_lost: int = 0
    talkers: int = 0
    voice_packets_in: int = 0
    voice_packets_out: int = 0
    voice_packets_dropped: int = 0


class Forwarder(Protocol):
    """A backend. Sessions that fall silent are ended by the backend itself within 30 s."""

    async def publish(self, source: SourceId, offer: str, addresses: tuple[str, ...]) -> Answer:
        """Take `source` in; the answer says that the hub is at `addresses` (empty: its own).

        The newest publisher wins: it replaces an earlier one once its own media path stands. A
        vehicle that comes back after an outage is not kept waiting until the hub has noticed that
        its old session is gone, and a second publisher that never connects disturbs nobody.

        Raises:
            RemoteProtocolError: the offer is malformed.
            OfferRefusedError: it asks for what is not carried.
            MediaBusyError: no session or port is free.
        """
        ...

    async def play(self, source: SourceId, offer: str, addresses: tuple[str, ...]) -> Answer:
        """Give `source` out; it stays across publishers that come and go.

        Raises:
            NotFoundError: nothing has ever been published there.
            RemoteProtocolError: the offer is malformed.
            OfferRefusedError: it asks for what is not carried.
            MediaBusyError: no session or port is free.
        """
        ...

    async def talk(
        self, source: SourceId, subject: str, offer: str, addresses: tuple[str, ...]
    ) -> Answer:
        """Let `subject` into the conversation of an encounter (the `camera` of `source`).

        What they send is given to the others, and what the others send to them. Their newest
        session replaces an earlier one, once its own media path stands.

        Raises:
            RemoteProtocolError: the offer is malformed.
            OfferRefusedError: it asks for what is not carried.
            MediaBusyError: no session, port or place in the conversation is free.
        """
        ...

    async def talks(self, since: int) -> TalksView:
        """Return all conversations, once they are others than in version `since` or after 8 s."""
        ...

    async def trickle(self, session: str, source: SourceId, fragment: str) -> None:
        """Take candidates that a client found later (RFC 8840).

        Raises:
            NotFoundError: no such session of `source`.
            RemoteProtocolError: the fragment is malformed.
            OfferRefusedError: it asks for an ICE restart.
        """
        ...

    def etag(self, session: str, source: SourceId) -> str:
        """Return the entity-tag of the session's ICE session.

        Raises:
            NotFoundError: no such session of `source`.
        """
        ...

    async def end(self, session: str, source: SourceId) -> None:
        """End a session; its sockets and tasks are gone when this returns.

        Raises:
            NotFoundError: no such session of `source`.
        """
        ...

    def cameras(self, unit: UnitId) -> list[CameraView]:
        """Return the cameras of `unit` that have ever been published, by name."""
        ...

    def counts(self) -> MediaCounts:
        """Return the totals."""
        ...
