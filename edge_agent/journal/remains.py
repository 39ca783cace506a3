"""The remains of a journal that was set aside: what can still be believed of what was carved.

A record is believed if its checksum is right, so one that was bent on the disk is missing rather
than wrong. Of several versions of one account the one that knows most is believed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.journal import tail
from edge_agent.journal.carve import Field, Fields, carve
from edge_agent.journal.mark import Marked, read_mark
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.schema import IDENTITY_ENDING
from protocols.clock import ClockSource
from protocols.ids import JournalId, Seq, is_uuid
from protocols.link.ack import Held
from protocols.link.frame import Origin
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream, stream_named

_RECORD_FIELDS: Final = 10
_BY_CLOCK: Final = {clock.value: clock for clock in ClockSource}


@dataclass(slots=True)
class Remains:
    """What is left of a journal, but for its records; `journal` is None where nothing tells it."""

    path: Path
    journal: JournalId | None = None
    accounts: dict[Stream, StreamAccount] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    marked: Marked = field(default_factory=Marked)
    inbox: dict[tuple[str, int], tuple[str, int, str, int, bytes]] = field(default_factory=dict)
    inbox_ledgers: dict[str, tuple[str, int, str]] = field(default_factory=dict)

    def acked(self, stream: Stream) -> SeqRanges:
        """Return what the hub is known to have of `stream`."""
        account = self.accounts.get(stream)
        return SeqRanges(account.held if account else None)

    def _take(self, fields: Fields) -> None:
        match fields:
            case ("journal", str(text)) if is_uuid(text):
                self.journal = JournalId(text)
            case (str(name), str(value)):
                self.kept[name] = value
            case (str(name), int(last), int(watermark), str(ranges)):
                self._take_account(stream_named(name), last, watermark, ranges)
            case (str(journal), int(seq), str(order), int(received), bytes(body)):
                self.inbox[journal, seq] = (journal, seq, order, received, body)
            case (str(journal), int(watermark), str(ranges)) if is_uuid(journal):
                self.inbox_ledgers[journal] = (journal, watermark, ranges)

    def _take_tail(self, found: tail.Told) -> None:
        """Take what the tail says, which knows the end, unless it was damaged itself and made anew.

        Then what the file says goes before it.
        """
        is_behind = any(
            stream not in found.accounts or found.accounts[stream].last_seq < account.last_seq
            for stream, account in self.accounts.items()
        )
        self.journal = found.journal
        inbox = {(order[0], order[1]): order for order in found.inbox}
        ledgers = {ledger[0]: ledger for ledger in found.inbox_ledgers}
        self.inbox |= inbox
        if is_behind:
            self.kept = dict(found.kept) | self.kept
            self.inbox_ledgers = ledgers | self.inbox_ledgers
            self.accounts = found.accounts | self.accounts
        else:
            self.kept = dict(found.kept)
            self.inbox_ledgers |= ledgers
            self.accounts |= found.accounts

    def _take_account(self, stream: Stream | None, last: int, watermark: int, ranges: str) -> None:
        try:
            held = Held.from_columns(watermark, ranges)
        except (ValueError, TypeError):
            return
        known = self.accounts.get(stream) if stream else None
        if stream and (
            known is None or (known.last_seq, known.held.watermark) <= (last, watermark)
        ):
            self.accounts[stream] = StreamAccount(last_seq=last, held=held)


def read_remains(path: Path, *, key_file: Path | None = None) -> Remains:
    """Return what is left of the journal at `path`, by itself and by the tail beside it.

    Raises:
        OSError: it cannot be read at all.
    """
    remains = Remains(path)
    for fields in carve(path):
        if len(fields) != _RECORD_FIELDS:
            remains._take(fields)  # noqa: SLF001 -- its one maker
    found = tail.read(path, key_file=key_file)
    if found is not None and remains.journal in {None, found.journal}:
        remains._take_tail(found)  # noqa: SLF001
    identity = path.with_name(path.name + IDENTITY_ENDING)
    if remains.journal is None and identity.exists():
        text = identity.read_text(errors="replace").strip()
        remains.journal = JournalId(text) if is_uuid(text) else None
    if remains.journal is not None:
        remains.marked = read_mark(path, remains.journal)
    return remains


def records(
    path: Path, *, wanted: Callable[[Stream], bool], key_file: Path | None = None
) -> Iterator[Row]:
    """Yield the records of wanted streams that still stand there, the same one perhaps twice.

    Raises:
        OSError: it cannot be read at all.
    """
    for fields in carve(path):
        row = _record(fields) if len(fields) == _RECORD_FIELDS else None
        if row is not None and wanted(row.stream):
            yield row
    found = tail.read(path, key_file=key_file)
    yield from (row for row in (found.records if found else ()) if wanted(row.stream))


def _record(fields: Fields) -> Row | None:
    match fields:
        case (
            str(name), int(seq), int(captured), str(clock), error, int(), origin_journal,
            origin_seq, int(checksum), bytes(body),
        ):  # fmt: skip
            stream = stream_named(name)
        case _:
            return None
    if stream is None or clock not in _BY_CLOCK or seq < 1:
        return None
    row = Row(
        stream=stream,
        seq=Seq(seq),
        captured_utc_us=captured,
        clock=_BY_CLOCK[clock],
        clock_error_us=error if isinstance(error, int) else None,
        body=body,
        origin=_origin(origin_journal, origin_seq),
    )
    return row if row.checksum == checksum else None


def _origin(journal: Field, seq: Field) -> Origin | None:
    if isinstance(journal, str) and isinstance(seq, int):
        return Origin(JournalId(journal), Seq(seq))
    return None
