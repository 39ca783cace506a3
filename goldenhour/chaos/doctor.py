"""A doctor at the hub's API: opens encounters and gives advice while everything breaks."""

import asyncio
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from goldenhour.demo.city import Account
from protocols.clock import Clock

_TURN_S: Final = (0.5, 2.0)
_TIMEOUT_S: Final = 10.0
_VALID_S: Final = (30.0, 45.0, 600.0, 3_600.0)
"""Some advice expires while its vehicle is out of reach."""


@dataclass(frozen=True, slots=True)
class Given:
    """An advice that the hub accepted: 201."""

    unit: str
    advice_id: str
    expires_utc_us: int


class Doctor:
    """Gives advice to `units` in turn; `given` is what the hub took."""

    def __init__(  # noqa: PLR0913 -- who, where, by which clock and by what chance
        self,
        hub_url: str,
        account: Account,
        units: list[str],
        rng: random.Random,
        clock: Clock,
        *,
        diary: Path,
    ) -> None:
        self.given: list[Given] = []
        self.refused = 0
        self._hub_url = hub_url
        self._account = account
        self._units = units
        self._rng = rng
        self._clock = clock
        self._diary = diary

    async def run(self) -> None:
        """Work until cancelled, whatever fails."""
        async with httpx2.AsyncClient(
            base_url=self._hub_url, timeout=_TIMEOUT_S, trust_env=False
        ) as hub:
            while True:
                try:
                    await self._turn(hub)
                except (httpx2.HTTPError, ValueError):
                    self.refused += 1
                await asyncio.sleep(self._rng.uniform(*_TURN_S))

    async def _turn(self, hub: httpx2.AsyncClient) -> None:
        unit = self._rng.choice(self._units)
        opened = await hub.post("/api/v1/encounters", json={"unit": unit})
        if opened.status_code == httpx2.codes.UNAUTHORIZED:
            person = {"username": self._account.username, "password": self._account.password}
            (await hub.post("/api/v1/session", json=person)).raise_for_status()
            return
        encounter_id = opened.raise_for_status().json()["encounter_id"]
        text = f"chaos advice {len(self.given) + 1}"
        answer = await hub.post(
            f"/api/v1/encounters/{encounter_id}/advice",
            json={"text": text, "valid_for_s": self._rng.choice(_VALID_S)},
        )
        said = answer.raise_for_status().json()
        given = Given(unit, said["advice_id"], said["expires_utc_us"])
        self.given.append(given)
        with self._diary.open("a", encoding="utf-8") as file:
            facts = {"at": self._clock.utc_us(), "unit": unit, "advice": given.advice_id}
            file.write(json.dumps(facts) + "\n")
