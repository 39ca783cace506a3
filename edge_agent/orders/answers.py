"""What was said to each order. Law: the record comes first, and a state never goes back.

Every answer is a record of the stream `ack`; what is kept beside the journal spares reading a day
of them at each start.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import TypeAdapter

from edge_agent.hub_time import HubTime
from edge_agent.journal import Journal
from edge_agent.vehicle_clock import VehicleClock
from protocols.consult import AdviceKind, AdviceState, reaches
from protocols.link import Stream
from protocols.messages import OrderAnswer, parse_body

_KEPT: Final = "answers"
_MOST_TIMES: Final = 16
_MOST_ANSWERS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was said, and when by the vehicle's clock."""

    said: str
    at_utc_us: int
    by: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How one order stands, and how it came to."""

    state: AdviceState
    at_utc_us: int
    by: str | None = None
    reason: str | None = None
    read_back: str | None = None
    administered_utc_us: int | None = None
    administered_dose: float | None = None
    steps: tuple[Step, ...] = ()


_ANSWERS: Final = TypeAdapter(dict[str, Answered])


class Answers:
    """The newest answer to each order of the last day."""

    def __init__(self, journal: Journal, clock: VehicleClock, hub_time: HubTime) -> None:
        self._journal = journal
        self._clock = clock
        self._hub_time = hub_time
        self._of: dict[str, Answered] = {}
        self._turn = asyncio.Lock()

    def get(self, order_id: str) -> Answered | None:
        """Return how an order stands; None if nothing was said to it."""
        return self._of.get(order_id)

    async def restore(self, *, since_utc_us: int) -> None:
        """Take in what was said since then."""
        kept = await self._journal.kept(_KEPT)
        if kept is not None:
            self._of = _ANSWERS.validate_json(kept)
        for row in await self._journal.newest(Stream.ACK, since_utc_us=since_utc_us, limit=1_000):
            answer = parse_body(Stream.ACK, row.body)
            if isinstance(answer, OrderAnswer):
                self._of = _after(self._of, answer, row.captured_utc_us)
                if answer.hub_utc_us is not None:
                    self._hub_time.not_before(answer.hub_utc_us)

    async def say(self, answer: OrderAnswer) -> None:
        """Record `answer`, with the time by both clocks.

        Raises:
            StorageError: the disk refused; nothing has changed.
        """
        async with self._turn:  # what is kept with an answer has all that came before it
            stamp = self._clock.stamp()
            answer = answer.model_copy(update={"hub_utc_us": self._hub_time.now_utc_us()})
            after = _after(self._of, answer, stamp.utc_us)
            await self._journal.append(
                Stream.ACK,
                answer,
                captured_utc_us=stamp.utc_us,
                clock=stamp.source,
                clock_error_us=stamp.error_us,
                fact=(_KEPT, _ANSWERS.dump_json(after).decode()),
            )
            self._of = after

    def forget(self, *, before_utc_us: int) -> set[str]:
        """Drop what was said before then; return the orders that it was said to."""
        if self._clock.learnt is None and len(self._of) <= _MOST_ANSWERS:
            return set()  # a clock that runs ahead makes nothing old
        old = {key for key, value in self._of.items() if value.at_utc_us < before_utc_us}
        for order_id in old:
            del self._of[order_id]
        return old


def _after(
    before: Mapping[str, Answered], answer: OrderAnswer, at_utc_us: int
) -> dict[str, Answered]:
    """Return how the orders stand after `answer`."""
    known = before.get(answer.order_id)
    step = Step(
        said=answer.state,
        at_utc_us=at_utc_us,
        by=answer.by,
        detail=answer.reason or answer.read_back,
    )
    steps = known.steps if known else ()
    if step not in steps:
        steps = (*steps, step)[-_MOST_TIMES:]
    after = dict(before)
    if answer.state in {"misread", "fetched"}:  # on record, and no move
        if known is not None:
            after[answer.order_id] = replace(known, steps=steps)
        return after
    state = AdviceState(answer.state)
    # the moves of words are among those of drugs
    if known is not None and not reaches(AdviceKind.MEDICATION, known.state, state):
        return after
    after[answer.order_id] = Answered(
        state=state,
        at_utc_us=at_utc_us,
        by=answer.by or (known.by if known else None),
        reason=answer.reason,
        read_back=answer.read_back or (known.read_back if known else None),
        administered_utc_us=answer.administered_utc_us,
        administered_dose=answer.administered_dose,
        steps=steps,
    )
    return after
