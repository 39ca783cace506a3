"""The promise, under a seeded scheduler: nothing lost, nothing doubled, whatever happens."""

import pytest

from tests.protocols.link.simulation import World

WORLDS, STEPS = 20, 2_500


@pytest.mark.parametrize("first_seed", range(0, 400, WORLDS))
def test_every_accepted_record_arrives_once(first_seed: int) -> None:
    """A million steps in all, every other world with two paths; a failing seed replays."""
    for seed in range(first_seed, first_seed + WORLDS):
        world = World(seed, paths=("first", "second")[: 1 + seed % 2])
        world.run(STEPS)
        world.check_promise()
