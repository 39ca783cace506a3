"""A seeded drive about Guangzhou, at the pace of a road. Pure; repeatable for one seed.

Law: one seed gives one drive, to the millimetre, on every machine. No map is used: a vehicle goes
from place to place along a grid of streets, slows for corners, waits at some lights and stops for
a while where it arrives. Coordinates are WGS-84.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

METRES_PER_DEGREE: Final = 111_195.0
"""Of latitude, on a sphere of 6,371 km; good to 0.3 % here, and a drive needs no better."""

ACCELERATION_MPS2: Final = 1.4
BRAKING_MPS2: Final = 2.0
CORNER_MPS: Final = 4.5
_ARRIVED_M: Final = 0.5

PLACES: Final[tuple[tuple[float, float], ...]] = (
    (23.1291, 113.2644), (23.1346, 113.2580), (23.1190, 113.2480), (23.1485, 113.2570),
    (23.1067, 113.2610), (23.1130, 113.2900), (23.0960, 113.2660), (23.0850, 113.3100),
    (23.1190, 113.3210), (23.1370, 113.3270), (23.1480, 113.3250), (23.1320, 113.3620),
    (23.1250, 113.4100), (23.1060, 113.4500), (23.1670, 113.2700), (23.1890, 113.2660),
    (23.2200, 113.2900), (23.1780, 113.3400), (23.1010, 113.3240), (23.0660, 113.3850),
    (23.0480, 113.3960), (23.0100, 113.3500), (22.9470, 113.3640), (22.9380, 113.3840),
    (22.8000, 113.5300), (23.3900, 113.2200), (23.5480, 113.5860), (23.2900, 113.8100),
)  # fmt: skip
"""Points in the city and its outer districts that a drive may start from or head for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point and what the vehicle does there, `heading_deg` from true north."""

    latitude_deg: float
    longitude_deg: float
    speed_mps: float
    heading_deg: float


class Drive:
    """One vehicle's endless drive. `step` moves it; nothing else changes it."""

    def __init__(
        self,
        *,
        seed: int,
        home: tuple[float, float] | None = None,
        radius_m: float = 4_000.0,
        tick_s: float = 0.25,
    ) -> None:
        """`tick_s`: how finely the drive is worked out; another makes it another drive."""
        self._tick_s = tick_s
        self._rng = random.Random(seed)
        base = home or self._rng.choice(PLACES)
        spread_deg = 0.0 if home else 0.012
        self._home = (
            base[0] + self._rng.uniform(-spread_deg, spread_deg),
            base[1] + self._rng.uniform(-spread_deg, spread_deg),
        )
        self._radius_m = radius_m
        self._east_scale = METRES_PER_DEGREE * math.cos(math.radians(self._home[0]))
        self._grid_rad = math.radians(self._rng.uniform(-12.0, 12.0))
        self._cos, self._sin = math.cos(self._grid_rad), math.sin(self._grid_rad)
        self._x_m = self._y_m = 0.0
        self._speed_mps = 0.0
        self._heading_deg = 0.0
        self._wait_s = 0.0
        self._legs = self._plan()
        self._target = next(self._legs)

    def step(self, duration_s: float = 1.0) -> Place:
        """Drive on for `duration_s` and return where the vehicle then is."""
        remaining_s = duration_s
        while remaining_s > 1e-9:  # noqa: PLR2004 -- below a nanosecond nothing moves
            tick_s = min(self._tick_s, remaining_s)
            remaining_s -= tick_s
            self._move(tick_s)
        return self.here()

    def here(self) -> Place:
        """Return where the vehicle is now."""
        east_m = self._x_m * self._cos - self._y_m * self._sin
        north_m = self._x_m * self._sin + self._y_m * self._cos
        return Place(
            self._home[0] + north_m / METRES_PER_DEGREE,
            self._home[1] + east_m / self._east_scale,
            self._speed_mps,
            self._heading_deg,
        )

    def _move(self, tick_s: float) -> None:
        if self._wait_s > 0:
            self._wait_s = max(0.0, self._wait_s - tick_s)
            self._speed_mps = 0.0
            return
        x_m, y_m, limit_mps, end_mps, wait_s = self._target
        dx_m, dy_m = x_m - self._x_m, y_m - self._y_m
        left_m = math.hypot(dx_m, dy_m)
        braking = math.sqrt(end_mps**2 + 2 * BRAKING_MPS2 * max(0.0, left_m - _ARRIVED_M))
        wanted = min(limit_mps, max(braking, 0.5))
        change = max(-BRAKING_MPS2 * tick_s, min(ACCELERATION_MPS2 * tick_s,
                                                 wanted - self._speed_mps))  # fmt: skip
        self._speed_mps = max(0.0, self._speed_mps + change)
        forward_m = self._speed_mps * tick_s
        if left_m <= max(_ARRIVED_M, forward_m):
            self._x_m, self._y_m, self._wait_s = x_m, y_m, wait_s
            self._target = next(self._legs)
            return
        self._heading_deg = (
            math.degrees(math.atan2(dx_m, dy_m)) - math.degrees(self._grid_rad)
        ) % 360
        self._x_m += dx_m / left_m * forward_m
        self._y_m += dy_m / left_m * forward_m

    def _plan(self) -> Iterator[tuple[float, float, float, float, float]]:
        """Yield legs for ever: x, y (m on the grid), limit, speed at its end, wait at its end."""
        rng, x_m, y_m = self._rng, 0.0, 0.0
        while True:
            angle = rng.uniform(0, 2 * math.pi)
            reach_m = self._radius_m * math.sqrt(rng.uniform(0.05, 1.0))
            goal = (reach_m * math.cos(angle), reach_m * math.sin(angle))
            for (from_x, from_y), (to_x, to_y) in pairwise(_streets(rng, (x_m, y_m), goal)):
                if math.hypot(to_x - from_x, to_y - from_y) < 1.0:
                    continue
                light = rng.random() < 0.25  # noqa: PLR2004 -- one corner in four shows red
                limit = rng.choice((8.3, 11.1, 13.9, 16.7))
                wait_s = rng.uniform(5.0, 40.0) if light else 0.0
                yield to_x, to_y, limit, 0.5 if light else CORNER_MPS, wait_s
            x_m, y_m = goal
            yield x_m, y_m, CORNER_MPS, 0.5, rng.uniform(20.0, 90.0)


def _streets(
    rng: random.Random, start: tuple[float, float], goal: tuple[float, float]
) -> list[tuple[float, float]]:
    """Return corners from `start` to `goal` along streets that cross at right angles."""
    turns = rng.randint(1, 4)
    cuts = sorted(rng.uniform(0.1, 0.9) for _ in range(turns))
    points = [start]
    (x0, y0), (x1, y1) = start, goal
    for cut in cuts:
        x_m = x0 + (x1 - x0) * cut
        points.append((x_m, points[-1][1]))
        points.append((x_m, y0 + (y1 - y0) * cut))
    points.extend(((x1, points[-1][1]), goal))
    return points
