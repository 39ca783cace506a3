"""Carving: the rows that can still be read out of a damaged SQLite file, page by page.

SQLite itself reads nothing once the first page is gone or a tree is broken. But each page of a
B-tree stands for itself: its cells are whole rows, whatever became of the rest. Every page of the
file and of its write-ahead log is looked at, and what looks like a row is handed out, old versions
and deleted rows included: what to believe is the caller's to say.

Source of every constant: sqlite.org/fileformat2.html, 1.3 (header), 1.6 (B-tree pages), 2.1 (record
format), 4.1 (WAL file).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

Field = int | float | str | bytes | None
Fields = tuple[Field, ...]

_FILE_HEADER_BYTES: Final = 100
_USUAL_PAGE_BYTES: Final = 4096
_WAL_HEADER: Final = struct.Struct(">8I")
_WAL_FRAME_HEADER: Final = struct.Struct(">6I")
_WAL_MAGIC: Final = frozenset({0x377F0682, 0x377F0683})
_INDEX_INTERIOR: Final = 0x02  # of a table WITHOUT ROWID, as of an index: holds rows as well
_INDEX_LEAF: Final = 0x0A
_TABLE_LEAF: Final = 0x0D
_PAGE_HEADER: Final = struct.Struct(">BHHHB")
_CHILD_BYTES: Final = 4  # the page below, in an interior page's header and cells
_MAX_COLUMNS: Final = 64
_MAX_PAYLOAD_BYTES: Final = 1 << 20
_INTEGER_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page stands: in the file, or in its log."""

    file: BinaryIO
    offset: int


def carve(path: Path) -> Iterator[Fields]:
    """Yield the fields of every row that still stands in the file at `path` or in its log.

    Pages of the log come after those of the file, so that of two versions the newer comes later.
    """
    with path.open("rb") as file, _open_log(path) as log:
        size = _page_bytes(file, log)
        places, order = _places(file, log, size)
        for place, number in order:
            page = _read(place, size)
            yield from _rows(page, size, places, header_at=100 if number == 1 else 0)


def _open_log(path: Path) -> BinaryIO:
    log = path.with_name(path.name + "-wal")
    return log.open("rb") if log.exists() else Path("/dev/null").open("rb")


def _page_bytes(file: BinaryIO, log: BinaryIO) -> int:
    head = file.read(_FILE_HEADER_BYTES)
    if head.startswith(b"SQLite format 3\x00"):
        size = int.from_bytes(head[16:18], "big")
        return 65_536 if size == 1 else size or _USUAL_PAGE_BYTES
    header = log.read(_WAL_HEADER.size)
    if len(header) == _WAL_HEADER.size and _WAL_HEADER.unpack(header)[0] in _WAL_MAGIC:
        return int(_WAL_HEADER.unpack(header)[2])
    return _USUAL_PAGE_BYTES


def _places(
    file: BinaryIO, log: BinaryIO, size: int
) -> tuple[dict[int, _Place], list[tuple[_Place, int]]]:
    """Return where each page stands at its newest, and every place with its page's number."""
    pages = -(-file.seek(0, 2) // size)
    order = [(_Place(file, number * size), number + 1) for number in range(pages)]
    places = {number: place for place, number in order}
    log_bytes = log.seek(0, 2)
    log.seek(0)
    header = log.read(_WAL_HEADER.size)
    salts = header[16:24]
    offset = _WAL_HEADER.size
    while offset + _WAL_FRAME_HEADER.size + size <= log_bytes:
        frame = _read(_Place(log, offset), _WAL_FRAME_HEADER.size)
        if frame[8:16] != salts:
            break  # of an earlier use of the log
        number = int.from_bytes(frame[:4], "big")
        place = _Place(log, offset + _WAL_FRAME_HEADER.size)
        places[number] = place
        order.append((place, number))
        offset += _WAL_FRAME_HEADER.size + size
    return places, order


def _read(place: _Place, size: int) -> bytes:
    """Return the page; nothing where the disk cannot read it: the others count all the same."""
    try:
        place.file.seek(place.offset)
        return place.file.read(size)
    except OSError:
        return b""


def _rows(page: bytes, size: int, places: dict[int, _Place], *, header_at: int) -> Iterator[Fields]:
    if len(page) < header_at + _PAGE_HEADER.size:
        return
    kind, _, cells, _, _ = _PAGE_HEADER.unpack_from(page, header_at)
    if kind not in {_INDEX_INTERIOR, _INDEX_LEAF, _TABLE_LEAF} or cells > size // 4:
        return
    child = _CHILD_BYTES if kind == _INDEX_INTERIOR else 0
    pointers = header_at + _PAGE_HEADER.size + child
    for number in range(cells):
        at = int.from_bytes(page[pointers + 2 * number : pointers + 2 * number + 2], "big")
        try:
            payload = _payload(page, at + child, size, places, is_table=kind == _TABLE_LEAF)
            yield _fields(payload)
        except (ValueError, IndexError, struct.error):
            continue


def _payload(
    page: bytes, at: int, size: int, places: dict[int, _Place], *, is_table: bool
) -> bytes:
    """Return one cell's payload, what overflowed included.

    Raises:
        ValueError: it is damaged.
    """
    length, at = _varint(page, at)
    if is_table:
        _, at = _varint(page, at)  # the rowid
    if not 0 < length <= _MAX_PAYLOAD_BYTES:
        raise ValueError("no payload is so long")
    most = size - 35 if is_table else (size - 12) * 64 // 255 - 23
    if length <= most:
        return _cut(page, at, length)
    least = (size - 12) * 32 // 255 - 23
    local = least + (length - least) % (size - 4)
    local = local if local <= most else least
    payload = bytearray(_cut(page, at, local))
    number = int.from_bytes(_cut(page, at + local, 4), "big")
    while len(payload) < length:
        if number not in places:
            raise ValueError("the rest of the row is gone")
        overflow = _read(places[number], size)
        payload += _cut(overflow, 4, min(size - 4, length - len(payload)))
        number = int.from_bytes(overflow[:4], "big")
    return bytes(payload)


def _cut(page: bytes, at: int, length: int) -> bytes:
    part = page[at : at + length]
    if len(part) != length:
        raise ValueError("the page ends before the row does")
    return part


def _fields(payload: bytes) -> Fields:
    """Return the fields of one record.

    Raises:
        ValueError: it is damaged.
    """
    head_bytes, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < head_bytes:
        kind, at = _varint(payload, at)
        kinds.append(kind)
        if len(kinds) > _MAX_COLUMNS:
            raise ValueError("no row has so many columns")
    found: list[Field] = []
    for kind in kinds:
        field, at = _field(payload, at, kind)
        found.append(field)
    return tuple(found)


def _field(payload: bytes, at: int, kind: int) -> tuple[Field, int]:
    if kind in _INTEGER_BYTES:
        width = _INTEGER_BYTES[kind]
        return int.from_bytes(_cut(payload, at, width), "big", signed=True), at + width
    match kind:
        case 0:
            return None, at
        case 7:
            return struct.unpack(">d", _cut(payload, at, 8))[0], at + 8
        case 8 | 9:
            return kind - 8, at
        case 10 | 11:
            raise ValueError("reserved for SQLite itself")
        case _:
            pass
    width = (kind - 12) // 2
    raw = _cut(payload, at, width)
    return (raw.decode() if kind % 2 else raw), at + width


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for _ in range(8):
        value = value << 7 | data[at] & 0x7F
        at += 1
        if data[at - 1] < 0x80:  # noqa: PLR2004 -- the last byte has no high bit
            return value, at
    return value << 8 | data[at], at + 1
