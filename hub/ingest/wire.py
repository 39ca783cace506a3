"""What the hub and its ingest workers say to one another.

The hub writes a `WorkerConfig` as one line to a worker's standard input, then a `Watched` line each
time that what is looked at changes; the input's end is the worker's end. The worker writes `News`
to its standard output: a length of four bytes, then a CBOR array of a word and what it is about.
"""

import ssl
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, cast

import cbor2
from pydantic import BaseModel, ConfigDict, SecretStr, field_serializer

from hub.store.stored import StoredRecord
from protocols.link import Lane, Stream

MOST_NEWS_BYTES: Final = 16 * 2**20
LENGTH: Final = struct.Struct(">I")

Word = Literal["waiting", "holding", "up", "down", "stalled", "flowing", "told", "counts"]
"""`waiting`, `holding`: the partitions are not this worker's, or are; `up`, `down`: the broker has
its subscriptions, or not; `stalled`, `flowing`: the database takes nothing, or does again."""

News = tuple[Word, list[list[object]]]

_STREAMS: Final = {stream.value: stream for stream in Stream}  # quicker than by their class
_LANES: Final = {int(lane): lane for lane in Lane}
_new = tuple.__new__  # a third of what a named tuple's own constructor takes


class WireModel(BaseModel):
    """What the lines have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trust(WireModel):
    """By what a broker is verified: a file of authorities (None: the system's), and PEM text.

    `is_ours`: the broker on this machine, whose certificate is made out to how others reach it.
    """

    ca_file: Path | None
    ca_pem: str | None = None
    is_ours: bool = False

    def context(self) -> ssl.SSLContext:
        """Return what connects by it.

        Raises:
            OSError, ssl.SSLError: a file cannot be used.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.ca_pem is not None:
            context.load_verify_locations(cadata=self.ca_pem)
        if self.is_ours:
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.check_hostname = False
        return context


class BrokerAddress(WireModel):
    """Where the broker is, and how the hub proves itself; `trust` None: in the clear."""

    host: str
    port: int
    username: str
    password: SecretStr
    trust: Trust | None

    @field_serializer("password", when_used="json")
    def _reveal(self, password: SecretStr) -> str:
        return password.get_secret_value()


class WorkerConfig(WireModel):
    """How a worker is to run."""

    database: SecretStr
    broker: BrokerAddress
    partitions: tuple[int, ...]
    log_level: str = "INFO"

    @field_serializer("database", when_used="json")
    def _reveal(self, database: SecretStr) -> str:
        return database.get_secret_value()


class Watched(WireModel):
    """The units of which each record is told, and not the newest alone."""

    units: tuple[str, ...]


def encode_news(word: Word, about: Sequence[Sequence[object]] = ()) -> bytes:
    """Return what a worker writes."""
    body = cbor2.dumps([word, list(about)])
    return LENGTH.pack(len(body)) + body


def decode_news(body: bytes) -> News:
    """Return what a worker wrote, without its length: it is a part of ours and not looked into."""
    word, about = cbor2.loads(body)
    return cast("Word", word), about


def plain(record: StoredRecord) -> list[object]:
    """Return `record` as CBOR carries it; an origin is of no interest once it is stored."""
    unit, journal, stream, *others, lane, understood, body, _ = record
    return [unit, journal, stream.value, *others, int(lane), understood, body]


def record_of(fields: Sequence[object]) -> StoredRecord:
    """Return the record that `plain` gave."""
    unit, journal, stream, *others, lane, understood, body = fields
    of_stream, of_lane = _STREAMS[cast("str", stream)], _LANES[cast("int", lane)]
    whole = (unit, journal, of_stream, *others, of_lane, understood, body, None)
    return _new(StoredRecord, whole)
