"""Calm: an account of a journal that nobody writes to any more is no account."""

import pytest

from goldenhour.chaos import calm
from goldenhour.chaos.calm import Account, Standing, until_calm
from protocols.errors import FleetError
from protocols.ids import JournalId

ONE, OTHER = JournalId("one"), JournalId("other")
BEFORE = Account(ONE, {"vitals": Standing(9, 4), "status": Standing(3, 3)})
DUE = Account(ONE, {"vitals": Standing(10, 4), "status": Standing(3, 3)})


def of(journal: JournalId, **streams: tuple[int, int]) -> Account:
    return Account(journal, {name: Standing(*each) for name, each in streams.items()})


async def looks(*accounts: Account | None) -> int:
    """Return after how many looks it is calm."""
    seen = 0

    def read() -> Account | None:
        nonlocal seen
        seen += 1
        return accounts[min(seen, len(accounts)) - 1]

    await until_calm(read, within_s=0.9)
    return seen


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calm, "_LOOK_S", 0.001)


async def test_all_is_there_once_the_hub_has_what_was_last_then() -> None:
    behind, there = of(ONE, vitals=(12, 9), status=(3, 3)), of(ONE, vitals=(15, 10), status=(3, 3))
    assert await looks(BEFORE, DUE, behind, None, there) == 5


async def test_a_journal_counts_only_once_it_is_written_to() -> None:
    short = Account(ONE, {})  # cut off, and not made whole yet
    whole = of(ONE, vitals=(10, 4), status=(3, 3))
    assert await looks(short, short, whole, of(ONE, vitals=(10, 10), status=(3, 3))) == 4
    all_there = of(ONE, vitals=(10, 10), status=(3, 3))
    with pytest.raises(FleetError, match="nobody writes"):
        await looks(all_there)


async def test_another_journal_is_not_held_against_the_last() -> None:
    other, there = of(OTHER, vitals=(5, 5)), of(OTHER, vitals=(6, 6))
    assert await looks(BEFORE, DUE, other, there, there) == 5


async def test_what_is_lacking_is_said() -> None:
    with pytest.raises(FleetError, match="still waits: vitals 10"):
        await looks(BEFORE, DUE, of(ONE, vitals=(12, 9), status=(3, 3)))
