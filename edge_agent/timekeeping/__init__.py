"""Time on the vehicle: the steady clock, disciplined by a receiver, and what came before. Pure."""

from edge_agent.timekeeping.discipline import EARLIEST_UTC_US, Discipline, Learnt
from edge_agent.timekeeping.undated import Undated

__all__ = ["EARLIEST_UTC_US", "Discipline", "Learnt", "Undated"]
