"""What a link does to packets, without sockets."""

import random

import pytest
from pydantic import ValidationError

from firmware_sim.modem import LinkChange, LinkShape, read_scenario
from protocols.errors import ConfigError


def test_a_change_leaves_alone_what_it_does_not_name() -> None:
    shape = LinkShape().changed(LinkChange(rate_bps=64_000, delay_ms=50))
    later = shape.changed(LinkChange(loss_pct=5))

    assert later == LinkShape(rate_bps=64_000, delay_ms=50, loss_pct=5)
    assert later.changed(LinkChange(restore=True)).is_clear
    assert later.changed(LinkChange(rate_bps=0)).rate_bps is None


def test_a_lost_segment_costs_a_doubling_timeout_and_is_never_lost_for_good() -> None:
    shape = LinkShape(loss_pct=50, delay_ms=100, jitter_ms=50)
    rng = random.Random(1)
    drawn = [shape.losses(rng) for _ in range(4_000)]

    assert [round(shape.wait_s(losses), 6) for losses in range(4)] == [0, 0.3, 0.9, 2.1]
    assert max(drawn) == 6
    assert sum(losses == 0 for losses in drawn) == pytest.approx(2_000, abs=120)
    assert LinkShape().losses(rng, at_least=2) == 2


@pytest.mark.parametrize(
    "change", [{"loss_pct": 100}, {"rate_bps": -1}, {"cut": 5}, {"delay_ms": 1e9}]
)
def test_an_impossible_change_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        LinkChange.model_validate(change)


def test_a_scenario_runs_in_the_order_of_its_times_and_repeats(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "course.json"
    path.write_text('{"repeat_s": 10, "steps": [{"at_s": 5, "restore": true}, '
                    '{"at_s": 1, "cut_s": 2}]}')  # fmt: skip
    timed = read_scenario(path).timed()
    first = [next(timed) for _ in range(3)]

    assert [at_s for at_s, _ in first] == [1, 5, 11]
    assert first[0][1] == LinkChange(cut_s=2)
    path.write_text('{"steps": [{"at_s": 5, "speed": 3}]}')
    with pytest.raises(ConfigError, match="speed"):
        read_scenario(path)
