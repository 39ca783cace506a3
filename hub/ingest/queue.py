"""Frames that wait for their commit: bounded by what they hold, of all units and of each."""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from protocols.ids import UnitId
from protocols.link import Frame

QUEUE_BYTES: Final = 64 * 2**20
UNIT_BYTES: Final = 4 * 2**20
"""Of the frames that wait, unpacked: of all units, and of each, so that none crowds out another."""

_RECORD_BYTES: Final = 200  # of a record in memory, beside its body


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame as it came."""

    unit: UnitId
    frame: Frame
    received_us: int
    held_bytes: int


class FrameQueue:
    """First in, first out."""

    def __init__(self) -> None:
        self._frames: deque[Waiting] = deque()
        self._bytes = 0
        self._unit_bytes: Counter[UnitId] = Counter()

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, unit: UnitId, frame: Frame, *, received_us: int) -> bool:
        """Take `frame`, or return False where the queue is full for its unit or for all."""
        size = held_bytes(frame)
        if self._unit_bytes[unit] + size > UNIT_BYTES or self._bytes + size > QUEUE_BYTES:
            return False
        self._unit_bytes[unit] += size
        self._bytes += size
        self._frames.append(Waiting(unit, frame, received_us, size))
        return True

    def take(self, most: int) -> list[Waiting]:
        """Return the oldest frames, `most` of them at most, and wait for them no longer."""
        taken = [self._frames.popleft() for _ in range(min(most, len(self._frames)))]
        for waiting in taken:
            self._unit_bytes[waiting.unit] -= waiting.held_bytes
            self._bytes -= waiting.held_bytes
        if not self._frames:
            self._unit_bytes.clear()
        return taken


def held_bytes(frame: Frame) -> int:
    """Return about what a frame takes in memory while it waits."""
    return sum(len(record.body) + _RECORD_BYTES for record in frame.records)
