"""A patient monitor: HL7 v2.6 ORU^R01 over MLLP, numbers and waveforms, model or recording."""

from firmware_sim.monitor.device import MonitorSetup, PatientMonitor, eui64_of
from firmware_sim.monitor.faults import MonitorFaultRequest
from firmware_sim.monitor.mllp import Pacing
from firmware_sim.monitor.oru import Identity
from firmware_sim.monitor.records import open_dicom, open_pleth, open_record, open_wfdb

__all__ = [
    "Identity", "MonitorFaultRequest", "MonitorSetup", "Pacing", "PatientMonitor", "eui64_of",
    "open_dicom", "open_pleth", "open_record", "open_wfdb",
]  # fmt: skip
