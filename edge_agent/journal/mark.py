"""The mark: a small file beside the journal that says how far each stream went.

The journal's log is synced before a record is accepted, so that a power cut loses nothing of it.
But a file whose end was cut off, or that was put back from a copy, is sound and short, and says
nothing of what it held. The mark is written after each commit, not synced: it survives the end of
the program, and after a power cut it is at worst behind the journal, which harms nothing. Where it
is ahead, what lies between was accepted and is gone, is declared as a gap, and its seqs are never
given out again. Only a mark that was closed, or written since the machine started, knows the end.
"""

import contextlib
import json
import logging
import os
import sqlite3
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.journal import rows
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.schema import MARK_ENDING, transaction
from protocols.clock import ClockSource
from protocols.ids import JournalId, Seq
from protocols.link.ack import Held
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream, stream_named
from protocols.messages import Gap

log = logging.getLogger(__name__)

_SIZE: Final = 1024
_HEAD: Final = 8  # the checksum, in hexadecimal digits
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class Mark:
    """Keeps how far each stream of one journal went."""

    def __init__(self, path: Path, journal: JournalId, last: Mapping[Stream, int]) -> None:
        """Begin with `last`, beside the journal at `path`; a disk that refuses has no mark."""
        self._journal = journal
        self._last = dict(last)
        self._file: int | None = None
        self._path = _beside(path)
        self._boot = _boot()
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            self._write()
        except OSError as err:
            log.warning("journal.no_mark", extra={"reason": err.strerror or str(err)})
            self.close()

    def follow(self, connection: sqlite3.Connection) -> None:
        """Note how far the journal went; never raises, for what was committed is committed."""
        try:
            last = rows.last_seqs(connection)
        except Exception as err:  # noqa: BLE001 -- SQLCipher's errors are its own
            self._lose(str(err))
        else:
            self.note(last)

    def note(self, last: Mapping[Stream, int]) -> None:
        """Note that these seqs were committed; a full disk takes it, for the file never grows."""
        if last == self._last or self._file is None:
            return
        self._last = dict(last)
        try:
            self._write()
        except OSError as err:
            self._lose(err.strerror or str(err))

    def _lose(self, reason: str) -> None:
        """Have no mark: one that stays behind would say that the journal ended where it stopped."""
        if self._file is None:
            return
        log.error("journal.mark_lost", extra={"reason": reason[:120]})
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.close(self._file)
        self._file = None

    def close(self) -> None:
        """Close the file, which has from now on all there is to know, whatever becomes of power."""
        if self._file is None:
            return
        try:
            self._write(is_closed=True)
            os.fsync(self._file)
        except OSError as err:
            log.warning("journal.mark_left_open", extra={"reason": err.strerror or str(err)})
        finally:
            os.close(self._file)
            self._file = None

    def _write(self, *, is_closed: bool = False) -> None:
        assert self._file is not None  # noqa: S101 -- asked before
        body = {
            "journal": self._journal,
            "boot": self._boot,
            "closed": is_closed,
            "last": self._last,
        }
        text = json.dumps(body, separators=(",", ":")).encode().ljust(_SIZE - _HEAD)
        os.pwrite(self._file, f"{zlib.crc32(text):08x}".encode() + text, 0)


@dataclass(frozen=True, slots=True)
class Marked:
    """What a mark tells: how far each stream went at least, and whether that was its end."""

    last: Mapping[Stream, int] = field(default_factory=dict)
    is_end: bool = False


def read_mark(path: Path, journal: JournalId) -> Marked:
    """Return what the mark tells of `journal`; nothing where it is torn or another's."""
    try:
        raw = _beside(path).read_bytes()
        head, text = raw[:_HEAD], raw[_HEAD:]
        if int(head, 16) != zlib.crc32(text):
            return Marked()
        found = json.loads(text)
        if found["journal"] != journal:
            return Marked()
        named = {stream_named(name): int(seq) for name, seq in found["last"].items()}
        is_end = found["closed"] is True or (found["boot"] is not None and found["boot"] == _boot())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Marked()
    last = {stream: seq for stream, seq in named.items() if stream is not None}
    return Marked(last, is_end)


def declare_lost(
    connection: sqlite3.Connection,
    path: Path,
    journal: JournalId,
    *,
    had: Mapping[Stream, int],
    now_utc_us: int,
) -> list[Gap]:
    """Declare what was accepted and is gone, and go on after it; return the gaps.

    Whatever followed the seqs that the file `had`, as the mark or its tail knows, and neither
    stands here now nor is known to be at the hub.
    """
    accounts = rows.accounts(connection)
    marked = read_mark(path, journal).last
    gaps: list[Gap] = []
    ends: dict[Stream, int] = {}
    for stream in accounts.keys() | marked.keys():
        account = accounts.get(stream, StreamAccount(last_seq=0, held=Held()))
        last = max(account.last_seq, marked.get(stream, 0))
        before = had.get(stream, 0)
        if last <= before:
            continue
        known = SeqRanges(account.held)
        for first, final in rows.after(connection, stream, before):
            known.add(first, final)
        missing = list(known.missing(before + 1, last))
        gaps += [_gone(connection, stream, span, now_utc_us) for span in missing]
        ends[stream] = last
    if not gaps:
        return []
    status = accounts.get(Stream.STATUS)
    after = max(ends.get(Stream.STATUS, 0), status.last_seq if status else 0)
    declarations = [
        Row(
            stream=Stream.STATUS,
            seq=Seq(after + number),
            captured_utc_us=max(0, now_utc_us),
            clock=ClockSource.RTC,
            clock_error_us=None,
            body=gap.to_body(),
        )
        for number, gap in enumerate(gaps, 1)
    ]
    with transaction(connection):
        rows.go_on_after(connection, ends)
        rows.append(connection, declarations, now_utc_us=now_utc_us)
    return gaps


def _gone(
    connection: sqlite3.Connection, stream: Stream, span: tuple[int, int], now_utc_us: int
) -> Gap:
    since_us, until_us = rows.captured_around(connection, stream, span)
    return Gap(
        stream=stream,
        first_seq=span[0],
        last_seq=span[1],
        reason="damaged",
        first_captured_utc_us=since_us,
        last_captured_utc_us=max(0, now_utc_us) if until_us is None else until_us,
    )


def _boot() -> str | None:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return None


def _beside(path: Path) -> Path:
    return path.with_name(path.name + MARK_ENDING)
