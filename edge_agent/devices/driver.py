"""What a driver is to the agent, and where it puts what it understood."""

from collections.abc import Sequence
from typing import Protocol

from protocols.clinical.alarms import DeviceAlarm
from protocols.clock import ClockSource
from protocols.link.streams import Stream
from protocols.messages import DeviceHealth, Message


class Record(Protocol):
    """Takes one record; the journal's `append` is one."""

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
        """Return once the record is durable, and with it `fact`, a name and a value.

        Raises:
            StorageError: it is not (JournalFullError: there is no room); nothing was stored.
        """
        ...


class Recall(Protocol):
    """Tells a fact that was kept with a record; the journal's `kept` is one."""

    async def __call__(self, name: str) -> str | None:
        """Return the value last kept under `name`.

        Raises:
            StorageError: it cannot be read.
        """
        ...


class AlarmSink(Protocol):
    """Takes a device's own alarms; the vehicle's alarms are one."""

    async def hear(self, alarms: Sequence[DeviceAlarm]) -> int:
        """Return, once the alarms are durable, how many were too many to follow.

        Raises:
            StorageError: they are not yet; they are shown all the same.
        """
        ...

    def note(self, alarms: Sequence[DeviceAlarm]) -> int:
        """Take what is said again and again; return how many were too many to follow."""
        ...


class Driver(Protocol):
    """One device. It never ends by what the device says or fails to say."""

    async def run(self) -> None:
        """Listen until cancelled; connects again for ever."""
        ...

    def health(self) -> DeviceHealth:
        """Return what was heard and what could not be used, since the start."""
        ...
