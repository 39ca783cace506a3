"""A list that records, with faults on demand, where a journal would stand."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

from protocols.clock import ClockSource
from protocols.errors import StorageError
from protocols.link.streams import Stream
from protocols.messages import Message
from tests.until import until

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Recorded:
    stream: Stream
    message: Message
    captured_utc_us: int
    clock: ClockSource
    clock_error_us: int | None


@dataclass
class Sink:
    """Keeps what it is given, proved to survive the wire; raises `failing` while that is set."""

    records: list[Recorded] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    failing: StorageError | None = None
    gate: asyncio.Event | None = None

    async def __call__(  # noqa: PLR0913 -- what a record is made of
        self,
        stream: Stream,
        message: Message,
        *,
        captured_utc_us: int,
        clock: ClockSource,
        clock_error_us: int | None,
        fact: tuple[str, str] | None = None,
    ) -> object:
        if self.gate is not None:
            await self.gate.wait()
        if self.failing is not None:
            raise self.failing
        again = type(message).from_body(message.to_body())
        assert again == message
        if fact is not None:
            self.facts[fact[0]] = fact[1]
        self.records.append(Recorded(stream, message, captured_utc_us, clock, clock_error_us))
        return len(self.records)

    async def recall(self, name: str) -> str | None:
        return self.facts.get(name)

    def of(self, kind: type[M]) -> list[M]:
        return [record.message for record in self.records if isinstance(record.message, kind)]


async def count_of(sink: Sink, count: int) -> None:
    """Return once exactly `count` records have come."""
    await until(lambda: len(sink.records) >= count)
    assert len(sink.records) == count
