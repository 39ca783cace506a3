"""One record as the hub holds it."""

from typing import NamedTuple

from protocols.ids import JournalId, Seq, UnitId
from protocols.link.frame import Origin
from protocols.link.streams import Lane, Stream


class StoredRecord(NamedTuple):
    """One record as the table holds it. `understood`: its body was read by this version."""

    unit: UnitId
    journal: JournalId
    stream: Stream
    seq: Seq
    captured_utc_us: int
    clock: str
    clock_error_us: int | None
    received_utc_us: int
    lane: Lane
    understood: bool
    body: bytes
    origin: Origin | None = None

    def __repr__(self) -> str:
        """Show which, and how much; a body is a patient's."""
        return f"StoredRecord({self.unit} {self.journal} {self.stream} {self.seq})"
