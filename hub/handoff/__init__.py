"""Hand-off: the encounter as a FHIR document, to the hospital, until the hospital has it."""

from hub.handoff.hospitals import Hospital, Hospitals, read_hospitals
from hub.handoff.routes import handoff_router
from hub.handoff.service import Handoff

__all__ = ["Handoff", "Hospital", "Hospitals", "handoff_router", "read_hospitals"]
