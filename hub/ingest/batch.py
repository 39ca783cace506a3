"""One transaction's worth: what the frames hold that is new, and the gaps that they declare."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.ingest import metrics
from hub.ingest.queue import Waiting
from hub.ingest.taps import Arrived
from hub.store.records import StoredRecord
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Frame, Origin, Receiver, Stream
from protocols.link.ranges import SeqRanges
from protocols.link.receiver import MAX_RANGES
from protocols.messages import Gap, Message, parse_body

log = logging.getLogger(__name__)

Ledger = tuple[UnitId, JournalId, Stream]
Span = tuple[int, int]


@dataclass(slots=True)
class Batch:
    """What is written together; `refuse(unit, reason)` hears of what is not."""

    refuse: Callable[[UnitId, str], None]
    records: list[Arrived] = field(default_factory=list)
    gaps: list[tuple[UnitId, JournalId, Gap]] = field(default_factory=list)
    spans: dict[Ledger, list[Span]] = field(default_factory=dict)
    _declared: dict[Ledger, SeqRanges] = field(default_factory=dict)

    def add(self, waiting: Waiting, span: Span, receiver: Receiver) -> None:
        """Add the records `span` of a frame, and the gaps that are declared in them."""
        unit, frame = waiting.unit, waiting.frame
        self._cover((unit, frame.journal, frame.stream), span)
        for seq in range(span[0], span[1] + 1):
            item = frame.records[seq - frame.first_seq]
            message = _understood(frame.stream, item.body)
            record = StoredRecord(
                unit=unit,
                journal=frame.journal,
                stream=frame.stream,
                seq=Seq(seq),
                captured_utc_us=item.captured_utc_us,
                clock=frame.clock.value,
                clock_error_us=frame.clock_error_us,
                received_utc_us=waiting.received_us,
                lane=frame.lane,
                understood=message is not None,
                body=item.body,
                origin=_origin(frame, seq),
            )
            self.records.append(Arrived(record, message))
            if isinstance(message, Gap):
                self._add_gap(unit, message, record.origin, receiver)

    def _add_gap(self, unit: UnitId, gap: Gap, origin: Origin | None, receiver: Receiver) -> None:
        """Add what is gone: of its own journal, that is what is not here already.

        A salvaged gap record speaks of the journal that it was accepted in first.
        """
        journal = receiver.journal
        if gap.journal is not None or origin is not None:
            self.gaps.append((unit, origin.journal if origin else journal, gap))
            return
        key = (unit, journal, gap.stream)
        declared = self._declared.setdefault(key, SeqRanges())
        if (
            receiver.is_too_scattered(gap.stream, gap.first_seq, gap.last_seq)
            or len(declared) >= MAX_RANGES
        ):
            self.refuse(unit, "too-scattered")
            self.gaps.append((unit, journal, gap))  # it is declared, if not counted as held
            return
        for hole in receiver.missing(gap.stream, gap.first_seq, gap.last_seq):
            for first, last in declared.missing(*hole):
                part = gap.model_copy(update={"first_seq": first, "last_seq": last})
                self.gaps.append((unit, journal, part))
        declared.add(gap.first_seq, gap.last_seq)
        self._cover(key, (gap.first_seq, gap.last_seq))

    def _cover(self, key: Ledger, span: Span) -> None:
        self.spans.setdefault(key, []).append(span)


def _understood(stream: Stream, body: bytes) -> Message | None:
    try:
        return parse_body(stream, body)
    except RemoteProtocolError as err:
        metrics.NOT_UNDERSTOOD.labels(str(err.facts["reason"])).inc()
    except Exception as err:  # noqa: BLE001 -- one unit's body must not stop the others'
        metrics.NOT_UNDERSTOOD.labels("unreadable").inc()
        log.error("ingest.unreadable", extra={"error": type(err).__name__})  # noqa: TRY400
    return None


def _origin(frame: Frame, seq: int) -> Origin | None:
    if frame.origin is None:
        return None
    return Origin(frame.origin.journal, Seq(frame.origin.seq + seq - frame.first_seq))
