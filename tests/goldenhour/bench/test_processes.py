"""What processes use, as the kernel says, and how fast something grows."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldenhour.bench.processes import Use, descendants, growth, used

_CHILD = """
import sys
held = bytearray(b"x") * 50_000_000
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_child_is_found_and_its_memory_is_its_own() -> None:
    with subprocess.Popen(  # noqa: S603 -- ourselves
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        child.stdout.readline()
        found = used(os.getpid(), lambda command: "child" if "50_000_000" in command else "other")
        pids = list(descendants(os.getpid()))
        child.communicate("")

    assert child.pid in pids
    assert 50_000_000 < found["child"].resident_bytes < 100_000_000
    assert found["child"].cpu_s > 0
    assert found["other"].cpu_s > 0


def test_what_is_used_adds_up() -> None:
    assert Use(1.5, 10) + Use(0.5, 5) == Use(2.0, 15)


@given(
    st.floats(-100, 100),
    st.floats(-1e6, 1e6),
    st.lists(st.integers(0, 1_000), min_size=2, max_size=20, unique=True),
)
def test_growth_is_the_slope_of_the_line_through_the_samples(
    slope: float, start: float, at: list[int]
) -> None:
    assert growth({float(t): start + slope * t for t in at}) == pytest.approx(slope, abs=1e-4)


def test_one_sample_says_nothing_of_growth() -> None:
    assert growth({3.0: 100.0}) == 0.0
    assert growth({}) == 0.0
