"""One transaction's worth: what the frames hold that is new, and the gaps that they declare."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hub.ingest import metrics
from hub.ingest.bodies import UNREAD, Bodies, Body, Judged
from hub.ingest.taps import Arrived
from hub.store.stored import StoredRecord
from protocols.clock import ClockSource
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Frame, Origin, Receiver, Stream
from protocols.link.ranges import SeqRanges
from protocols.link.receiver import MAX_RANGES
from protocols.messages import ClockCorrection, Gap

MERGED: Final = frozenset(
    {Stream.POSITION, Stream.VITALS, Stream.WAVEFORM, Stream.STILL, Stream.LINK, Stream.CLIP}
)
"""Of these the newest says all that is asked of a unit that nobody watches."""

Ledger = tuple[UnitId, JournalId, Stream]
Key = tuple[UnitId, JournalId]
Span = tuple[int, int]

_CLOCKS: Final = {clock: clock.value for clock in ClockSource}
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
    bodies: Bodies
    frames: list[Heard] = field(default_factory=list)
    keys: dict[Key, None] = field(default_factory=dict)  # who is answered
    records: list[StoredRecord] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)  # of each record
    gaps: list[tuple[UnitId, JournalId, Gap]] = field(default_factory=list)
    corrections: list[tuple[UnitId, JournalId, ClockCorrection]] = field(default_factory=list)
    spans: dict[Ledger, list[Span]] = field(default_factory=dict)
    held_bytes: int = 0  # of bodies, unpacked
    _declared: dict[Ledger, SeqRanges] = field(default_factory=dict)

    def add(self, frames: Sequence[Heard], receivers: Mapping[Key, Receiver], now_s: float) -> None:
        """Offer `frames` to their receivers, and add the records that are new."""
        heads: list[tuple[object, ...]] = []
        bodies: list[Body] = []
        origins: dict[int, Origin] = {}  # by place in `bodies`
        for heard in frames:
            unit, frame, received_us = heard
            journal, stream, first_seq, lane, _, clock, error_us, records, origin = frame
            try:
                spans = receivers[unit, journal].offer(frame, now_s=now_s)
            except RemoteProtocolError as err:
                self.refuse(unit, str(err.facts["reason"]))
                continue
            self.frames.append(heard)
            if not spans:
                metrics.DUPLICATES.inc()
            source = _CLOCKS[clock]
            for first, last in spans:
                self._cover((unit, journal, stream), first, last)
                for seq in range(first, last + 1):
                    captured_us, body = records[seq - first_seq]
                    if origin is not None:
                        first_name = Seq(origin.seq + seq - first_seq)
                        origins[len(bodies)] = Origin(origin.journal, first_name)
                    bodies.append((stream, body))
                    heads.append((
                        unit, journal, stream, seq, captured_us, source, error_us, received_us,
                        lane,
                    ))  # fmt: skip
        if bodies:
            self._add_records(heads, bodies, origins, receivers)

    def _add_records(
        self,
        heads: Sequence[tuple[object, ...]],
        bodies: Sequence[Body],
        origins: Mapping[int, Origin],
        receivers: Mapping[Key, Receiver],
    ) -> None:
        judged = self.bodies.judge(bodies)
        first = len(self.records)
        self.judged += judged
        self.records += [
            _new(StoredRecord, head + (message is not None, body, None))  # noqa: RUF005 -- quicker
            for head, (_, body), message in zip(heads, bodies, judged, strict=True)
        ]
        self.held_bytes += sum([len(body) for _, body in bodies])
        for at, origin in origins.items():
            self.records[first + at] = self.records[first + at]._replace(origin=origin)
        for at, message in enumerate(judged):
            if message is UNREAD:
                continue
            if type(message) is Gap:
                record = self.records[first + at]
                receiver = receivers[record.unit, record.journal]
                self._add_gap(record.unit, message, record.origin, receiver)
            elif type(message) is ClockCorrection:
                of = self.records[first + at]
                journal = of.origin.journal if of.origin else of.journal
                self.corrections.append((of.unit, journal, message))

    def told(
        self, stored: Sequence[StoredRecord], watched: AbstractSet[UnitId] | None
    ) -> list[int]:
        """Return which records others are told of, of `stored`: all or some, in their order.

        They are told of each as it is stored, for its time may have been corrected. Of a unit that
        is not `watched` (None: all are) that is the newest of each stream that says the same each
        second, and all of the others.
        """
        if stored is not self.records:
            self._keep(stored)
        records, judged = self.records, self.judged
        is_whole, watched_units = watched is None, watched or frozenset()
        chosen: list[int] = []
        newest: dict[tuple[UnitId, Stream], int] = {}
        for at, record in enumerate(records):
            unit, stream = record[0], record[2]
            if stream not in MERGED or judged[at] is None or is_whole or unit in watched_units:
                chosen.append(at)
                continue
            known = newest.get((unit, stream))
            if known is None or record[4] >= records[known].captured_utc_us:
                newest[unit, stream] = at
        return sorted([*chosen, *newest.values()])

    def read(self, chosen: Sequence[int]) -> list[Arrived]:
        """Return those of the records, with their messages."""
        records, judged = self.records, self.judged
        unread = [at for at in chosen if judged[at] is UNREAD]
        read = self.bodies.read([(records[at].stream, records[at].body) for at in unread])
        messages = dict(zip(unread, read, strict=True))
        return [
            _new(Arrived, (records[at], messages[at] if at in messages else judged[at]))
            for at in chosen
        ]

    def _keep(self, stored: Sequence[StoredRecord]) -> None:
        """Have only `stored` of the records, each as it is there, and what was judged of them."""
        places = {record[:4]: at for at, record in enumerate(self.records)}
        self.judged = [self.judged[places[record[:4]]] for record in stored]
        self.records = list(stored)

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
            return
        begin, end = spans[-1]
        if first == end + 1:
            spans[-1] = (begin, last)
        else:
            spans.append((first, last))
