"""What happens, and when: a list of faults, the same for the same seed. Pure."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from protocols.errors import ConfigError

Kind = Literal[
    "cut", "reset", "thin", "lossy", "laggy",
    "kill-agent", "kill-hub", "kill-ingest", "kill-broker", "kill-database", "kill-media",
    "broker-store", "database-restart", "disk-full", "clock-jump", "journal-truncated",
    "boot-1970", "gnss-rollover", "gnss-lie", "gnss-repeats", "no-fix",
]  # fmt: skip

LINK: Final = frozenset({"cut", "reset", "thin", "lossy", "laggy"})
"""Faults of a vehicle's modem."""

RECEIVER: Final = frozenset({"gnss-rollover", "gnss-lie", "gnss-repeats", "no-fix"})
"""Faults of a vehicle's GNSS receiver."""

BESIDE: Final = LINK | RECEIVER - {"gnss-lie"}
"""Others may come while these last. A receiver that lies to an agent that knows no better yet is
believed, so nobody is started anew meanwhile."""

OF_A_VEHICLE: Final = (
    LINK | RECEIVER | {"kill-agent", "disk-full", "clock-jump", "journal-truncated", "boot-1970"}
)

WEIGHTS: Final[dict[Kind, int]] = {
    "cut": 6, "reset": 4, "thin": 4, "lossy": 4, "laggy": 3,
    "kill-agent": 5, "kill-hub": 2, "kill-ingest": 3, "kill-broker": 3, "kill-database": 2,
    "kill-media": 1, "broker-store": 1, "database-restart": 2, "disk-full": 2, "clock-jump": 3,
    "journal-truncated": 2, "boot-1970": 1, "gnss-rollover": 1, "gnss-lie": 1, "gnss-repeats": 1,
    "no-fix": 1,
}  # fmt: skip
"""How often each comes: links fail most, as they do."""

_SPAN: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_MOST_SEEDS: Final = 1_000
_JUMPS_S: Final = (86_400, -86_400, 3_600, -3_600, 47, -47)
_1970_S: Final = 0.0
ROLLOVER_S: Final = 1_024 * 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: of which vehicle, how long, how much, and how long before the next comes.

    `amount`: bit/s (thin), percent (lossy), ms (laggy), seconds (clock-jump; 0: back to 1970;
    gnss-rollover, gnss-lie: what its time is off by), the share of the file that is left
    (journal-truncated).
    """

    number: int
    kind: Kind
    unit: str | None
    lasts_s: float
    amount: float
    then_wait_s: float


def plan(
    *, seed: int, faults: int, units: Sequence[str], kinds: Sequence[Kind] = tuple(WEIGHTS)
) -> list[Fault]:
    """Return `faults` faults of `kinds`; each comes once before any is drawn by its weight."""
    rng = random.Random(seed)  # noqa: S311 -- to be repeated
    first = rng.sample(kinds, len(kinds))
    drawn = rng.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=faults)
    return [
        _fault(number, kind, rng, units) for number, kind in enumerate((first + drawn)[:faults])
    ]


def kinds_of(text: str) -> list[Kind]:
    """Return the kinds in `text`, as `kill-agent,cut`, in the order of all, each once.

    Raises:
        ConfigError: there is no such kind.
    """
    named = {part.strip() for part in text.split(",")}
    unknown = named - WEIGHTS.keys()
    if unknown:
        known = ", ".join(WEIGHTS)
        raise ConfigError(reason=f"no such fault; there are {known}", given=min(unknown))
    return [kind for kind in WEIGHTS if kind in named]


def seeds_of(text: str) -> list[int]:
    """Return the seeds in `text`, as `1-3,7`, in its order, each once.

    Raises:
        ConfigError: it is not of this form, or names more than a thousand.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise ConfigError(reason="seeds are written as 1-10 or 3,5,8-9", given=text)
        first = int(match[1])
        last = int(match[2] or first)
        if not first <= last < first + _MOST_SEEDS:
            raise ConfigError(reason="that is no span of at most 1,000 seeds", given=part)
        found |= dict.fromkeys(range(first, last + 1))
    return list(found)


def _fault(number: int, kind: Kind, rng: random.Random, units: Sequence[str]) -> Fault:
    unit = rng.choice(units) if kind in OF_A_VEHICLE else None
    amounts: dict[str, float] = {
        "thin": rng.choice((16_000, 32_000, 64_000, 256_000)),
        "lossy": rng.uniform(2, 30),
        "laggy": rng.uniform(200, 2_000),
        "clock-jump": rng.choice((*_JUMPS_S, _1970_S)),
        "journal-truncated": rng.random(),
        "gnss-rollover": -ROLLOVER_S,
        "gnss-lie": rng.choice((1.0, -1.0)),
    }
    return Fault(
        number=number,
        kind=kind,
        unit=unit,
        lasts_s=rng.uniform(0.5, 6.0),
        amount=amounts.get(kind, 0.0),
        then_wait_s=rng.uniform(0.2, 1.5),
    )
