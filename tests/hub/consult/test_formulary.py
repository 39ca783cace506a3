"""What may be ordered: within the usual, beyond it with a reason, never corrected."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.consult.formulary import SLIP, Wanted, checked, in_words, read_formulary
from protocols.errors import ConfigError, DoseError

SAMPLE = read_formulary(None)


def wanted(**fields: Any) -> Wanted:
    usual = {
        "drug": "aspirin", "dose": 300, "unit": "mg", "route": "oral", "patient_class": "adult",
    }  # fmt: skip
    return Wanted.model_validate(usual | fields)


def refused(order: Wanted, *, age_years: int | None = None) -> dict[str, Any]:
    with pytest.raises(DoseError) as err:
        checked(SAMPLE, order, age_years=age_years)
    return dict(err.value.facts)


def test_a_usual_dose_goes_out_as_it_was_typed_with_its_source() -> None:
    drug = checked(SAMPLE, wanted(remark="chewed"), age_years=62)
    assert (drug.dose, drug.usual) == (300.0, "150-300 mg")
    assert "ESC 2023" in drug.source
    assert in_words(drug) == "Aspirin 阿司匹林 300 mg oral. chewed"


def test_beyond_the_usual_needs_a_reason_which_the_crew_reads() -> None:
    facts = refused(wanted(dose=500))
    assert facts["usual"] == "150-300 mg"
    drug = checked(SAMPLE, wanted(dose=500, override_reason="tablets of 500"), age_years=None)
    assert drug.dose == 500.0
    assert "beyond usual" in in_words(drug)


@pytest.mark.parametrize("dose", [300 * SLIP, 3000, 150 / SLIP, 3, 0.3])
def test_a_slip_of_the_decimal_point_is_refused_whatever_the_reason(dose: float) -> None:
    assert "decimal point" in refused(wanted(dose=dose, override_reason="because"))["reason"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"drug": "arsenic"}, "no such drug"),
        ({"unit": "g", "dose": 0.3}, "another unit"),
        ({"route": "iv"}, "no such way"),
        ({"patient_class": "child"}, "no such way"),
        ({"rate": 5, "rate_unit": "mL/h"}, "knows no rate"),
        ({"rate_unit": "mL/h"}, "without a rate"),
        ({"drug": "heparin", "unit": "IU", "route": "iv", "dose": 5000}, "state the weight"),
    ],
)
def test_what_the_formulary_does_not_hold_is_refused(fields: dict[str, Any], reason: str) -> None:
    assert reason in refused(wanted(**fields))["reason"]


@pytest.mark.parametrize(
    ("age_years", "stated", "is_right"),
    [(62, "adult", True), (16, "adult", True), (15, "adult", False), (0, "adult", False)],
)
def test_a_class_that_contradicts_the_noted_age_is_refused(
    age_years: int, stated: str, *, is_right: bool
) -> None:
    order = wanted(patient_class=stated)
    if is_right:
        checked(SAMPLE, order, age_years=age_years)
    else:
        assert refused(order, age_years=age_years)["noted_years"] == age_years


def test_a_dose_by_weight_is_held_against_the_weight_and_its_cap() -> None:
    child = wanted(drug="adrenaline", route="io", patient_class="child", dose=0.2, weight_kg=20.0)
    assert checked(SAMPLE, child, age_years=6).usual == "0.2 mg"
    assert refused(child.model_copy(update={"weight_kg": 30.0}))["usual"] == "0.3 mg"
    heavy = child.model_copy(update={"weight_kg": 150.0, "dose": 1.0})
    assert checked(SAMPLE, heavy, age_years=15).usual == "1 mg"


@given(dose=st.floats(min_value=0.001, max_value=99_999), reason=st.sampled_from([None, "so"]))
def test_no_order_is_ever_corrected(dose: float, reason: str | None) -> None:
    order = wanted(dose=dose, override_reason=reason)
    try:
        drug = checked(SAMPLE, order, age_years=None)
    except DoseError:
        return
    assert (drug.dose, drug.unit, drug.route) == (order.dose, order.unit, order.route)
    assert 150 <= drug.dose <= 300 or (reason and 150 / SLIP < drug.dose < 300 * SLIP)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one["drugs"].append(one["drugs"][0]),
        lambda one: one["drugs"][0]["uses"][0].update(least=900),
        lambda one: one["drugs"][0]["uses"][0].update(unit="spoons"),
        lambda one: one["drugs"][0]["uses"][0].pop("source"),
    ],
    ids=["twice", "upside-down", "unit", "no-source"],
)
def test_a_formulary_with_a_mistake_stops_the_hub_and_says_where(
    tmp_path: Path, spoil: Any
) -> None:
    broken = json.loads(SAMPLE.model_dump_json())
    spoil(broken)
    file = tmp_path / "formulary.json"
    file.write_text(json.dumps(broken))
    with pytest.raises(ConfigError) as err:
        read_formulary(file)
    assert err.value.facts["file"] == str(file)
