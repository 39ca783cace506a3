"""Salvage: what a journal that was set aside still holds, accepted again by the new one.

Each record goes in under a new seq, with its origin, so that the hub, which may have it already,
stores it once. Of one that was salvaged before, that is its first; the name that it had in between
is said to be no more, or the hub would miss a record of that name. Clinical and status streams come
first. What cannot be found is declared as a gap of the lost journal. The mark beside it says how
far it went; without one nobody knows what its very end held, and an open gap says that too. All of
it may be done again after a restart, until a file beside it says that it is done.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from edge_agent.journal.journal import RETIRED, UNVERIFIED, Journal
from edge_agent.journal.remains import Remains, read_remains, records
from edge_agent.journal.rows import Row
from edge_agent.journal.schema import files_set_aside
from protocols.clock import Clock, ClockSource
from protocols.errors import StorageError
from protocols.ids import JournalId
from protocols.link.frame import Origin
from protocols.link.ranges import SeqRanges
from protocols.link.streams import DURABLE, UP, Stream
from protocols.messages import Gap
from protocols.runtime.files import write_whole

log = logging.getLogger(__name__)

_BATCH: Final = 200
_MOST_GAPS: Final = 500
_AGAIN_S: Final = 60.0
_MARK_ENDING: Final = "-salvaged"


def is_salvaged(aside: Path) -> bool:
    """Whether all that this file held has been accepted again."""
    return _mark(aside).exists()


def salvage_again(journal: Path) -> None:
    """Have every file that was set aside salvaged anew: the journal that took it in has lost some.

    What is still there is not taken in twice, and what the hub has it knows by its first name.
    """
    for aside in files_set_aside(journal):
        _mark(aside).unlink(missing_ok=True)


class Salvage:
    """A service of the agent: ends once nothing is left to salvage."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    async def run(self) -> None:
        """Salvage every file that was set aside."""
        while left := [one for one in files_set_aside(self._journal.path) if not is_salvaged(one)]:
            has_failed = False
            for aside in left:  # one that cannot be read holds up no other
                try:
                    await self._salvage(aside)
                except (StorageError, OSError) as err:
                    has_failed = True
                    log.warning("journal.salvage_waits", extra={"reason": str(err)[:120]})
            if has_failed:
                await self._clock.sleep(_AGAIN_S)

    async def _salvage(self, aside: Path) -> None:
        key_file = self._journal.key_file
        work = _Work(await asyncio.to_thread(read_remains, aside, key_file=key_file))
        for journal in (work.lost, work.branch):
            for stream, seqs in (await self._journal.salvaged(journal)).items():
                work.note_done(stream, seqs)
        count = 0
        for durable in (True, False):
            wanted = partial(_is_durable, is_wanted=durable)
            found = records(aside, wanted=wanted, key_file=key_file)
            while batch := await asyncio.to_thread(work.next_batch, found):
                await self._journal.append_again(batch)
                count += len(batch)
        gaps = work.gaps(until_utc_us=self._clock.utc_us())
        for gap in [*gaps, *work.renamed()]:
            await self._declare(work.lost, gap)
        summary = {"journal": work.lost, "records": count, "gaps": len(gaps)}
        await asyncio.to_thread(write_whole, _mark(aside), json.dumps(summary).encode())
        log.warning("journal.salvaged", extra={"file": aside.name, **summary})

    async def _declare(self, lost: JournalId, gap: Gap) -> None:
        if gap.reason == "damaged" and not gap.is_open:
            span = (gap.first_seq, gap.last_seq)
            before, after = await self._journal.captured_beside(lost, gap.stream, span)
            gap = gap.model_copy(
                update={"first_captured_utc_us": before, "last_captured_utc_us": after}
            )
        await self._journal.append(
            Stream.STATUS,
            gap,
            captured_utc_us=max(0, self._clock.utc_us()),
            clock=ClockSource.RTC,
            clock_error_us=None,
        )


