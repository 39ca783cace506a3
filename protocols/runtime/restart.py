"""Restart budget: how often, and how soon, a failed service is started again. Pure."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartBudget:
    """At most `limit` failures within `window_s`; waits double from `base_s` up to `cap_s`."""

    limit: int = 5
    window_s: float = 60.0
    base_s: float = 0.5
    cap_s: float = 15.0
    failures_s: tuple[float, ...] = ()  # monotonic times, oldest first

    @property
    def exhausted(self) -> bool:
        """More failures within the window than the budget allows."""
        return len(self.failures_s) > self.limit

    def spend(self, now_s: float) -> tuple[Self, float]:
        """Return the budget after a failure at `now_s`, and the seconds to wait before a retry."""
        recent = (*(at for at in self.failures_s if now_s - at < self.window_s), now_s)
        recent = recent[-(self.limit + 1) :]
        return replace(self, failures_s=recent), min(
            self.cap_s, self.base_s * 2.0 ** (len(recent) - 1)
        )
