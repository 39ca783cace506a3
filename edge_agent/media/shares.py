"""How cameras share what video may use: half for the first in use, half for the others. Pure."""

from collections.abc import Sequence
from typing import Final

from edge_agent.media.allowance import LEAST_BPS

_MORE: Final = 1.5  # so much more than the least, before one more camera moves


class Shares:
    """Shares for as many cameras as can move, the first of the settings before the others."""

    def __init__(self) -> None:
        self._moving = 1

    def of(
        self, bps: float, proved_bps: float, cameras: Sequence[bool]
    ) -> list[tuple[float, float]]:
        """Return each camera's share of `bps` and of `proved_bps`; `cameras`: whether it is in use.

        A camera that moves is stopped where its share falls below the least; one more moves once
        what was proved gives each of them clearly more.
        """
        used = sum(cameras)
        self._moving = max(1, min(self._moving, used))
        while self._moving > 1 and _least(bps, self._moving) < LEAST_BPS:
            self._moving -= 1
        while self._moving < used and _least(proved_bps, self._moving + 1) >= _MORE * LEAST_BPS:
            self._moving += 1
        shares: list[tuple[float, float]] = []
        taken = 0
        for is_used in cameras:
            part = _part(taken, self._moving) if is_used else 0.0
            taken += is_used
            shares.append((bps * part, proved_bps * part))
        return shares


def _part(number: int, moving: int) -> float:
    """Return the share of the camera `number` (from 0) of those in use, of which so many move."""
    if number >= moving:
        return 0.0
    if moving == 1:
        return 1.0
    return 0.5 if number == 0 else 0.5 / (moving - 1)


def _least(bps: float, moving: int) -> float:
    return bps * _part(moving - 1, moving)
