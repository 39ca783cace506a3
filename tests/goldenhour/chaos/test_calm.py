"""Calm: an account of a journal that nobody writes to any more is no account."""

from goldenhour.chaos.calm import Account, Standing
from protocols.ids import JournalId

ONE, OTHER = JournalId("one"), JournalId("other")
DUE = Account(ONE, {"vitals": Standing(10, 4), "status": Standing(3, 3)})


def of(journal: JournalId, **streams: tuple[int, int]) -> Account:
    return Account(journal, {name: Standing(*each) for name, each in streams.items()})


def test_all_is_there_once_the_hub_has_what_was_last_then() -> None:
    assert of(ONE, vitals=(12, 10), status=(3, 3)).has(DUE)
    assert not of(ONE, vitals=(12, 9), status=(3, 3)).has(DUE)


def test_a_journal_that_is_not_written_to_says_nothing() -> None:
    assert not of(ONE, vitals=(10, 10), status=(3, 3)).has(DUE)


def test_another_journal_is_not_held_against_the_last() -> None:
    assert not of(OTHER, vitals=(12, 12), status=(3, 3)).has(DUE)
    assert not of(ONE, vitals=(12, 12)).has(DUE)
