"""The plan of chaos: the same for a seed, another for another, and every kind in it."""

import pytest

from goldenhour.chaos.plan import OF_A_VEHICLE, WEIGHTS, plan, seeds_of
from protocols.errors import ConfigError

UNITS = ("A-001", "A-002")


def test_a_seed_replays_and_another_is_another() -> None:
    one = plan(seed=7, faults=60, units=UNITS, without=frozenset())
    assert one == plan(seed=7, faults=60, units=UNITS, without=frozenset())
    assert one != plan(seed=8, faults=60, units=UNITS, without=frozenset())
    assert [fault.number for fault in one] == list(range(60))


def test_every_kind_comes_and_none_that_the_machine_cannot_do() -> None:
    found = plan(seed=1, faults=60, units=UNITS, without=frozenset({"disk-full"}))
    assert {fault.kind for fault in found} == WEIGHTS.keys() - {"disk-full"}
    for fault in found:
        assert (fault.unit in UNITS) == (fault.kind in OF_A_VEHICLE)


def test_seeds_are_written_as_spans() -> None:
    assert seeds_of("1-3,7, 9-10,2") == [1, 2, 3, 7, 9, 10]


@pytest.mark.parametrize("text", ["", "1-", "-1", "3-1", "one", "1-9999", "1,,2"])
def test_what_is_no_span_of_seeds_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        seeds_of(text)
