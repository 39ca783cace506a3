"""The crew's part in the conversation: one session of the tablet, and how it stands.

The agent asks the hub on the tablet's behalf, by its own credential; the sound itself passes
through `edge_agent.voice.relay`. Where the link has no room for a voice the session is ended, and
the tablet joins again once there is.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edge_agent.hub_http import HubAccess
from edge_agent.media.hub import HubMedia, Published
from edge_agent.uplink.load import LinkLoad
from edge_agent.voice.ladder import VoiceLadder
from edge_agent.voice.relay import Relay
from protocols.clock import Clock
from protocols.errors import ConflictError, NotFoundError, TransportError
from protocols.live.room import VoicesChanged

log = logging.getLogger(__name__)

LOOK_S: Final = 0.25
_RETRY_S: Final = 2.0
_END_S: Final = 2.0


@dataclass(slots=True, kw_only=True)
class _Session:
    id: str
    encounter_id: str
    published: Published
    relay: Relay


class VoiceDesk:
    """`run` is the service; `start` and `end` are the tablet's."""

    def __init__(
        self,
        access: HubAccess,
        *,
        encounter: Callable[[], str | None],
        load: Callable[[], LinkLoad],
        moves: Callable[[], bool],
        clock: Clock,
    ) -> None:
        """`encounter`: whose room it is; `moves`: whether pictures of any camera move."""
        self._access = access
        self._encounter = encounter
        self._load = load
        self._moves = moves
        self._clock = clock
        self._ladder = VoiceLadder(now_s=clock.monotonic_s())
        self._hub: HubMedia | None = None
        self._session: _Session | None = None
        self._voices: VoicesChanged | None = None
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    def state(self) -> dict[str, Any]:
        """Return how it stands, as JSON values."""
        ladder, session, voices = self._ladder, self._session, self._voices
        reason = None if ladder.bps else ("rate" if ladder.is_up else "no_link")
        return {
            "session": session.id if session else None,
            "bps": ladder.bps,
            "reason": reason,
            "voices": [one.model_dump() for one in voices.voices] if session and voices else [],
        }

    async def start(self, offer: str, *, near: str) -> tuple[str, str]:
        """Join with the tablet's `offer`; return the session's id and the answer.

        `near`: the vehicle's address, as the tablet has reached it.

        Raises:
            ConflictError: no patient is in care, or there is no room or no way to the hub now.
        """
        encounter_id = self._encounter()
        if encounter_id is None:
            raise ConflictError(reason="no patient is in this unit's care")
        if self._ladder.bps == 0 or self._hub is None:
            raise ConflictError(reason="the link has no room for sound")
        async with self._turn:
            await self._finish()
            try:
                published = await self._hub.talk(encounter_id, offer)
                relay, answer = await Relay.open(offer=offer, answer=published.answer, near=near)
            except (TransportError, OSError) as err:
                raise ConflictError(reason="the hub cannot be talked to now") from err
            session = _Session(
                id=secrets.token_urlsafe(12),
                encounter_id=encounter_id,
                published=published,
                relay=relay,
            )
            self._session = session
        self._changed.set()
        log.info("voice.joined")
        return session.id, answer

    async def end(self, session: str) -> None:
        """Leave the conversation.

        Raises:
            NotFoundError: it is not the session of now.
        """
        if self._session is None or self._session.id != session:
            raise NotFoundError(what="voice session", session=session[:32])
        async with self._turn:
            await self._finish()

    async def run(self) -> None:
        """Judge the link, and hear who is in the conversation, until cancelled."""
        self._hub = hub = HubMedia(self._access)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._judge(), name="voice-link")
                group.create_task(self._listen(hub), name="voices")
        finally:
            await self._finish()
            self._hub = None
            await hub.close()

    # -- inside ---------------------------------------------------------------------------------

    async def _judge(self) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            load, before = self._load(), self._ladder.bps
            self._ladder.look(
                now_s=self._clock.monotonic_s(),
                is_answered=load.is_answered,
                late_s=load.late_s,
                queue_s=load.queue_s,
                moves=self._moves(),
            )
            if self._ladder.bps != before:
                log.info("voice.step", extra={"bps": self._ladder.bps})
                self._changed.set()
            session = self._session
            if session is not None and (
                self._ladder.bps == 0 or session.encounter_id != self._encounter()
            ):
                async with self._turn:
                    await self._finish()

    async def _listen(self, hub: HubMedia) -> None:
        while True:
            session = self._session
            if session is None:
                await self._changed.wait()
                self._changed.clear()
                continue
            self._changed.clear()
            asking = asyncio.create_task(
                hub.voices(
                    session.encounter_id,
                    since=self._voices.version if self._voices else 0,
                    crew_bps=self._ladder.bps,
                )
            )
            changing = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait({asking, changing}, return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    await self._take(session, asking)
            finally:
                for task in (asking, changing):
                    task.cancel()
                await asyncio.gather(asking, changing, return_exceptions=True)

    async def _take(self, session: _Session, asking: "asyncio.Task[VoicesChanged]") -> None:
        try:
            told = asking.result()
        except TransportError:
            self._voices = None
            await self._clock.sleep(_RETRY_S)
            return
        if session is self._session:
            self._voices = told

    async def _finish(self) -> None:
        session, self._session, self._voices = self._session, None, None
        self._changed.set()
        if session is None:
            return
        session.relay.close()
        log.info("voice.left")
        if self._hub is not None:
            with contextlib.suppress(TransportError, TimeoutError):
                async with asyncio.timeout(_END_S):
                    await self._hub.end(session.published)
