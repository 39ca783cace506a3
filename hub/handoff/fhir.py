"""Small FHIR R4 values as JSON: references, codes, times, narrative. Pure.

Source: HL7 FHIR R4 (4.0.1), data types. UCUM for units, LOINC and ISO/IEEE 11073-10101 for codes.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

Json = dict[str, Any]

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
MDC: Final = "urn:iso:std:iso:11073:10101"
OURS: Final = "urn:goldenhour:code"
ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"

_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Ids:
    """Ids of one document's resources: the same on every try, of no other document."""

    def __init__(self, document_id: str) -> None:
        self._namespace = uuid.UUID(document_id)

    def of(self, name: str) -> str:
        """Return the id of the resource called `name`."""
        return str(uuid.uuid5(self._namespace, name))

    def url(self, name: str) -> str:
        """Return its full URL in the Bundle."""
        return f"urn:uuid:{self.of(name)}"

    def reference(self, name: str, display: str | None = None) -> Json:
        """Return a reference to it."""
        found: Json = {"reference": self.url(name)}
        return found | {"display": display} if display else found


def instant(utc_us: int) -> str:
    """Return a FHIR instant, to the millisecond."""
    at = datetime.fromtimestamp(utc_us / 1e6, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def coded(system: str, code: str, display: str) -> Json:
    """Return a CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def category(code: str, display: str) -> list[Json]:
    """Return an Observation's category."""
    system = f"{_TERMINOLOGY}/observation-category"
    return [{"coding": [{"system": system, "code": code, "display": display}]}]


def absent(code: str, display: str) -> Json:
    """Return a dataAbsentReason."""
    return coded(f"{_TERMINOLOGY}/data-absent-reason", code, display)


def unknown() -> Json:
    """Return an extension that says that a value is not known."""
    return {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}


def quantity(value: float, unit: str, code: str) -> Json:
    """Return a UCUM Quantity; `unit` is for people, `code` for machines."""
    return {"value": _plain(value), "unit": unit, "system": UCUM, "code": code}


def narrative(lines: list[str]) -> Json:
    """Return a generated narrative, a paragraph a line; the lines are text, not markup."""
    body = "".join(f"<p>{escape(line)}</p>" for line in lines) or "<p>—</p>"
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>',
    }


def stored_text(value: Any) -> Any:
    """Return `value` with the characters taken out that neither FHIR nor XML lets a text hold."""
    match value:
        case str():
            return _FORBIDDEN.sub(" ", value)
        case dict():
            return {key: stored_text(one) for key, one in value.items()}
        case list():
            return [stored_text(one) for one in value]
        case _:
            return value


def entry(ids: Ids, name: str, resource: Mapping[str, Any]) -> Json:
    """Return a Bundle entry of the resource called `name`."""
    return {
        "fullUrl": ids.url(name),
        "resource": stored_text({**resource, "id": ids.of(name)}),
    }


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else round(value, 2)
