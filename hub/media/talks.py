"""All conversations of the media process, and who waits to hear that one has changed."""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from typing import Final

from hub.media.backend import SourceId, TalksView
from hub.media.talk import Talk

LOOK_S: Final = 0.1
"""Speech begins and ends between looks of this length, as far as anybody is told."""

MOST_WAIT_S: Final = 8.0
"""A question that nothing answers is answered with what was known, after this long."""

_FIRST_VERSIONS: Final = 1 << 40
"""Where versions begin is left to chance: a process that starts again gives none a second time."""


class Talks:
    """Belongs to the loop that it was made on."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._talks: dict[SourceId, Talk] = {}
        self._told = TalksView(version=secrets.randbelow(_FIRST_VERSIONS))
        self._some = asyncio.Event()

    @property
    def all(self) -> Iterable[Talk]:
        """Every conversation that somebody is in."""
        return self._talks.values()

    def of(self, source: SourceId) -> Talk:
        """Return the conversation of an encounter, made if need be."""
        self._some.set()
        return self._talks.setdefault(source, Talk(source=source, now_s=self._now_s))

    def leave(self, talk: Talk, session: str) -> None:
        """Take `session` out; an empty conversation is forgotten."""
        talk.leave(session)
        if not talk.talkers and self._talks.get(talk.source) is talk:
            del self._talks[talk.source]

    async def changed(self, since: int) -> TalksView:
        """Return the conversations once they are others than in version `since`, or after a while.

        A version that this process never gave is answered at once.
        """
        until_s = self._now_s() + MOST_WAIT_S
        while True:
            self._look()
            left_s = until_s - self._now_s()
            if self._told.version != since or left_s <= 0:
                return self._told
            try:
                if self._talks:
                    await asyncio.sleep(min(LOOK_S, left_s))
                else:
                    self._some.clear()
                    async with asyncio.timeout(left_s):
                        await self._some.wait()
            except TimeoutError:
                continue

    def _look(self) -> None:
        views = [view for talk in self._talks.values() if (view := talk.view()).talkers]
        if views != self._told.talks:
            self._told = TalksView(version=self._told.version + 1, talks=views)
