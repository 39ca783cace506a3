"""Messages that wait for their commit, as they came: bounded by bytes, of all units and of each."""

from collections import deque
from typing import Final, NamedTuple

from protocols.ids import UnitId
from protocols.link import Stream

QUEUE_BYTES: Final = 64 * 2**20
UNIT_BYTES: Final = 4 * 2**20
"""Of the messages that wait, of all units and of each, so that none crowds out another."""

MESSAGE_BYTES: Final = 300  # of a message in memory, beside its payload


_new = tuple.__new__  # a third of what a named tuple's own constructor takes


class Waiting(NamedTuple):
    """A message as it came, and by which topic."""

    unit: UnitId
    stream: Stream
    payload: bytes
    received_us: int


class MessageQueue:
    """First in, first out."""

    def __init__(self) -> None:
        self._messages: deque[Waiting] = deque()
        self._bytes = 0
        self._unit_bytes: dict[UnitId, int] = {}

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, unit: UnitId, stream: Stream, payload: bytes, received_us: int) -> bool:
        """Take a message, or return False where the queue is full for its unit or for all."""
        size = len(payload) + MESSAGE_BYTES
        of_unit = self._unit_bytes.get(unit, 0) + size
        if of_unit > UNIT_BYTES or self._bytes + size > QUEUE_BYTES:
            return False
        self._unit_bytes[unit] = of_unit
        self._bytes += size
        self._messages.append(_new(Waiting, (unit, stream, payload, received_us)))
        return True

    def take(self, most: int, *, most_bytes: int) -> list[Waiting]:
        """Return the oldest messages, `most` of them and about `most_bytes`, and one at least."""
        taken: list[Waiting] = []
        left_bytes = most_bytes
        while self._messages and len(taken) < most and left_bytes > 0:
            message = self._messages.popleft()
            size = len(message[2]) + MESSAGE_BYTES
            self._unit_bytes[message[0]] -= size
            left_bytes -= size
            taken.append(message)
        self._bytes -= most_bytes - left_bytes
        if not self._messages:
            self._unit_bytes.clear()
        return taken