class _Work:
    """What is known of one lost journal, and what of it has been found."""

    def __init__(self, remains: Remains) -> None:
        self._remains = remains
        name = remains.path.name
        self.lost = remains.journal or JournalId(str(uuid.uuid5(uuid.NAMESPACE_OID, name)))
        self.branch = JournalId(str(uuid.uuid5(uuid.UUID(self.lost), name)))
        self._base = _base(remains)
        self._found: dict[Stream, SeqRanges] = {}
        self._renamed: dict[Stream, SeqRanges] = {}
        self._newest_utc_us: dict[Stream, int] = {}

    def note_done(self, stream: Stream, seqs: SeqRanges) -> None:
        """Note what an earlier attempt accepted again."""
        found = self._found.setdefault(stream, SeqRanges())
        for first, last in seqs:
            found.add(first, last)

    def next_batch(self, found: Iterator[Row]) -> list[Row]:
        """Return the next records that neither the hub nor an earlier batch has."""
        batch: list[Row] = []
        for row in found:
            if not self._is_new(row):
                continue
            self._found.setdefault(row.stream, SeqRanges()).add(row.seq, row.seq)
            if row.origin is not None and self._journal_of(row) == self.lost:
                self._renamed.setdefault(row.stream, SeqRanges()).add(row.seq, row.seq)
            newest = self._newest_utc_us.get(row.stream, 0)
            self._newest_utc_us[row.stream] = max(newest, row.captured_utc_us)
            batch.append(
                Row(
                    stream=row.stream,
                    seq=row.seq,
                    captured_utc_us=row.captured_utc_us,
                    clock=row.clock,
                    clock_error_us=row.clock_error_us,
                    body=row.body,
                    origin=row.origin or Origin(self._journal_of(row), row.seq),
                )
            )
            if len(batch) == _BATCH:
                break
        return batch

    def gaps(self, *, until_utc_us: int) -> list[Gap]:
        """Return what could not be found, and that the end is not known."""
        gaps: list[Gap] = []
        for stream in UP:
            last = self._last(stream)
            have = self._remains.acked(stream)
            for first, final in self._found.get(stream, SeqRanges()):
                have.add(first, final)
            missing = list(have.missing(1, last))
            gaps += [self._gap(stream, span) for span in missing[:_MOST_GAPS]]
            if self._is_end_known and len(missing) <= _MOST_GAPS:
                continue
            open_from = missing[_MOST_GAPS][0] if len(missing) > _MOST_GAPS else last + 1
            gaps.append(
                self._gap(
                    stream,
                    (open_from, open_from),
                    is_open=True,
                    since_utc_us=self._newest_utc_us.get(stream),
                    until_utc_us=max(0, until_utc_us),
                )
            )
        return gaps

    def renamed(self) -> list[Gap]:
        """Return which names of the lost journal are no more, their records known by another."""
        return [
            Gap(stream=stream, first_seq=first, last_seq=last, reason="renamed", journal=self.lost)
            for stream, spans in self._renamed.items()
            for first, last in spans
        ]

    @property
    def _is_end_known(self) -> bool:
        """A file that the hub did not recognise knows its own end, not that of the lost one."""
        return self._remains.marked.is_end and self._base is None

    def _is_new(self, row: Row) -> bool:
        # what was accepted after a start that the hub has not verified is no business of its acks
        is_acked = row.seq in self._remains.acked(row.stream) and row.seq <= self._base_of(row)
        return not is_acked and row.seq not in self._found.get(row.stream, SeqRanges())

    def _journal_of(self, row: Row) -> JournalId:
        return self.lost if row.seq <= self._base_of(row) else self.branch

    def _base_of(self, row: Row) -> int:
        return row.seq if self._base is None else self._base.get(row.stream.value, 0)

    def _last(self, stream: Stream) -> int:
        account = self._remains.accounts.get(stream)
        found = list(self._found.get(stream, SeqRanges()))
        return max(
            account.last_seq if account else 0,
            found[-1][1] if found else 0,
            self._remains.marked.last.get(stream, 0),
        )

    def _gap(
        self,
        stream: Stream,
        span: tuple[int, int],
        *,
        is_open: bool = False,
        since_utc_us: int | None = None,
        until_utc_us: int | None = None,
    ) -> Gap:
        return Gap(
            stream=stream,
            first_seq=span[0],
            last_seq=span[1],
            reason="damaged",
            first_captured_utc_us=since_utc_us,
            last_captured_utc_us=until_utc_us,
            journal=self.lost,
            is_open=True if is_open else None,
        )


def _base(remains: Remains) -> dict[str, int] | None:
    """Return how far each stream went before the start that the hub did not recognise."""
    if RETIRED not in remains.kept:
        return None
    try:
        found = json.loads(remains.kept.get(UNVERIFIED, "{}"))
    except ValueError:
        return {}
    return {str(name): int(seq) for name, seq in found.items()}


def _is_durable(stream: Stream, *, is_wanted: bool) -> bool:
    return (stream in DURABLE) is is_wanted


def _mark(aside: Path) -> Path:
    return aside.with_name(aside.name + _MARK_ENDING)
