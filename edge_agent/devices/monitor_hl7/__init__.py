"""A patient monitor's numbers and waveforms: HL7 v2.6 ORU^R01 over MLLP."""

from edge_agent.devices.monitor_hl7.driver import MonitorHl7

__all__ = ["MonitorHl7"]
