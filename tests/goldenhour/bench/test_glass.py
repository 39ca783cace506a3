"""What the doctor's page saw of a camera's pictures, as figures."""

import pytest

from goldenhour.bench.figures import Figure
from goldenhour.bench.glass import AGE, LOST, Seen, Shown, figures_of, longest_freeze_s


def pictures(count: int, *, age_s: float) -> Shown:
    return [(number / 30 + age_s, number / 30) for number in range(count)]


def seen(steady: Shown, lossy: Shown) -> dict[str, Figure]:
    found = figures_of(
        Seen(
            span_s=10.0,
            steady=steady,
            joins=[(0.2, 0.9), (0.4, 0.7)],
            lossy=lossy,
            lossy_from_s=0.0,
            lossy_to_s=10.0,
            whole_s=[0.3, 1.4],
        )
    )
    return {figure.name: figure for figure in found}


def test_a_page_that_is_prompt_holds_and_the_longest_of_each_counts() -> None:
    found = seen(pictures(300, age_s=0.08), pictures(300, age_s=0.08))
    assert found[f"{AGE}, p95"].value == pytest.approx(80)
    assert found["joined: first picture after the hub's answer, longest"].value == 0.4
    assert found["joined: first picture after the click, longest"].value == 0.9
    assert found[f"{LOST}: longest freeze"].value == pytest.approx(0.08)  # before the first
    failed = [name for name, figure in found.items() if not figure.holds]
    assert failed == ["a burst of loss: whole again after it, longest"]


def test_few_pictures_hold_no_bar_however_young() -> None:
    found = seen(pictures(20, age_s=0.01), [])
    assert not found["pictures shown"].holds
    assert not found[f"{AGE}, p95"].holds
    assert not found[f"{LOST}: longest freeze"].holds


def test_a_freeze_is_the_longest_that_one_picture_stood() -> None:
    shown = [(0.1, 0.0), (0.2, 0.1), (1.7, 1.6), (1.8, 1.7)]
    assert longest_freeze_s(shown, 0.0, 2.0) == pytest.approx(1.5)
    assert longest_freeze_s(shown, 0.0, 10.0) == pytest.approx(8.2), "it stopped, and never went on"
    assert longest_freeze_s(shown, -3.0, 2.0) == pytest.approx(3.1)
    assert longest_freeze_s([], 0.0, 10.0) == 10.0
