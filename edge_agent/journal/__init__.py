"""The journal: what the vehicle has accepted, on disk until the hub has it."""

from edge_agent.journal.journal import Journal
from edge_agent.journal.opening import open_journal
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.salvage import Salvage
from edge_agent.journal.settings import JournalSettings

__all__ = ["Journal", "JournalSettings", "Row", "Salvage", "StreamAccount", "open_journal"]
