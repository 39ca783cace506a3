"""The promise, with Hypothesis as the adversary: it looks for the shortest way to break it."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.protocols.link.simulation import STREAMS, World


class Link(RuleBasedStateMachine):
    """One vehicle and one hub; every fault that the world knows, in any order."""

    @initialize(
        seed=st.integers(0, 2**16), paths=st.sampled_from([("first",), ("first", "second")])
    )
    def begin(self, seed: int, paths: tuple[str, ...]) -> None:
        self.world = World(seed, paths)

    @rule(records=st.integers(1, 40))
    def accept(self, records: int) -> None:
        for _ in range(records):
            self.world.append()

    @rule(frames=st.integers(1, 10))
    def speak(self, frames: int) -> None:
        for _ in range(frames):
            self.world.speak()

    @rule(seconds=st.sampled_from((0.01, 0.1, 0.1, 0.4, 0.4, 3.0, 7200.0)))
    def pass_time(self, seconds: float) -> None:
        self.world.now_s += seconds
        self.world.sender.tick(now_s=self.world.now_s)

    @rule()
    def deliver(self) -> None:
        self.world.deliver()

    @rule(fails=st.booleans())
    def commit(self, *, fails: bool) -> None:
        self.world.commit(fails=fails)

    @rule()
    def shed(self) -> None:
        self.world.shed()

    @rule()
    def kill_the_vehicle(self) -> None:
        self.world.vehicle_dies()

    @rule()
    def kill_the_hub(self) -> None:
        self.world.hub_dies()

    @rule()
    def cut_or_mend(self) -> None:
        self.world.cut_or_mend()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.check_promise()
            assert all(self.world.sender.waiting(stream) == 0 for stream in STREAMS)


TestLink = Link.TestCase
TestLink.settings = settings(max_examples=150, stateful_step_count=60)
