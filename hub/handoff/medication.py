"""Ordered drugs in the document: what was asked for, and what was given. Pure.

Source: HL7 FHIR R4 (4.0.1), MedicationRequest and MedicationAdministration. An order that was taken
back is `cancelled`, one that nobody carried out in time `stopped`.
"""

from collections.abc import Iterator
from typing import Final

from hub.handoff.case import Case
from hub.handoff.fhir import OURS, UCUM, Ids, Json, coded, instant
from hub.store.advice import Advice
from protocols.consult import AdviceState
from protocols.messages import Medication

_S: Final = AdviceState
_REQUEST: Final = {
    _S.SENT: "active", _S.DELIVERED: "active", _S.SEEN: "active", _S.READ_BACK: "active",
    _S.CONFIRMED: "active", _S.ADMINISTERED: "completed", _S.DECLINED: "cancelled",
    _S.EXPIRED: "stopped", _S.LAPSED: "stopped", _S.WITHDRAWN: "cancelled",
}  # fmt: skip
_UCUM: Final = {"mg": "mg", "g": "g", "ug": "ug", "mL": "mL", "IU": "[iU]", "L/min": "L/min"}
_RATE_UCUM: Final = {
    "mL/h": "mL/h", "mL/min": "mL/min", "mg/min": "mg/min", "ug/kg/min": "ug/kg/min",
    "L/min": "L/min",
}  # fmt: skip


def requests(case: Case, ids: Ids) -> Iterator[tuple[str, Json]]:
    """Yield (name, MedicationRequest) of each ordered drug."""
    for order in case.advice:
        drug = order.medication
        if drug is None:
            continue
        found: Json = {
            "resourceType": "MedicationRequest",
            "status": _REQUEST[order.state],
            "intent": "order",
            "medicationCodeableConcept": _drug(drug),
            "subject": ids.reference("patient"),
            "encounter": ids.reference("encounter"),
            "authoredOn": instant(order.given_utc_us),
            "requester": {"display": order.given_by},
            "dosageInstruction": [
                {
                    "text": order.text,
                    "route": coded(OURS, f"route.{drug.route}", drug.route),
                    "doseAndRate": [_dose_and_rate(drug, drug.dose)],
                }
            ],
        }
        if order.reason:
            found["statusReason"] = coded(OURS, f"order.{order.state.value}", order.reason)
        notes = [{"text": f"Usual: {drug.usual} ({drug.source})"}]
        if order.read_back:
            notes.append({"text": f"Read back: {order.read_back}"})
        yield f"order/{order.advice_id}", found | {"note": notes}


def administrations(case: Case, ids: Ids) -> Iterator[tuple[str, Json]]:
    """Yield (name, MedicationAdministration) of each drug that was given."""
    for order in case.advice:
        drug, at_utc_us = order.medication, order.administered_utc_us
        if drug is None or at_utc_us is None:
            continue
        yield (
            f"given/{order.advice_id}",
            {
                "resourceType": "MedicationAdministration",
                "status": "completed",
                "medicationCodeableConcept": _drug(drug),
                "subject": ids.reference("patient"),
                "context": ids.reference("encounter"),
                "effectiveDateTime": instant(at_utc_us),
                "performer": [{"actor": {"display": _giver(order)}}],
                "request": ids.reference(f"order/{order.advice_id}"),
                "dosage": {
                    "text": order.text,
                    "route": coded(OURS, f"route.{drug.route}", drug.route),
                    "dose": _quantity(order.administered_dose or drug.dose, drug.unit),
                },
            },
        )


def order_lines(case: Case) -> list[str]:
    """Return what was ordered, for people."""
    return [
        f"{instant(order.given_utc_us)} {order.text} ({order.given_by}): {order.state.value}"
        for order in case.advice
        if order.medication is not None
    ]


def drug_lines(case: Case) -> list[str]:
    """Return what was given, for people."""
    return [
        f"{instant(order.administered_utc_us)} {drug.name_en} {drug.name_zh} "
        f"{order.administered_dose or drug.dose:g} {drug.unit} {drug.route}, by {_giver(order)}"
        for order in case.advice
        if (drug := order.medication) is not None and order.administered_utc_us is not None
    ]


def _giver(order: Advice) -> str:
    by = [step.by for step in order.steps if step.said == _S.ADMINISTERED and step.by]
    return by[-1] if by else order.answered_by or "crew of the vehicle"


def _drug(drug: Medication) -> Json:
    return coded(OURS, f"drug.{drug.drug}", f"{drug.name_en} {drug.name_zh}")


def _dose_and_rate(drug: Medication, dose: float) -> Json:
    found: Json = {"doseQuantity": _quantity(dose, drug.unit)}
    if drug.rate is not None and drug.rate_unit is not None:
        code = _RATE_UCUM[drug.rate_unit]
        found["rateQuantity"] = {
            "value": drug.rate, "unit": drug.rate_unit, "system": UCUM, "code": code,
        }  # fmt: skip
    return found


def _quantity(value: float, unit: str) -> Json:
    # not rounded, as `fhir.quantity` does: it is what was ordered
    return {"value": value, "unit": unit, "system": UCUM, "code": _UCUM[unit]}
