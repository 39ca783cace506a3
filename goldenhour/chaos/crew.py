"""A crew at its tablet's API, as a tablet would use it, while everything breaks around it.

It moves its run on, writes numbered notes, and confirms each advice. What was answered with 200 it
takes for accepted; a request that was not answered may have been carried out or not.
"""

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx2

from goldenhour.chaos import contents
from goldenhour.chaos.contents import Content
from goldenhour.chaos.witness import Witnessed
from goldenhour.demo.city import UnitSite
from protocols.clock import Clock

_TURN_S: Final = (0.3, 1.2)
_TIMEOUT_S: Final = 10.0
_WAITING: Final = frozenset({"sent", "delivered", "seen"})
_STEPS: Final = 0.12
"""How likely a turn moves the run on: one lasts about a minute."""


class Crew:
    """One vehicle's crew. `said` is its witness; a copy of each line is kept in `diary`."""

    def __init__(self, site: UnitSite, rng: random.Random, clock: Clock, *, diary: Path) -> None:
        self.said = Witnessed()
        self.refused = 0
        self._site = site
        self._rng = rng
        self._clock = clock
        self._diary = diary
        self._notes = 0

    async def run(self) -> None:
        """Work until cancelled, whatever fails."""
        async with httpx2.AsyncClient(
            base_url=self._site.tablet_url, timeout=_TIMEOUT_S, trust_env=False
        ) as tablet:
            while True:
                try:
                    await self._turn(tablet)
                except (httpx2.HTTPError, ValueError):
                    self.refused += 1
                await asyncio.sleep(self._rng.uniform(*_TURN_S))

    async def _turn(self, tablet: httpx2.AsyncClient) -> None:
        answer = await tablet.get("/api/v1/state")
        if answer.status_code == httpx2.codes.UNAUTHORIZED:  # the agent was started again
            pin = {"name": "Chaos crew", "pin": self._site.pin}
            (await tablet.post("/api/v1/session", json=pin)).raise_for_status()
            return
        state = answer.raise_for_status().json()
        waiting = [one["advice_id"] for one in state["advice"] if one["state"] in _WAITING]
        if waiting:
            await self._confirm(tablet, waiting[0])
        elif self._rng.random() < _STEPS:
            await self._step(tablet, state["next_event"])
        elif state["encounter_id"] is not None:
            await self._note(tablet)

    async def _confirm(self, tablet: httpx2.AsyncClient, order_id: str) -> None:
        content = contents.answer(order_id, "confirmed")
        await self._ask(
            tablet, f"advice/{order_id}/confirm", {"read_back": "as said"}, lambda _: [content],
            before=[content],
        )  # fmt: skip

    async def _note(self, tablet: httpx2.AsyncClient) -> None:
        self._notes += 1
        content = contents.note(self._notes)
        entry = {"complaint": content[1]}
        await self._ask(tablet, "patient", entry, lambda _: [content], before=[content])

    async def _step(self, tablet: httpx2.AsyncClient, event: str) -> None:
        def told(state: dict[str, Any]) -> list[Content]:
            return [contents.step(state["run_id"], event)]

        await self._ask(tablet, "status", {"event": event}, told)

    async def _ask(
        self,
        tablet: httpx2.AsyncClient,
        path: str,
        entry: dict[str, str],
        told: Callable[[dict[str, Any]], list[Content]],
        *,
        before: list[Content] | None = None,
    ) -> None:
        """Ask once; `told` says what an answer of 200 accepts, `before` what is known before it."""
        asked_us = self._clock.utc_us()
        self.said.say(before or [], asked_us)
        self._write(asked=before or path)
        answer = await tablet.post(f"/api/v1/{path}", json=entry)
        answered_us = self._clock.utc_us()
        if answer.status_code != httpx2.codes.OK:
            self.refused += 1
            return
        accepted = told(answer.json())
        self.said.say(accepted, asked_us)
        self.said.accept(accepted, answered_us)
        self._write(accepted=accepted)

    def _write(self, **facts: object) -> None:
        with self._diary.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": self._clock.utc_us()} | facts) + "\n")
