"""Sessions of media last no longer than the right to them.

A token opens a session for a minute; the session itself may run for hours. It is kept together with
the grant on which its token was given (a person's session, a unit's credential), and ended when
that no longer stands: signed out, disabled, revoked.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

from hub.media.backend import SourceId
from hub.media.client import MediaClient
from hub.media.errors import MediaDownError
from protocols.clock import Clock
from protocols.errors import NotFoundError

log = logging.getLogger(__name__)

LOOK_S: Final = 5.0
MOST_EACH: Final = 64
"""Sessions remembered of one grant; beyond them its own oldest is ended, and nobody else's."""

Standing = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Of these grants, those that still stand."""


@dataclass(frozen=True, slots=True)
class _Begun:
    source: SourceId
    grant: str


class Lasting:
    """The sessions that were begun, each with its grant."""

    def __init__(self, client: MediaClient, clock: Clock, standing: Standing) -> None:
        self._client = client
        self._clock = clock
        self._standing = standing
        self._begun: dict[str, _Begun] = {}

    def begun(self, session: str, source: SourceId, grant: str) -> None:
        """Note a session that has begun on `grant`."""
        self._begun[session] = _Begun(source, grant)

    def ended(self, session: str) -> None:
        """Forget a session that was ended."""
        self._begun.pop(session, None)

    async def run(self) -> None:
        """End what no longer has its right, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """End every session whose grant no longer stands."""
        asked = dict(self._begun)  # what begins meanwhile is judged at the next look
        if not asked:
            return
        stand = await self._standing({one.grant for one in asked.values()})
        kept: Counter[str] = Counter()
        for session, one in reversed(asked.items()):
            kept[one.grant] += 1
            if one.grant in stand and kept[one.grant] <= MOST_EACH:
                continue
            try:
                await self._client.end(session, one.source)
                log.info("media.right_ended", extra={"unit": one.source.unit})
            except NotFoundError:
                pass  # it ended by itself
            except MediaDownError:
                continue  # asked again at the next look
            self.ended(session)
