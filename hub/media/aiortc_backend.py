"""The built-in forwarding backend: aiortc, in this process, without transcoding."""

import asyncio
import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from hub.media.backend import Answer, CameraView, MediaCounts, SourceId, TalksView
from hub.media.camera_session import PublisherSession, ViewerSession
from hub.media.errors import MediaBusyError, OfferRefusedError
from hub.media.ice import IcePlan, addresses_of
from hub.media.ports import PortRange
from hub.media.room import Room
from hub.media.sdp import Role, advertise, fragment_ufrag, read_offer
from hub.media.session import Session
from hub.media.settings import MediaSettings
from hub.media.talk import MOST_TALKERS
from hub.media.talk_session import TalkSession
from hub.media.talks import Talks
from protocols.errors import NotFoundError
from protocols.ids import UnitId

log = logging.getLogger(__name__)

_SWEEP_S: Final = 1.0
_MOST_ROOMS: Final = 4096


class AiortcForwarder:
    """Holds the rooms and sessions; `run` must be running for sessions to begin and end."""

    def __init__(self, settings: MediaSettings, *, now_s: Callable[[], float]) -> None:
        self._settings = settings
        self._now_s = now_s
        self._ice_servers = settings.ice_servers()
        self._plan = IcePlan(
            addresses=addresses_of(settings.host), ports=PortRange.parse(settings.udp_ports)
        )
        self._rooms: dict[SourceId, Room] = {}
        self._talks = Talks(now_s)
        self._sessions: dict[str, Session] = {}
        self._changed = asyncio.Event()
        self._takeovers = 0
        self._sessions_lost = 0
        self._frames_lost = 0

    async def publish(self, source: SourceId, offer: str, addresses: tuple[str, ...]) -> Answer:
        """As in `Forwarder.publish`."""
        room = self._rooms.get(source) or Room(source=source, now_s=self._now_s)
        make = partial(
            PublisherSession,
            source=source,
            now_s=self._now_s,
            ice_servers=self._ice_servers,
            changed=self._changed.set,
            room=room,
        )
        return await self._begin(Role.PUBLISH, make, offer, addresses)

    async def play(self, source: SourceId, offer: str, addresses: tuple[str, ...]) -> Answer:
        """As in `Forwarder.play`."""
        room = self._rooms.get(source)
        if room is None:
            raise NotFoundError(reason="no such camera", unit=source.unit, camera=source.camera)
        make = partial(
            ViewerSession,
            source=source,
            now_s=self._now_s,
            ice_servers=self._ice_servers,
            changed=self._changed.set,
            room=room,
        )
        return await self._begin(Role.PLAY, make, offer, addresses)

    async def talk(
        self, source: SourceId, subject: str, offer: str, addresses: tuple[str, ...]
    ) -> Answer:
        """As in `Forwarder.talk`."""
        here = [one for one in self._sessions.values() if isinstance(one, TalkSession)]
        mine = [one for one in here if one.source == source and one.subject != subject]
        if len({one.subject for one in mine}) >= MOST_TALKERS:
            raise MediaBusyError(reason="the conversation is full", most=MOST_TALKERS)
        make = partial(
            TalkSession,
            source=source,
            now_s=self._now_s,
            ice_servers=self._ice_servers,
            changed=self._changed.set,
            subject=subject,
            talks=self._talks,
        )
        return await self._begin(Role.TALK, make, offer, addresses)

    async def talks(self, since: int) -> TalksView:
        """As in `Forwarder.talks`."""
        return await self._talks.changed(since)

    async def trickle(self, session: str, source: SourceId, fragment: str) -> None:
        """As in `Forwarder.trickle`; the hub waits to be contacted, so it needs no candidate."""
        found = self._find(session, source)
        if fragment_ufrag(fragment) != found.ufrag:
            raise OfferRefusedError(reason="ICE restart is not offered; begin a new session")

    async def end(self, session: str, source: SourceId) -> None:
        """As in `Forwarder.end`."""
        await self._close(self._find(session, source))

    def etag(self, session: str, source: SourceId) -> str:
        """Return the entity-tag of the session's ICE session.

        Raises:
            NotFoundError: no such session of `source`.
        """
        return self._find(session, source).etag

    def cameras(self, unit: UnitId) -> list[CameraView]:
        """As in `Forwarder.cameras`."""
        views = [room.view() for source, room in self._rooms.items() if source.unit == unit]
        return sorted(views, key=lambda view: view.camera)

    def counts(self) -> MediaCounts:
        """As in `Forwarder.counts`."""
        rooms, talks = self._rooms.values(), list(self._talks.all)
        queues = [q for r in rooms for out in (r.video, r.audio) for q in out.queues.values()]
        taps = [tap for session in self._sessions.values() for tap in session.taps]
        return MediaCounts(
            sources=len(self._rooms),
            publishers=sum(room.publisher is not None for room in rooms),
            viewers=sum(session.role is Role.PLAY for session in self._sessions.values()),
            sessions=len(self._sessions),
            tasks=len(asyncio.all_tasks()),
            descriptors=sum(1 for _ in Path(f"/proc/{os.getpid()}/fd").iterdir()),
            frames_in=sum(room.frames_in for room in rooms),
            frames_lost=self._frames_lost + sum(tap.lost_frames for tap in taps),
            frames_dropped=sum(room.frames_dropped for room in rooms)
            + sum(queue.dropped_frames for queue in queues),
            keyframe_questions=sum(room.keyframe_questions for room in rooms),
            keyframe_requests=sum(room.keyframe_requests for room in rooms),
            takeovers=self._takeovers,
            sessions_lost=self._sessions_lost,
            talkers=sum(len(talk.talkers) for talk in talks),
            voice_packets_in=sum(talk.packets_in for talk in talks),
            voice_packets_out=sum(talk.packets_out for talk in talks),
            voice_packets_dropped=sum(talk.packets_dropped for talk in talks),
        )

    async def run(self) -> None:
        """Let connected sessions begin and end those that failed or fell silent, until cancelled.

        Every session is closed before this returns.
        """
        try:
            while True:
                await self._sweep()
                try:
                    async with asyncio.timeout(_SWEEP_S):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            for session in list(self._sessions.values()):
                await self._close(session)

    async def _begin(
        self, role: Role, make: Callable[[], Session], text: str, addresses: tuple[str, ...]
    ) -> Answer:
        offer = read_offer(text, role, keep_candidates=bool(self._ice_servers))
        if len(self._sessions) >= self._settings.max_sessions:
            raise MediaBusyError(reason="all sessions are taken", most=self._settings.max_sessions)
        session = make()
        self._sessions[session.id] = session
        try:
            answer = await session.negotiate(offer, self._plan)
        except BaseException:
            await self._close(session)
            raise
        return Answer(session=session.id, etag=session.etag, sdp=advertise(answer, addresses))

    async def _sweep(self) -> None:
        self._changed.clear()
        now_s = self._now_s()
        settings = self._settings
        for session in list(self._sessions.values()):
            if session.connected and not session.started and not session.dead:
                await self._start(session)
            silent_s = now_s - session.heard_s
            unanswered = not session.connected and (
                now_s - session.created_s > settings.connect_timeout_s
            )
            if unanswered or silent_s > settings.silence_timeout_s:
                self._sessions_lost += 1
                log.info(
                    "media.session_lost",
                    extra={
                        "unit": session.source.unit,
                        "camera": session.source.camera,
                        "role": session.role,
                        "silent_s": round(silent_s, 1),
                    },
                )
                await self._close(session)
            elif session.dead:
                await self._close(session)

    async def _start(self, session: Session) -> None:
        if isinstance(session, PublisherSession):
            session.room = room = self._room_of(session.room)
            replaced = room.adopt(session.id)
            session.start()
            if replaced is not None and replaced in self._sessions:
                self._takeovers += 1
                await self._close(self._sessions[replaced])
            log.info(
                "media.published", extra={"unit": room.source.unit, "camera": room.source.camera}
            )
            return
        session.start()
        if isinstance(session, TalkSession) and session.talk is not None:
            for other in session.talk.others_of(session.id, session.subject):
                self._takeovers += 1
                await self._close(self._sessions[other])

    def _room_of(self, room: Room) -> Room:
        """Return the room of the same source that is known, or make this one known."""
        known = self._rooms.setdefault(room.source, room)
        if len(self._rooms) > _MOST_ROOMS:
            used = {session.source for session in self._sessions.values()}
            idle = next((source for source in self._rooms if source not in used), None)
            if idle is not None:
                del self._rooms[idle]
        return known

    def _find(self, session: str, source: SourceId) -> Session:
        found = self._sessions.get(session)
        if found is None or found.source != source:
            raise NotFoundError(reason="no such session")
        return found

    async def _close(self, session: Session) -> None:
        self._sessions.pop(session.id, None)
        self._frames_lost += sum(tap.lost_frames for tap in session.taps)
        await session.close()
