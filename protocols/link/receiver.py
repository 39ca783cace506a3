"""The receiver: which records of a frame are new, and what to say once they are committed.

Law: a seq is handed out for commit at most once, unless its commit failed; an ack names only what
was committed (or what a committed gap record declared lost for good); the set never shrinks.

Theory of operation. One `Receiver` serves one journal of one peer. `offer` compares a frame with
what is committed and with what is on its way to the disk, and returns the part that is neither.
The shell commits that part, with `held_after`, in one transaction, and then calls `committed`; if
the transaction failed it calls `failed`, and the peer's resend is taken afresh. A frame that holds
nothing new still asks for an ack, for its sender has plainly not heard the last one. An ack is due
a moment after the first thing worth saying, so that one ack answers many frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId
from protocols.link.ack import Ack, Held
from protocols.link.frame import Frame
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream

ACK_DELAY_S: Final = 0.02
"""An ack waits this long for company; well under the round trip of any radio link."""

MAX_RANGES: Final = 4096
"""Holes kept per stream. A frame that would need more is refused until the lower ones fill."""

Span = tuple[int, int]
"""First and last seq, both in."""


@dataclass(slots=True)
class _StreamState:
    committed: SeqRanges = field(default_factory=SeqRanges)
    pending: SeqRanges = field(default_factory=SeqRanges)
    sent_utc_us: dict[int, int] = field(default_factory=dict)  # of pending frames, by their first
    next_seq: int = 0
    """The one after the last that is committed or pending, where that is known: what begins there
    is new, and touches what is there. 0: look and see."""


class Receiver:
    """Sorts the frames of one journal into new and known, and words the acks."""

    def __init__(self, *, journal: JournalId, held: Mapping[Stream, Held] | None = None) -> None:
        self.journal = journal
        self._streams = {
            stream: _StreamState(SeqRanges(has)) for stream, has in (held or {}).items()
        }
        self._unsaid: set[Stream] = set()
        self._due_s: float | None = None
        self._echo_utc_us: int | None = None
        self._refused: dict[str, int] = {}

    def offer(self, frame: Frame, *, now_s: float) -> tuple[Span, ...]:
        """Return the spans of `frame` to commit now; they are pending until told otherwise.

        Raises:
            RemoteProtocolError: reason `foreign-journal`, or `too-scattered` (the stream already
                has 4,096 holes and this frame would make another); nothing has changed.
        """
        journal, stream, first_seq, _, sent_utc_us, _, _, records, _ = frame
        if journal != self.journal:
            raise RemoteProtocolError(reason="foreign-journal")
        state = self._streams.get(stream) or self._state(stream)
        last_seq = first_seq + len(records) - 1
        if first_seq == state.next_seq:  # as nearly always
            state.pending.add(first_seq, last_seq)
            state.sent_utc_us[first_seq] = sent_utc_us
            state.next_seq = last_seq + 1
            return ((first_seq, last_seq),)
        if self.is_too_scattered(stream, first_seq, last_seq):
            raise RemoteProtocolError(reason="too-scattered", stream=stream.value)
        new = tuple(self.missing(stream, first_seq, last_seq))
        for first, last in new:
            state.pending.add(first, last)
            state.sent_utc_us[first] = sent_utc_us
        state.next_seq = max(state.pending.last, state.committed.last) + 1
        if not new:
            self._speak(stream, now_s)
            self._answer(sent_utc_us)
        return new

    def is_too_scattered(self, stream: Stream, first: int, last: int) -> bool:
        """Whether the stream has 4,096 ranges, and what is new in a span would be another.

        What is known, begins the stream or touches a range is never too much: it closes holes.
        """
        state = self._state(stream)
        if len(state.committed) + len(state.pending) < MAX_RANGES:
            return False
        return any(
            start != 1
            and not any(
                edge in seqs
                for edge in (start - 1, end + 1)
                for seqs in (state.committed, state.pending)
            )
            for start, end in self.missing(stream, first, last)
        )

    def missing(self, stream: Stream, first: int, last: int) -> list[Span]:
        """Return what of `first` … `last` is neither committed nor pending."""
        state = self._state(stream)
        holes = state.committed.missing(first, last)
        return [span for hole in holes for span in state.pending.missing(*hole)]

    def held_after(self, stream: Stream, spans: tuple[Span, ...]) -> Held:
        """Return what will be held of `stream` once `spans` are committed; changes nothing."""
        held = self._state(stream).committed.held
        if len(spans) == 1 and spans[0][0] == held.watermark + 1 and not held.ranges:
            return Held(spans[0][1])  # as nearly always
        after = SeqRanges(held)
        for first, last in spans:
            after.add(first, last)
        return after.held

    def committed(self, stream: Stream, spans: tuple[Span, ...], *, now_s: float) -> None:
        """Note that `spans` are safe, as records or as a declared gap; an ack is now due."""
        state = self._state(stream)
        for first, last in spans:
            state.committed.add(first, last)
            state.pending.discard(first, last)
            answered = _popped(state.sent_utc_us, first, last)
            if answered:
                self._answer(max(answered))
        state.next_seq = max(state.pending.last, state.committed.last) + 1
        self._speak(stream, now_s)

    def failed(self, stream: Stream, spans: tuple[Span, ...]) -> None:
        """Note that `spans` were not committed: a resend is new again."""
        state = self._state(stream)
        for first, last in spans:
            state.pending.discard(first, last)
            _popped(state.sent_utc_us, first, last)
        state.next_seq = 0

    def refused(self, reason: str, *, now_s: float) -> None:
        """Count a message that could not be taken; the next ack tells the sender why."""
        if reason in self._refused or len(self._refused) < 32:  # noqa: PLR2004 -- bound of the map
            self._refused[reason] = self._refused.get(reason, 0) + 1
        self._wake(now_s)

    def say_all(self, *, now_s: float) -> None:
        """Have the next ack say what is held of every stream, be it nothing."""
        self._unsaid |= set(self._streams)
        self._wake(now_s)

    def held(self, stream: Stream) -> Held:
        """Return what is committed of `stream`."""
        return self._state(stream).committed.held

    @property
    def due_s(self) -> float | None:
        """When (monotonic) the next ack is due; None while there is nothing to say."""
        return self._due_s

    def take_ack(self, *, now_utc_us: int) -> Ack | None:
        """Return all there is to say, and forget that it was unsaid; None for nothing."""
        if self._due_s is None:
            return None
        ack = Ack(
            journal=self.journal,
            streams={stream: self.held(stream) for stream in sorted(self._unsaid)},
            committed_utc_us=now_utc_us,
            echo_utc_us=self._echo_utc_us,
            refused=tuple(self._refused.items()),
        )
        self._unsaid.clear()
        self._refused.clear()
        self._due_s = None
        self._echo_utc_us = None
        return ack

    def _state(self, stream: Stream) -> _StreamState:
        state = self._streams.get(stream)
        if state is None:
            state = self._streams[stream] = _StreamState()
        return state

    def _answer(self, sent_utc_us: int) -> None:
        if self._echo_utc_us is None or sent_utc_us > self._echo_utc_us:
            self._echo_utc_us = sent_utc_us

    def _speak(self, stream: Stream, now_s: float) -> None:
        self._unsaid.add(stream)
        self._wake(now_s)

    def _wake(self, now_s: float) -> None:
        if self._due_s is None:
            self._due_s = now_s + ACK_DELAY_S


def _popped(sent: dict[int, int], first: int, last: int) -> list[int]:
    """Take the entries of seqs `first` … `last` out, and return their values."""
    if len(sent) < last - first:
        return [sent.pop(seq) for seq in [seq for seq in sent if first <= seq <= last]]
    return [sent.pop(seq) for seq in range(first, last + 1) if seq in sent]
