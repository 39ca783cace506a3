"""Segments on the disk and their index in SQLite: a ring by size and by age.

Law: what belongs to an encounter that is open is never taken away to make room; then what the hub
has, or nobody wants, goes first, the oldest of it first. A segment's file is there before its row
(temporary file, fsync, rename), and its row goes before its file: a file without a row is removed
when the shelf is opened. Any thread may ask; every method may wait for the disk.
"""

import contextlib
import hashlib
import os
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.recording.settings import RecordingSettings
from protocols.errors import ConfigError, StorageError

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS segment (
    segment       TEXT PRIMARY KEY,
    camera        TEXT NOT NULL,
    first_utc_us  INTEGER NOT NULL,
    last_utc_us   INTEGER NOT NULL,
    size_bytes    INTEGER NOT NULL,
    sha256        TEXT NOT NULL,
    encounter_id  TEXT,
    was_missed    INTEGER NOT NULL,
    is_wanted     INTEGER NOT NULL,
    at_hub        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS segment_by_time ON segment (first_utc_us);
CREATE INDEX IF NOT EXISTS segment_wanted ON segment (was_missed, first_utc_us)
    WHERE is_wanted AND NOT at_hub;
"""
_ENDING: Final = ".mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment as the index has it; `was_missed`: the hub did not have it live."""

    segment: str
    camera: str
    first_utc_us: int
    last_utc_us: int
    size_bytes: int
    sha256: str
    encounter_id: str | None
    was_missed: bool
    is_wanted: bool
    at_hub: bool


class Shelf:
    """Opened by its making; `close` gives the file back."""

    def __init__(self, folder: Path, settings: RecordingSettings) -> None:
        """Open or make the shelf in `folder`.

        Raises:
            StorageError: the disk or the index refuses.
        """
        self._folder = folder
        self._settings = settings
        self._one_at_a_time = threading.Lock()
        with self._storage():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(
                folder / "index.db", isolation_level=None, check_same_thread=False
            )
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            self._reconcile()

    def close(self) -> None:
        """Close the index."""
        self._db.close()

    def path(self, segment: str) -> Path:
        """Return where the segment's file is."""
        return self._folder / f"{segment}{_ENDING}"

    def put(  # noqa: PLR0913 -- what a segment is
        self,
        data: bytes,
        *,
        camera: str,
        first_utc_us: int,
        last_utc_us: int,
        encounter_id: str | None,
        was_missed: bool,
        is_wanted: bool,
    ) -> Segment:
        """Keep a segment; it survives a power cut once this returns.

        Raises:
            StorageError: no room that may be made, or the disk refuses; nothing was kept.
        """
        with self._storage():
            self._make_room(len(data), encounter_id, last_utc_us)
            found = Segment(
                segment=uuid.uuid4().hex,
                camera=camera,
                first_utc_us=first_utc_us,
                last_utc_us=last_utc_us,
                size_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                encounter_id=encounter_id,
                was_missed=was_missed,
                is_wanted=is_wanted,
                at_hub=False,
            )
            _write(self.path(found.segment), data)
            self._db.execute(
                "INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (found.segment, camera, first_utc_us, last_utc_us, len(data), found.sha256,
                 encounter_id, was_missed, is_wanted),
            )  # fmt: skip
            return found

    def next_wanted(self) -> Segment | None:
        """Return what the hub is to have next: what it did not see live, then the oldest."""
        with self._storage():
            row = self._db.execute(
                "SELECT * FROM segment WHERE is_wanted AND NOT at_hub"
                " ORDER BY was_missed DESC, first_utc_us LIMIT 1"
            ).fetchone()
        return None if row is None else _segment(row)

    def waiting(self) -> tuple[int, int]:
        """Return how many segments the hub is still to have, and their bytes."""
        with self._storage():
            row = self._db.execute(
                "SELECT count(*), coalesce(sum(size_bytes), 0) FROM segment"
                " WHERE is_wanted AND NOT at_hub"
            ).fetchone()
        return int(row[0]), int(row[1])

    def were_missed(self, camera: str, *, since_utc_us: int, want: bool) -> None:
        """Note that the hub did not have live what the camera took since; `want`: it is to."""
        with self._storage():
            self._db.execute(
                "UPDATE segment SET was_missed = 1,"
                " is_wanted = is_wanted OR (? AND encounter_id IS NOT NULL)"
                " WHERE camera = ? AND last_utc_us > ?",
                (want, camera, since_utc_us),
            )

    def has_arrived(self, segment: str) -> None:
        """Note that the hub has the segment."""
        with self._storage():
            self._db.execute("UPDATE segment SET at_hub = 1 WHERE segment = ?", (segment,))

    def not_wanted(self, segment: str) -> None:
        """Note that the hub will not have the segment."""
        with self._storage():
            self._db.execute("UPDATE segment SET is_wanted = 0 WHERE segment = ?", (segment,))

    def between(self, from_utc_us: int, to_utc_us: int) -> list[Segment]:
        """Return the segments that have a part in the span, by time."""
        with self._storage():
            return _between(self._db, from_utc_us, to_utc_us)

    def expire(self, *, now_utc_us: int, open_encounter: str | None) -> int:
        """Take away what is older than settings allow; return how many segments that were."""
        with self._storage():
            return self._expire(open_encounter, now_utc_us)

    def _expire(self, open_encounter: str | None, now_utc_us: int) -> int:
        oldest = now_utc_us - round(self._settings.max_age_hours * 3_600_000_000)
        rows = self._db.execute(
            "SELECT segment FROM segment WHERE last_utc_us < ?"
            " AND (encounter_id IS NULL OR encounter_id IS NOT ?)",
            (oldest, open_encounter),
        ).fetchall()
        for row in rows:
            self._remove(row["segment"])
        return len(rows)

    @contextlib.contextmanager
    def _storage(self) -> Iterator[None]:
        with self._one_at_a_time:
            try:
                yield
            except (OSError, sqlite3.Error) as err:
                detail = getattr(err, "strerror", None) or str(err)
                raise StorageError(reason="recordings", detail=str(detail)[:120]) from err

    def _make_room(self, size: int, open_encounter: str | None, now_utc_us: int) -> None:
        self._expire(open_encounter, now_utc_us)
        used = int(
            self._db.execute("SELECT coalesce(sum(size_bytes), 0) FROM segment").fetchone()[0]
        )
        free = shutil.disk_usage(self._folder).free
        short = max(
            used + size - self._settings.max_bytes, self._settings.min_free_bytes + size - free
        )
        if short <= 0:
            return
        rows = self._db.execute(
            "SELECT segment, size_bytes FROM segment"
            " WHERE encounter_id IS NULL OR encounter_id IS NOT ?"
            " ORDER BY (is_wanted AND NOT at_hub), first_utc_us",
            (open_encounter,),
        ).fetchall()
        for row in rows:
            if short <= 0:
                return
            self._remove(row["segment"])
            short -= row["size_bytes"]
        if short > 0:
            raise StorageError(reason="no room for a segment", short_bytes=short)

    def _remove(self, segment: str) -> None:
        self._db.execute("DELETE FROM segment WHERE segment = ?", (segment,))
        self.path(segment).unlink(missing_ok=True)

    def _reconcile(self) -> None:
        """Have no file without a row and no row without a whole file."""
        rows = self._db.execute("SELECT segment, size_bytes FROM segment").fetchall()
        sizes = {row["segment"]: row["size_bytes"] for row in rows}
        there = {path.stem: path for path in self._folder.glob(f"*{_ENDING}*")}
        for stem, path in there.items():
            if path.suffix != _ENDING or stem not in sizes or path.stat().st_size != sizes[stem]:
                path.unlink(missing_ok=True)
        for segment in sizes:
            if not self.path(segment).exists():
                self._db.execute("DELETE FROM segment WHERE segment = ?", (segment,))


