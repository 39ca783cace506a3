"""The people of one run: a doctor at the hub, and a crew in each vehicle."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from goldenhour.chaos.crew import Crew
from goldenhour.chaos.doctor import Doctor
from goldenhour.demo.city import Account, City
from protocols.clock import Clock


class People:
    """They work while the block of `at_work` runs; the doctor may be sent home before."""

    def __init__(
        self,
        city: City,
        people: tuple[Account, ...],
        clock: Clock,
        *,
        seed: int,
        diary_of: Callable[[str], Path],
    ) -> None:
        account = next(one for one in people if one.role == "doctor")
        units = [site.unit for site in city.units]
        self.doctor = Doctor(
            city.hub_url, account, units, random.Random(f"doctor {seed}"), clock,  # noqa: S311
            diary=diary_of("doctor"),
        )  # fmt: skip
        self.crews = {
            site.unit: Crew(
                site,
                random.Random(f"{site.unit} {seed}"),  # noqa: S311 -- to be repeated
                clock,
                diary=diary_of(site.unit),
            )
            for site in city.units
        }
        self._doctor: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Have all work while the block runs.

        Raises:
            ExceptionGroup: one of them had a fault of its own.
        """
        async with asyncio.TaskGroup() as group:
            self._doctor = group.create_task(self.doctor.run(), name="doctor")
            crews = [
                group.create_task(crew.run(), name=f"crew-{unit}")
                for unit, crew in self.crews.items()
            ]
            try:
                yield
            finally:
                for task in (self._doctor, *crews):
                    task.cancel()

    def send_doctor_home(self) -> None:
        """Let no more advice be given."""
        if self._doctor is not None:
            self._doctor.cancel()
