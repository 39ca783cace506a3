"""Shapes: of many bodies that look alike, which are surely good; the others are read one by one.

Law: a shape answers for a body only where the model would accept it. It never refuses.

Theory of operation. What a device says each second has the same bytes as a second ago but for some
numbers. A shape is learned from a body that the full check has accepted: it knows at which bytes
the numbers stand that the model bounds from below or above and in no other way, and what all the
other bytes are. A body of the same length is as good as that one if every other byte is equal and
every number is within its bounds: the same keys, the same types, the same texts. Hundreds of them
are compared at once, as the rows of a matrix.

A model that looks at its values together (a validator of its own) has no shapes, unless it says
that what it looks at is which fields are there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args, get_origin

import annotated_types
import numpy as np
from numpy.typing import NDArray
from pydantic.fields import FieldInfo

from protocols.link.streams import Stream
from protocols.messages.base import Message

MOST_SHAPES: Final = 512
"""Kept in all; where there would be more, all are forgotten and learned again."""

MOST_ALIKE: Final = 8
"""Kept of one stream and length; the oldest goes."""

LEAST_BODIES: Final = 8
"""Of one length; of fewer, to read each costs less than to compare them."""

_FLOAT64: Final = 0xFB  # Source: RFC 8949, 3.3
_TEXT: Final = 0x60  # major type 3, a length of up to 23. Source: RFC 8949, 3.1
_MAP: Final = 0xA0  # major type 5, likewise
_SHORT: Final = 0x18  # from here on a head says how many bytes of length or value follow it
_UINT_BYTES: Final = {0x18: 1, 0x19: 2, 0x1A: 4, 0x1B: 8}  # major type 0

Good = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a model asks of one number, ends in unless `…_open`."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def hold(self, values: NDArray[Any]) -> Good:
        """Say of each of `values` whether it is a number within the bounds."""
        good: Good = np.isfinite(values)
        if self.low != -math.inf:
            good &= values > self.low if self.low_open else values >= self.low
        if self.high != math.inf:
            good &= values < self.high if self.high_open else values <= self.high
        return good


@dataclass(frozen=True, slots=True)
class _Number:
    """A number's place in a body: its bytes, as numpy reads them, and its bounds."""

    at: int
    size_bytes: int
    kind: str
    bounds: Bounds


class Shape:
    """What all bodies have in common that differ from `body` in their numbers alone."""

    def __init__(self, body: bytes, numbers: Sequence[_Number]) -> None:
        self._numbers = numbers
        self._pattern: Bytes = np.frombuffer(body, np.uint8)
        self._fixed: Bytes = np.full(len(body), 0xFF, np.uint8)
        for number in numbers:
            self._fixed[number.at : number.at + number.size_bytes] = 0

    def fits(self, rows: Bytes) -> Good:
        """Say of each row, a body of this length, whether it is surely good."""
        good: Good = np.logical_not(((rows ^ self._pattern) & self._fixed).any(axis=1))
        for number in self._numbers:
            part = np.ascontiguousarray(rows[:, number.at : number.at + number.size_bytes])
            good &= number.bounds.hold(part.view(number.kind)[:, 0])
        return good


class Shapes:
    """The shapes that were seen."""

    def __init__(self) -> None:
        self._known: dict[tuple[Stream, int], list[Shape]] = {}
        self._count = 0

    def fit(self, stream: Stream, bodies: Sequence[bytes]) -> Good:
        """Say of each of `bodies`, all of one length, whether it is surely good on `stream`."""
        size_bytes = len(bodies[0])
        rows: Bytes = np.frombuffer(b"".join(bodies), np.uint8).reshape(-1, size_bytes)
        good: Good = np.zeros(len(bodies), np.bool_)
        for shape in self._known.get((stream, size_bytes), ()):
            good |= shape.fits(rows)
            if good.all():
                break
        return good

    def learn(self, stream: Stream, model: type[Message], body: bytes) -> None:
        """Keep the shape of `body`, which came on `stream` and which `model` has accepted."""
        numbers = _numbers_in(model, body)
        if not numbers:
            return
        if self._count >= MOST_SHAPES:
            self._known.clear()
            self._count = 0
        alike = self._known.setdefault((stream, len(body)), [])
        alike.append(Shape(body, numbers))
        self._count += 1
        if len(alike) > MOST_ALIKE:
            del alike[0]
            self._count -= 1


