"""The UDP ports that media may use. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Self

ANY: Final = 0
_HIGHEST: Final = 65535


@dataclass(slots=True, kw_only=True)
class PortRange:
    """Ports `first` … `last`, handed out in turn, so that a port just freed rests longest."""

    first: int
    last: int
    _next: int = field(default=0, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the range in `FIRST-LAST`; `0` leaves the choice to the system.

        Raises:
            ValueError: not such a text.
        """
        if text == "0":
            return cls(first=ANY, last=ANY)
        first_text, dash, last_text = text.partition("-")
        if not (dash and first_text.isdecimal() and last_text.isdecimal()):
            raise ValueError("ports must be given as FIRST-LAST, or 0")
        first, last = int(first_text), int(last_text)
        if not 1 <= first <= last <= _HIGHEST:
            raise ValueError("ports must be 1 … 65535, the first not above the last")
        return cls(first=first, last=last)

    def candidates(self) -> Iterator[int]:
        """Return every port once, starting after the one that was tried last."""
        size = self.last - self.first + 1
        for _ in range(size):
            port = self.first + self._next
            self._next = (self._next + 1) % size
            yield port
