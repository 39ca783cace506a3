"""The formulary: which drugs may be ordered, and within what. Law: an order is never corrected.

A dose is held against the range of its drug, way and class of patient. What lies beyond is
refused, or goes out with the doctor's own reason beside it for the crew to read; what lies so far
beyond that a decimal point must have slipped is refused whatever the reason. Pure but for
`read_formulary`.
"""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from protocols.errors import ConfigError, DoseError
from protocols.ids import TopicSafe
from protocols.messages import Medication
from protocols.messages.medication import DoseUnit, PatientClass, RateUnit, Route

ADULT_YEARS: Final = 16
"""Source: NEWS2 and the adult resuscitation guidelines; a child is younger."""

SLIP: Final = 5
"""So many times the usual, or one part in so many of it, is taken for a slip of the point."""

_Amount = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
_Word = Annotated[str, Field(min_length=1, max_length=80)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Part):
    """From `least` to `most`, both ends in."""

    least: _Amount
    most: _Amount

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.least > self.most:
            raise ValueError("least is more than most")
        return self


class RateRange(Range):
    """How fast it may run."""

    unit: RateUnit


class Use(Range):
    """One way of giving a drug to some classes of patients; of a `per_kg` one a `cap` is absolute.

    `source` says whose word the range is.
    """

    route: Route
    classes: Annotated[tuple[PatientClass, ...], Field(min_length=1, max_length=3)]
    unit: DoseUnit
    per_kg: bool = False
    cap: _Amount | None = None
    rate: RateRange | None = None
    source: Annotated[str, Field(min_length=1, max_length=160)]


class Drug(_Part):
    """One drug and the ways in which it may be given."""

    drug: TopicSafe
    name_en: _Word
    name_zh: _Word
    uses: Annotated[tuple[Use, ...], Field(min_length=1, max_length=40)]


class Formulary(_Part):
    """All that may be ordered."""

    edition: Annotated[str, Field(min_length=1, max_length=120)]
    note: Annotated[str, Field(max_length=400)] = ""
    drugs: Annotated[tuple[Drug, ...], Field(max_length=400)]


class Wanted(_Part):
    """What a doctor orders, as typed."""

    drug: TopicSafe
    dose: _Amount
    unit: DoseUnit
    route: Route
    rate: _Amount | None = None
    rate_unit: RateUnit | None = None
    patient_class: PatientClass
    weight_kg: Annotated[float, Field(gt=0, le=400, allow_inf_nan=False)] | None = None
    override_reason: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    remark: Annotated[str, Field(max_length=400)] | None = None


def read_formulary(file: Path | None) -> Formulary:
    """Return the formulary in `file`, or the sample that comes with the program.

    Raises:
        ConfigError: it cannot be read, or is not one.
    """
    try:
        text = (
            resources.files("hub.consult").joinpath("formulary.json").read_text("utf-8")
            if file is None
            else file.read_text("utf-8")
        )
        found = Formulary.model_validate(json.loads(text), strict=False)
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(reason="cannot read the formulary", file=str(file)) from err
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            reason="the formulary is wrong", file=str(file), at=where, detail=first["msg"]
        ) from err
    except ValueError as err:
        raise ConfigError(reason="the formulary is not JSON", file=str(file)) from err
    if len({drug.drug for drug in found.drugs}) != len(found.drugs):
        raise ConfigError(reason="a drug appears twice in the formulary", file=str(file))
    return found


def checked(formulary: Formulary, wanted: Wanted, *, age_years: int | None) -> Medication:
    """Return the order as it goes out; `age_years` as far as the crew has noted it.

    Raises:
        DoseError: it is not one that the formulary allows; `facts` say what is usual, and by whom.
    """
    drug = next((one for one in formulary.drugs if one.drug == wanted.drug), None)
    if drug is None:
        raise DoseError(reason="no such drug in the formulary", drug=wanted.drug)
    _check_class(wanted.patient_class, age_years)
    use = _use_of(drug, wanted)
    if wanted.unit != use.unit:
        raise DoseError(reason="another unit than the formulary's", unit=use.unit)
    limits = _limits(use, wanted)
    usual = f"{_plain(limits.least)}-{_plain(limits.most)} {use.unit}"
    if limits.least == limits.most:
        usual = f"{_plain(limits.least)} {use.unit}"
    _check_within(wanted.dose, limits, wanted, {"usual": usual, "source": use.source})
    _check_rate(use, wanted)
    return Medication(
        name_en=drug.name_en,
        name_zh=drug.name_zh,
        usual=usual,
        source=use.source,
        **wanted.model_dump(),
    )


def in_words(drug: Medication) -> str:
    """Return the order as one line, for who does not know its fields."""
    rate = "" if drug.rate is None else f", {_plain(drug.rate)} {drug.rate_unit}"
    remark = f". {drug.remark}" if drug.remark else ""
    beyond = f" [beyond usual {drug.usual}: {drug.override_reason}]" if drug.override_reason else ""
    amount = f"{_plain(drug.dose)} {drug.unit}"
    return f"{drug.name_en} {drug.name_zh} {amount} {drug.route}{rate}{beyond}{remark}"


def _check_class(stated: PatientClass, age_years: int | None) -> None:
    if age_years is None:
        return
    by_age = "infant" if age_years < 1 else "child" if age_years < ADULT_YEARS else "adult"
    if by_age != stated:
        raise DoseError(
            reason="the crew has noted another age", noted_years=age_years, stated=stated
        )


def _use_of(drug: Drug, wanted: Wanted) -> Use:
    for use in drug.uses:
        if use.route == wanted.route and wanted.patient_class in use.classes:
            return use
    known = sorted({f"{use.route} ({one})" for use in drug.uses for one in use.classes})
    raise DoseError(
        reason="the formulary has no such way for this class of patients", known=", ".join(known)
    )


def _limits(use: Use, wanted: Wanted) -> Range:
    if not use.per_kg:
        return Range(least=use.least, most=use.most)
    if wanted.weight_kg is None:
        raise DoseError(reason="the dose is by weight: state the weight", source=use.source)
    most = use.most * wanted.weight_kg
    least = use.least * wanted.weight_kg
    if use.cap is not None:
        most, least = min(most, use.cap), min(least, use.cap)
    return Range(least=round(least, 3), most=round(most, 3))


def _check_within(given: float, limits: Range, wanted: Wanted, facts: Mapping[str, str]) -> None:
    if given >= limits.most * SLIP or given <= limits.least / SLIP:
        raise DoseError(reason="far beyond the usual: has a decimal point slipped?", **facts)
    if not limits.least <= given <= limits.most and wanted.override_reason is None:
        raise DoseError(reason="beyond the usual: correct it, or state the reason", **facts)


def _check_rate(use: Use, wanted: Wanted) -> None:
    if wanted.rate is None:
        if wanted.rate_unit is not None:
            raise DoseError(reason="a rate's unit without a rate")
        return
    if use.rate is None:
        raise DoseError(reason="the formulary knows no rate for this")
    if wanted.rate_unit != use.rate.unit:
        raise DoseError(reason="another unit than the formulary's", unit=use.rate.unit)
    usual = f"{_plain(use.rate.least)}-{_plain(use.rate.most)} {use.rate.unit}"
    _check_within(wanted.rate, use.rate, wanted, {"usual": usual, "source": use.source})


def _plain(value: float) -> str:
    return f"{value:g}"