def bounds_of(model: type[Message]) -> dict[str, tuple[type, Bounds]]:
    """Return the numbers of `model` that are bounded and nothing else, by field: type and bounds.

    Empty of a model whose values are looked at in other ways, too.
    """
    decorators = model.__pydantic_decorators__
    own = (decorators.validators, decorators.field_validators, decorators.root_validators)
    if any(own) or (decorators.model_validators and not model.fields_alone_decide):
        return {}
    found: dict[str, tuple[type, Bounds]] = {}
    for name, field in model.model_fields.items():
        kind, wanted = _taken_apart(field.annotation, list(field.metadata))
        bounds = _bounds(wanted)
        if kind in {int, float} and bounds is not None and field.alias is None:
            found[name] = (kind, bounds)
    return found


def _taken_apart(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """Return the type itself, and all that is asked of it; None is no number and is left out."""
    args = get_args(annotation)
    if hasattr(annotation, "__metadata__"):  # Annotated
        return _taken_apart(args[0], [*annotation.__metadata__, *metadata])
    others = [each for each in args if each is not type(None)]
    if get_origin(annotation) is not None and len(others) == 1 < len(args):
        return _taken_apart(others[0], metadata)
    return annotation, metadata


def _bounds(wanted: Sequence[Any]) -> Bounds | None:
    """Return the bounds in `wanted`, or None where more than bounds is asked."""
    low, high, low_open, high_open = -math.inf, math.inf, False, False
    waiting = list(wanted)
    while waiting:
        match waiting.pop():
            case FieldInfo(metadata=inner):
                waiting += inner
            case annotated_types.Ge(ge=value):
                low = float(value)  # type: ignore[arg-type]
            case annotated_types.Gt(gt=value):
                low, low_open = float(value), True  # type: ignore[arg-type]
            case annotated_types.Le(le=value):
                high = float(value)  # type: ignore[arg-type]
            case annotated_types.Lt(lt=value):
                high, high_open = float(value), True  # type: ignore[arg-type]
            case _:
                return None
    return Bounds(low, high, low_open, high_open)


_BOUNDS: Final[dict[type[Message], dict[str, tuple[type, Bounds]]]] = {}


def _numbers_in(model: type[Message], body: bytes) -> list[_Number]:
    """Return the bounded numbers of `body`; none where it is not one short map of plain values."""
    bounds = _BOUNDS.get(model)
    if bounds is None:
        bounds = _BOUNDS[model] = bounds_of(model)
    if not bounds or not _MAP <= body[0] < _MAP + _SHORT:
        return []
    numbers: list[_Number] = []
    seen: set[bytes] = set()
    at = 1
    for _ in range(body[0] - _MAP):
        size = body[at] - _TEXT
        if not 0 <= size < _SHORT:
            return []
        key, at = body[at + 1 : at + 1 + size], at + 1 + size
        wanted = bounds.get(key.decode())
        end = _end_of(body, at)
        if key in seen or end is None:
            return []
        seen.add(key)
        number = _number(body, at, *wanted) if wanted else None
        if number is not None:
            numbers.append(number)
        at = end
    return numbers


def _number(body: bytes, at: int, kind: type, bounds: Bounds) -> _Number | None:
    """Return the number at `at`; None where it is written in a way that is not looked into."""
    head = body[at]
    if head == _FLOAT64 and kind is float:
        return _Number(at + 1, 8, ">f8", bounds)
    if head < _SHORT and kind is int:  # the head is the value: it stays one while it is below 24
        most = _SHORT - 1
        short = replace(bounds, high=most, high_open=False) if bounds.high > most else bounds
        return _Number(at, 1, ">u1", short)
    if head in _UINT_BYTES and kind is int:
        size_bytes = _UINT_BYTES[head]
        return _Number(at + 1, size_bytes, f">u{size_bytes}", bounds)
    return None


def _end_of(body: bytes, at: int) -> int | None:
    """Return where the plain value at `at` ends; None of any other kind."""
    major, low = body[at] >> 5, body[at] & 0x1F
    more = 0 if low < _SHORT else _UINT_BYTES.get(low)
    if more is None:
        return None
    if major == 7:  # noqa: PLR2004 -- floats, true, false, null
        return at + 1 + more
    if major > 3:  # noqa: PLR2004 -- neither a number nor bytes nor a text
        return None
    begin = at + 1 + more
    length = low if not more else int.from_bytes(body[at + 1 : begin], "big")
    return begin + (length if major >= 2 else 0)  # noqa: PLR2004 -- bytes and texts have content
