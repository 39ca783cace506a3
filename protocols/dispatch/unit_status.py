"""Unit status: what a crew is doing. Law: every legal move is in TRANSITIONS, nowhere else.

The run of an ambulance goes round once: available → en route → on scene → with patient →
transporting → at hospital → clearing → available. A crew that is not needed clears from anywhere.
A patrol uses the same machine and leaves out what concerns a patient.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from protocols.dispatch.time_nodes import TimeNode
from protocols.errors import LocalProtocolError


class UnitStatus(StrEnum):
    """Wire strings: add, never rename."""

    AVAILABLE = "available"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    WITH_PATIENT = "with_patient"
    TRANSPORTING = "transporting"
    AT_HOSPITAL = "at_hospital"
    CLEARING = "clearing"  # handed over, not yet ready


class CrewEvent(StrEnum):
    """What the crew (or the geofence for it) says. Imperatives of the big button."""

    ROLL = "roll"
    ARRIVE = "arrive"
    CONTACT = "contact"
    LOAD = "load"
    ARRIVE_HOSPITAL = "arrive_hospital"
    HAND_OVER = "hand_over"
    CLEAR = "clear"


_S, _E = UnitStatus, CrewEvent

TRANSITIONS: Final[Mapping[UnitStatus, Mapping[CrewEvent, UnitStatus]]] = {
    _S.AVAILABLE: {_E.ROLL: _S.EN_ROUTE},
    _S.EN_ROUTE: {_E.ARRIVE: _S.ON_SCENE, _E.CLEAR: _S.AVAILABLE},
    _S.ON_SCENE: {_E.CONTACT: _S.WITH_PATIENT, _E.CLEAR: _S.AVAILABLE},
    _S.WITH_PATIENT: {_E.LOAD: _S.TRANSPORTING, _E.CLEAR: _S.AVAILABLE},
    _S.TRANSPORTING: {_E.ARRIVE_HOSPITAL: _S.AT_HOSPITAL},
    _S.AT_HOSPITAL: {_E.HAND_OVER: _S.CLEARING},
    _S.CLEARING: {_E.CLEAR: _S.AVAILABLE},
}

NEXT_EVENT: Final[Mapping[UnitStatus, CrewEvent]] = {
    status: next(iter(moves)) for status, moves in TRANSITIONS.items()
}
"""What the one big button offers in each status."""

STAMPS: Final[Mapping[CrewEvent, TimeNode]] = {
    _E.ROLL: TimeNode.ROLLING,
    _E.ARRIVE: TimeNode.ON_SCENE,
    _E.CONTACT: TimeNode.FIRST_MEDICAL_CONTACT,
    _E.LOAD: TimeNode.PATIENT_ON_BOARD,
    _E.ARRIVE_HOSPITAL: TimeNode.AT_HOSPITAL,
    _E.HAND_OVER: TimeNode.HANDED_OVER,
    _E.CLEAR: TimeNode.DONE,
}
"""The time node that each event stamps."""


def advance(status: UnitStatus, event: CrewEvent) -> UnitStatus:
    """Return the status that `event` leads to from `status`.

    Raises:
        LocalProtocolError: the table has no such move; nothing has changed.
    """
    try:
        return TRANSITIONS[status][event]
    except KeyError:
        raise LocalProtocolError(
            reason="no such move", status=status.value, event=event.value
        ) from None
