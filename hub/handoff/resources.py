"""Small resources of the document: who, what and where; each measurement refers to them. Pure.

Source: HL7 FHIR R4 (4.0.1): Practitioner, Organization, Location, Device, Communication.
"""

from collections.abc import Iterator
from typing import Final

from hub.handoff.case import Case
from hub.handoff.fhir import OURS, Ids, Json, coded, instant
from hub.store.advice import Advice
from protocols.consult import AdviceState

_PLACE: Final = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_CREW: Final = {"display": "crew of the vehicle"}
_S: Final = AdviceState
_COMMUNICATION: Final = {
    _S.SENT: "in-progress", _S.DELIVERED: "in-progress", _S.SEEN: "in-progress",
    _S.READ_BACK: "in-progress", _S.CONFIRMED: "completed", _S.ADMINISTERED: "completed",
    _S.DECLINED: "not-done", _S.EXPIRED: "stopped", _S.LAPSED: "stopped",
    _S.WITHDRAWN: "entered-in-error",
}  # fmt: skip


def begun(case: Case, ids: Ids) -> Json:
    """Return what every Observation of the document begins with."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "subject": ids.reference("patient"),
        "encounter": ids.reference("encounter"),
        "performer": [ids.reference("service", case.unit.organisation)],
    }


def devices(case: Case, ids: Ids) -> Iterator[tuple[str, Json]]:
    """Yield (name, Device) of what made the numbers and the curves, as the devices say."""
    for source in sources(case):
        yield (
            f"device/{source}",
            {
                "resourceType": "Device",
                "deviceName": [{"name": source, "type": "user-friendly-name"}],
                "patient": ids.reference("patient"),
            },
        )


def device_of(ids: Ids, source: str | None) -> Json:
    """Return the reference of an Observation to its device, if the device said what it is."""
    return {"device": ids.reference(f"device/{source}", source)} if source else {}


def sources(case: Case) -> list[str]:
    """Return what made the numbers and the curves, as the devices say."""
    said = {reading.source for _, reading in case.vitals if reading.source}
    said |= {
        channel.source for _, block in case.ecg for channel in block.channels if channel.source
    }
    return sorted(said)


def vehicle(case: Case, ids: Ids) -> Json:
    """Return the vehicle as a Location."""
    return {
        "resourceType": "Location",
        "identifier": [{"system": "urn:goldenhour:unit", "value": case.unit.unit}],
        "name": case.unit.call_sign,
        "mode": "instance",
        "physicalType": coded(_PLACE, "ve", "Vehicle"),
        "managingOrganization": ids.reference("service", case.unit.organisation),
    }


def practitioner(name: str) -> Json:
    """Return a person of whom no more than a name is known."""
    return {"resourceType": "Practitioner", "name": [{"text": name}]}


def organization(name: str) -> Json:
    """Return an organization of which no more than a name is known."""
    return {"resourceType": "Organization", "name": name}


def communication(advice: Advice, ids: Ids) -> Json:
    """Return one advice and what the crew said to it."""
    found: Json = {
        "resourceType": "Communication",
        "status": _COMMUNICATION[advice.state],
        "subject": ids.reference("patient"),
        "encounter": ids.reference("encounter"),
        "sent": instant(advice.given_utc_us),
        "sender": {"display": advice.given_by},
        "recipient": [{"display": advice.answered_by} if advice.answered_by else _CREW],
        "payload": [{"contentString": advice.text}],
    }
    if advice.answered_utc_us is not None:
        found["received"] = instant(advice.answered_utc_us)
    if advice.reason:
        found["statusReason"] = coded(OURS, f"advice.{advice.state.value}", advice.reason)
    if advice.read_back:
        found["note"] = [{"text": f"Read back: {advice.read_back}"}]
    return found
