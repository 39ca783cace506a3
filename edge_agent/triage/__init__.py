"""Triage: what the vehicle makes of its readings and its crew's word: scores, run, time nodes."""

from edge_agent.triage.run import Run
from edge_agent.triage.scores import Scores

__all__ = ["Run", "Scores"]
