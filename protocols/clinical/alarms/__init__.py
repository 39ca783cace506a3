"""Alarms: from evidence to findings, from findings to what stands. Pure; see `book` for the law."""

from protocols.clinical.alarms.book import Book, Change, acknowledge, is_of_patient, judge, leave
from protocols.clinical.alarms.devices import DeviceAlarm, DeviceAlarms
from protocols.clinical.alarms.ecg import EcgWatch
from protocols.clinical.alarms.finding import RANK, Finding, Truth
from protocols.clinical.alarms.limits import (
    DEFAULTS,
    Changed,
    Limit,
    Parameter,
    PatientClass,
    class_of,
    limits_of,
)
from protocols.clinical.alarms.scored import Scored
from protocols.clinical.alarms.signs import Signs
from protocols.clinical.alarms.table import TRANSITIONS, AlarmEvent, Phase, phase_of
from protocols.clinical.alarms.technical import VehicleFacts, technical_findings

__all__ = [
    "DEFAULTS", "RANK", "TRANSITIONS", "AlarmEvent", "Book", "Change", "Changed", "DeviceAlarm",
    "DeviceAlarms", "EcgWatch", "Finding", "Limit", "Parameter", "PatientClass", "Phase", "Scored",
    "Signs", "Truth", "VehicleFacts", "acknowledge", "class_of", "is_of_patient", "judge", "leave",
    "limits_of", "phase_of", "technical_findings",
]  # fmt: skip