def look(folder: Path, *, from_utc_us: int, to_utc_us: int) -> list[Segment]:
    """Return the segments that have a part in the span, from outside, while an agent may run.

    Raises:
        ConfigError: no recordings are there.
        StorageError: the index cannot be read.
    """
    index = folder / "index.db"
    if not index.is_file():
        raise ConfigError(reason="no recordings are there", folder=str(folder))
    try:
        with contextlib.closing(
            sqlite3.connect(f"{index.resolve().as_uri()}?mode=ro", uri=True)
        ) as db:
            db.row_factory = sqlite3.Row
            return _between(db, from_utc_us, to_utc_us)
    except sqlite3.Error as err:
        raise StorageError(reason="the index cannot be read", detail=str(err)[:120]) from err


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _between(db: sqlite3.Connection, from_utc_us: int, to_utc_us: int) -> list[Segment]:
    rows = db.execute(
        "SELECT * FROM segment WHERE last_utc_us > ? AND first_utc_us < ?"
        " ORDER BY first_utc_us, camera",
        (from_utc_us, to_utc_us),
    ).fetchall()
    return [_segment(row) for row in rows]


def _segment(row: sqlite3.Row) -> Segment:
    fields = dict(row)
    for name in ("was_missed", "is_wanted", "at_hub"):
        fields[name] = bool(fields[name])
    return Segment(**fields)


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
