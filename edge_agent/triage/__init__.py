"""Triage: scores, alarms, run and time nodes, from the readings and the crew's word."""

from edge_agent.triage.alarms import Alarms, Around
from edge_agent.triage.run import Run
from edge_agent.triage.scores import Scores
from edge_agent.triage.settings import AlarmSettings

__all__ = ["AlarmSettings", "Alarms", "Around", "Run", "Scores"]
