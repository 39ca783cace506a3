"""How cameras share what video may use. Pure."""

from collections.abc import Sequence
from typing import Final

from edge_agent.media.ladder import LEAST_BPS

_MORE: Final = 1.5  # so much more than the least, before one more camera moves


class Shares:
    """Equal shares for as many cameras as can move, the first of the settings before the others."""

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
        while self._moving > 1 and bps / self._moving < LEAST_BPS:
            self._moving -= 1
        while self._moving < used and proved_bps / (self._moving + 1) >= _MORE * LEAST_BPS:
            self._moving += 1
        shares: list[tuple[float, float]] = []
        taken = 0
        for is_used in cameras:
            moves = is_used and taken < self._moving
            taken += moves
            shares.append((bps / self._moving, proved_bps / self._moving) if moves else (0.0, 0.0))
        return shares
