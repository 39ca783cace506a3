"""The plan of chaos: the same for a seed, another for another, and every kind in it."""

from goldenhour.chaos.plan import OF_A_VEHICLE, WEIGHTS, plan

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
