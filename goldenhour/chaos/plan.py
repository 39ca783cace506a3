"""What happens, and when: a list of faults, the same for the same seed. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "cut", "reset", "thin", "lossy", "laggy",
    "kill-agent", "kill-hub", "kill-ingest", "kill-broker", "kill-database", "kill-media",
    "broker-store", "database-restart", "disk-full", "clock-jump", "journal-truncated",
]  # fmt: skip

LINK: Final = frozenset({"cut", "reset", "thin", "lossy", "laggy"})
"""Faults of a vehicle's modem: others may come while they last."""

OF_A_VEHICLE: Final = LINK | {"kill-agent", "disk-full", "clock-jump", "journal-truncated"}

WEIGHTS: Final[dict[Kind, int]] = {
    "cut": 6, "reset": 4, "thin": 4, "lossy": 4, "laggy": 3,
    "kill-agent": 5, "kill-hub": 2, "kill-ingest": 3, "kill-broker": 3, "kill-database": 2,
    "kill-media": 1, "broker-store": 1, "database-restart": 2, "disk-full": 2, "clock-jump": 3,
    "journal-truncated": 2,
}  # fmt: skip
"""How often each comes: links fail most, as they do."""

_JUMPS_S: Final = (86_400, -86_400, 3_600, -3_600, 47, -47)
_1970_S: Final = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: of which vehicle, how long, how much, and how long before the next comes.

    `amount`: bit/s (thin), percent (lossy), ms (laggy), seconds (clock-jump; 0: back to 1970), the
    share of the file that is left (journal-truncated).
    """

    number: int
    kind: Kind
    unit: str | None
    lasts_s: float
    amount: float
    then_wait_s: float


def plan(*, seed: int, faults: int, units: Sequence[str], without: frozenset[str]) -> list[Fault]:
    """Return `faults` faults; each kind comes once before any is drawn by its weight.

    `without`: kinds that this machine cannot do.
    """
    rng = random.Random(seed)  # noqa: S311 -- to be repeated
    kinds = [kind for kind in WEIGHTS if kind not in without]
    first = rng.sample(kinds, len(kinds))
    drawn = rng.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=faults)
    return [
        _fault(number, kind, rng, units) for number, kind in enumerate((first + drawn)[:faults])
    ]


def _fault(number: int, kind: Kind, rng: random.Random, units: Sequence[str]) -> Fault:
    unit = rng.choice(units) if kind in OF_A_VEHICLE else None
    amounts: dict[str, float] = {
        "thin": rng.choice((16_000, 32_000, 64_000, 256_000)),
        "lossy": rng.uniform(2, 30),
        "laggy": rng.uniform(200, 2_000),
        "clock-jump": rng.choice((*_JUMPS_S, _1970_S)),
        "journal-truncated": rng.random(),
    }
    return Fault(
        number=number,
        kind=kind,
        unit=unit,
        lasts_s=rng.uniform(0.5, 6.0),
        amount=amounts.get(kind, 0.0),
        then_wait_s=rng.uniform(0.2, 1.5),
    )
