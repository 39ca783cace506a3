"""Keeps one wire open: connects, listens, and after every loss connects again, for ever."""

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from edge_agent.backoff import Backoff
from edge_agent.devices.hearing import Hearing
from edge_agent.devices.wire import Address, Wire
from protocols.clock import Clock
from protocols.errors import BrokenError

log = logging.getLogger(__name__)

SILENCE_BREAKS_S: Final = 15.0
"""A TCP peer that says nothing for so long may be gone without a word: connect afresh."""


class Reconnect:
    """`listen` is given each open wire; whatever error of the wire ends it, the next follows."""

    def __init__(  # noqa: PLR0913 -- the parts it is made of
        self,
        *,
        name: str,
        address: Address,
        hearing: Hearing,
        clock: Clock,
        rng: random.Random,
        listen: Callable[[Wire], Awaitable[None]],
    ) -> None:
        self._name = name
        self._address = address
        self._hearing = hearing
        self._clock = clock
        self._backoff = Backoff(rng=rng)
        self._listen = listen

    def understood(self) -> None:
        """Take note that the device makes sense: after a loss it is tried again soon."""
        self._backoff.reset()

    async def run(self) -> None:
        """Connect and listen until cancelled; the wire is closed on return."""
        while True:
            try:
                wire = await self._address.open()
            except OSError:
                await self._clock.sleep(self._backoff.next_s())
                continue
            self._hearing.connected = True
            try:
                await self._listen(wire)
            except (OSError, BrokenError) as err:
                facts = {"device": self._name, "why": type(err).__name__}
                log.info("device.wire_lost", extra=facts)
            finally:
                self._hearing.connected = False
                await wire.close()
            await self._clock.sleep(self._backoff.next_s())
