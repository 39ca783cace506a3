"""What a simulated receiver says: a drive, a recorded track, or a captured log."""

from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from firmware_sim.gnss import nmea
from firmware_sim.gnss.drive import Drive, Place
from firmware_sim.gnss.replay import paced
from protocols.clock import Clock
from protocols.errors import ConfigError


class NmeaSource(Protocol):
    """Where sentences come from. `label` says what they are: `route model seed 7`."""

    @property
    def label(self) -> str:
        """What this is, for whoever looks at the data."""
        ...

    def sentences(self, clock: Clock, mood: "Mood") -> AsyncIterator[bytes]:
        """Yield sentences, each when it is due; ends when the source has no more."""
        ...


class Mood(Protocol):
    """What the receiver makes of the sky just now; a captured log has its own."""

    def has_fix(self) -> bool:
        """Say whether it has a position."""
        ...

    def told_utc_us(self, utc_us: int) -> int:
        """Return the time that it says where it is `utc_us`."""
        ...


class PlacesSource:
    """One place a second, as a receiver at 1 Hz reports it at the top of each UTC second."""

    def __init__(self, places: Iterator[Place], *, label: str, seed: int, mode: str = "S") -> None:
        self._places = places
        self._label = label
        self._sky = nmea.sky(seed)
        self._mode = mode
        self._count = 0

    @property
    def label(self) -> str:
        """What this is, for whoever looks at the data."""
        return self._label

    async def sentences(self, clock: Clock, mood: Mood) -> AsyncIterator[bytes]:
        """Yield each second's sentences; every tenth second also the label, as TXT."""
        while True:
            now_us = clock.utc_us()
            due_us = (now_us // 1_000_000 + 1) * 1_000_000
            await clock.sleep((due_us - now_us) / 1_000_000)
            lines = self.epoch(mood.told_utc_us(due_us), has_fix=mood.has_fix())
            if lines is None:
                return
            for line in lines:
                yield line

    def epoch(self, utc_us: int, *, has_fix: bool = True) -> list[bytes] | None:
        """Return the next place's sentences, said at `utc_us`; None where the drive has ended."""
        place = next(self._places, None)
        if place is None:
            return None
        label = [nmea.text(self._label)] if self._count % 10 == 0 else []
        self._count += 1
        if not has_fix:
            return [*label, *nmea.epoch_without_fix(utc_us, self._sky)]
        fix = nmea.Fix(
            utc_us=utc_us,
            latitude_deg=place.latitude_deg,
            longitude_deg=place.longitude_deg,
            speed_mps=place.speed_mps,
            heading_deg=place.heading_deg,
        )
        return [*label, *nmea.epoch(fix, self._sky, mode=self._mode)]


class LogSource:
    """A captured log, byte for byte, at its own pace; loops only if asked."""

    def __init__(self, path: Path, *, factor: float = 1.0, loop: bool = False) -> None:
        if factor <= 0:
            raise ConfigError(reason="the speed factor must be above zero", factor=factor)
        try:
            self._lines = path.read_bytes().split(b"\n")
        except OSError as err:
            raise ConfigError(reason="cannot read the NMEA log", file=str(path)) from err
        if not any(line.startswith((b"$", b"!")) for line in self._lines):
            raise ConfigError(reason="no NMEA sentence in the log", file=str(path))
        self._label = f"recording: {path.name}"
        self._factor = factor
        self._loop = loop

    @property
    def label(self) -> str:
        """What this is, for whoever looks at the data."""
        return self._label

    async def sentences(self, clock: Clock, mood: Mood) -> AsyncIterator[bytes]:
        """Yield the log's lines, each when it is due. Fixes are the log's own."""
        del mood
        while True:
            async for line in _in_time(paced(self._lines, factor=self._factor), clock):
                yield line
            if not self._loop:
                return
            await clock.sleep(1.0 / self._factor)


async def _in_time(lines: Iterable[tuple[float, bytes]], clock: Clock) -> AsyncIterator[bytes]:
    due_s = clock.monotonic_s()
    for wait_s, line in lines:
        due_s += wait_s
        if (left_s := due_s - clock.monotonic_s()) > 0:
            await clock.sleep(left_s)
        yield line


def drive_source(
    *, seed: int, home: tuple[float, float] | None = None, mode: str = "S"
) -> PlacesSource:
    """Return a seeded drive about Guangzhou, which begins at `home` or anywhere in the city."""
    drive = Drive(seed=seed, home=home)

    def places() -> Iterator[Place]:
        while True:
            yield drive.step()

    return PlacesSource(places(), label=f"route model seed {seed}", seed=seed, mode=mode)
