"""Identities: who a record belongs to, and where it stands in its stream."""

import re
import zlib
from typing import Annotated, Final, NewType

from pydantic import StringConstraints

from protocols.errors import LocalProtocolError

UnitId = NewType("UnitId", str)
"""A vehicle and its crew under one call sign; also one level of an MQTT topic."""

JournalId = NewType("JournalId", str)
"""One SQLite file's identity: a lower-case UUID with hyphens, made with the file."""

Seq = NewType("Seq", int)
"""1, 2, 3 … without holes, per stream and journal."""

EncounterId = NewType("EncounterId", str)
OrderId = NewType("OrderId", str)
HospitalId = NewType("HospitalId", str)
CameraId = NewType("CameraId", str)

ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"
"""What every id that travels in a topic, a URL or a file name looks like."""

UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

TopicSafe = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
UuidText = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]

PARTITIONS: Final = 64
"""How many parts the fleet is split into for ingest. Part of the wire: never changes."""

_ID: Final = re.compile(ID_PATTERN)
_UUID: Final = re.compile(UUID_PATTERN)


def unit_id(text: str) -> UnitId:
    """Return `text` as a unit id.

    Raises:
        LocalProtocolError: it is not `[A-Za-z0-9_-]{1,64}`.
    """
    if not _ID.fullmatch(text):
        raise LocalProtocolError(reason="bad unit id", unit=text[:80])
    return UnitId(text)


def is_uuid(text: str) -> bool:
    """Whether `text` is a lower-case UUID with hyphens."""
    return _UUID.fullmatch(text) is not None


def partition_of(unit: UnitId) -> int:
    """Return the part, 0 … 63, that carries `unit`; the same on every machine for ever.

    CRC-32 (ISO 3309, as in zlib) of the id's ASCII bytes, modulo 64.
    """
    return zlib.crc32(unit.encode("ascii")) % PARTITIONS
