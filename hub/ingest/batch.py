"""One transaction's worth: what the frames hold that is new, and the gaps that they declare."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.ingest import metrics
from hub.ingest.taps import Arrived
from hub.store.records import StoredRecord
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Frame, Origin, Receiver, Stream
from protocols.link.ranges import SeqRanges
from protocols.link.receiver import MAX_RANGES
from protocols.link.wire import Loader
from protocols.messages import ClockCorrection, Gap, Message, parse_many

log = logging.getLogger(__name__)

Ledger = tuple[UnitId, JournalId, Stream]
Key = tuple[UnitId, JournalId]
Span = tuple[int, int]

_new = tuple.__new__  # a third of what a named tuple's own constructor takes


class Heard(NamedTuple):
    """A frame as it came, decoded."""

    unit: UnitId
    frame: Frame
    received_us: int


@dataclass(slots=True)
class Batch:
    """What is written together; `refuse(unit, reason)` hears of what is not."""

    refuse: Callable[[UnitId, str], None]
    loader: Loader
    frames: list[Heard] = field(default_factory=list)
    records: list[Arrived] = field(default_factory=list)
    gaps: list[tuple[UnitId, JournalId, Gap]] = field(default_factory=list)
    corrections: list[tuple[UnitId, JournalId, ClockCorrection]] = field(default_factory=list)
    spans: dict[Ledger, list[Span]] = field(default_factory=dict)
    held_bytes: int = 0  # of bodies, unpacked
    _declared: dict[Ledger, SeqRanges] = field(default_factory=dict)

    def add(self, frames: Sequence[Heard], receivers: Mapping[Key, Receiver], now_s: float) -> None:
        """Offer `frames` to their receivers, and add the records that are new."""
        new: list[tuple[Heard, int]] = []
        for heard in frames:
            unit, frame, _ = heard
            journal = frame.journal
            try:
                spans = receivers[unit, journal].offer(frame, now_s=now_s)
            except RemoteProtocolError as err:
                self.refuse(unit, str(err.facts["reason"]))
                continue
            self.frames.append(heard)
            if not spans:
                metrics.DUPLICATES.inc()
            for first, last in spans:
                self._cover((unit, journal, frame.stream), first, last)
                new += [(heard, seq) for seq in range(first, last + 1)]
        self._add_records(new, receivers)

    def _add_records(self, new: list[tuple[Heard, int]], receivers: Mapping[Key, Receiver]) -> None:
        bodies = [
            (heard.frame.stream, heard.frame.records[seq - heard.frame.first_seq].body)
            for heard, seq in new
        ]
        messages = _understood(bodies, self.loader)
        for ((unit, frame, received_us), seq), message in zip(new, messages, strict=True):
            captured_us, body = frame.records[seq - frame.first_seq]
            self.held_bytes += len(body)
            journal, stream, first_seq, lane, _, clock, error_us, _, origin = frame
            if origin is not None:
                origin = Origin(origin.journal, Seq(origin.seq + seq - first_seq))
            understood = message is not None
            record = _new(
                StoredRecord,
                (
                    *(unit, journal, stream, seq, captured_us, str(clock), error_us, received_us),
                    *(lane, understood, body, origin),
                ),
            )
            self.records.append(_new(Arrived, (record, message)))
            if type(message) is Gap:
                self._add_gap(unit, message, origin, receivers[unit, journal])
            elif type(message) is ClockCorrection:
                self.corrections.append((unit, origin.journal if origin else journal, message))

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
        self._cover(key, gap.first_seq, gap.last_seq)

    def _cover(self, key: Ledger, first: int, last: int) -> None:
        spans = self.spans.get(key)
        if spans is None:
            self.spans[key] = [(first, last)]
        elif first == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))


def _understood(bodies: Sequence[tuple[Stream, bytes]], loader: Loader) -> Sequence[Message | None]:
    """Return the message in each body; None where it is none, which is counted."""
    try:
        found = parse_many(bodies, loader=loader)
    except Exception as err:  # noqa: BLE001 -- one unit's body must not stop the others'
        if len(bodies) > 1:
            return [message for each in bodies for message in _understood([each], loader)]
        metrics.NOT_UNDERSTOOD.labels("unreadable").inc()
        log.error("ingest.unreadable", extra={"error": type(err).__name__})  # noqa: TRY400
        return [None]
    for message in found:
        if isinstance(message, RemoteProtocolError):
            metrics.NOT_UNDERSTOOD.labels(str(message.facts["reason"])).inc()
    return [None if isinstance(each, RemoteProtocolError) else each for each in found]
