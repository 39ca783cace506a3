"""The plan of chaos: the same for a seed, another for another, and every kind in it."""

import pytest

from goldenhour.chaos.plan import OF_A_VEHICLE, WEIGHTS, kinds_of, plan, seeds_of
from protocols.errors import ConfigError

UNITS = ("A-001", "A-002")


def test_a_seed_replays_and_another_is_another() -> None:
    one = plan(seed=7, faults=60, units=UNITS)
    assert one == plan(seed=7, faults=60, units=UNITS)
    assert one != plan(seed=8, faults=60, units=UNITS)
    assert [fault.number for fault in one] == list(range(60))


def test_every_kind_comes_and_none_that_is_not_asked_for() -> None:
    kinds = [kind for kind in WEIGHTS if kind != "disk-full"]
    found = plan(seed=1, faults=60, units=UNITS, kinds=kinds)
    assert {fault.kind for fault in found} == set(kinds)
    for fault in found:
        assert (fault.unit in UNITS) == (fault.kind in OF_A_VEHICLE)


def test_kinds_are_named() -> None:
    assert kinds_of("kill-agent, cut") == ["cut", "kill-agent"]
    with pytest.raises(ConfigError, match="no such fault"):
        kinds_of("cut,flood")


def test_seeds_are_written_as_spans() -> None:
    assert seeds_of("1-3,7, 9-10,2") == [1, 2, 3, 7, 9, 10]


@pytest.mark.parametrize("text", ["", "1-", "-1", "3-1", "one", "1-9999", "1,,2"])
def test_what_is_no_span_of_seeds_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        seeds_of(text)
