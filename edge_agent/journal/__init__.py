"""The journal: what the vehicle has accepted, on disk until the hub has it."""

from edge_agent.journal.journal import Journal, open_journal
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.settings import JournalSettings

__all__ = ["Journal", "JournalSettings", "Row", "StreamAccount", "open_journal"]
