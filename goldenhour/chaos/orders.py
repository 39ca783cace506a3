"""What became of the advice that the hub accepted: delivered once, in order, or said to be expired.

A vehicle says of each order that it has it, once, in a record of its stream `ack`; the hub tells
whoever gave an advice how it stands.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from goldenhour.chaos.doctor import Given
from hub.store.database import Pool
from protocols.link import Stream
from protocols.messages import OrderAnswer, parse_body

_ENDS: Final = frozenset({"confirmed", "declined", "expired"})

CLOCKS_US: Final = 2_000_000
"""The vehicle judges by a clock that says how far it may be off: half a second and little more."""


@dataclass(slots=True)
class OrdersVerdict:
    """`astray`: neither delivered nor said to be expired. `late`: confirmed past its validity.

    `declared`: its vehicle's answer stands in a gap.
    """

    given: int = 0
    expired: int = 0
    declared: int = 0
    astray: int = 0
    twice: int = 0
    out_of_order: int = 0
    late: int = 0

    def __add__(self, other: "OrdersVerdict") -> "OrdersVerdict":
        """Return the sums of both."""
        names = [one.name for one in fields(OrdersVerdict)]
        return OrdersVerdict(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class Answered:
    """One record of the stream `ack`, of one journal, in the order of its seq."""

    journal: str
    order_id: str
    state: str
    captured_utc_us: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How one advice stands at the hub, and where it stood in the outbox."""

    unit: str
    seq: int
    state: str


def judge(
    given: Sequence[Given],
    outgoing: Mapping[str, Outgoing],
    answers: Mapping[str, Sequence[Answered]],
    confirmed: Mapping[str, int],
    given_up: Mapping[str, int | None],
) -> OrdersVerdict:
    """Return what is wrong. `answers`: of each unit, those of one journal together, by seq.

    `confirmed`: when a crew confirmed an advice, and was told that this was accepted. `given_up`:
    how many answers each unit declared as gone (None: nobody knows), for a journal that was cut off
    may have held that it has the advice.
    """
    verdict = OrdersVerdict(given=len(given))
    delivered = {
        unit: Counter(one.order_id for one in said if one.state == "delivered")
        for unit, said in answers.items()
    }
    missing: Counter[str] = Counter()
    for advice in given:
        times = delivered.get(advice.unit, Counter[str]())[advice.advice_id]
        known = outgoing.get(advice.advice_id)
        is_told = known is not None and known.state in _ENDS
        verdict.expired += known is not None and known.state == "expired"
        verdict.twice += max(0, times - 1)
        missing[advice.unit] += times == 0 and not is_told
        at_us = confirmed.get(advice.advice_id)
        verdict.late += at_us is not None and at_us > advice.expires_utc_us + CLOCKS_US
    for unit, count in missing.items():
        gone = given_up.get(unit, 0)
        verdict.declared += count if gone is None else min(count, gone)
        verdict.astray += 0 if gone is None else max(0, count - gone)
    verdict.out_of_order = sum(_inversions(said, outgoing) for said in answers.values())
    return verdict


async def read_given_up(pool: Pool) -> dict[str, int | None]:
    """Return how many answers each unit declared as gone; None where a gap is open."""
    rows = await pool.fetch(
        "SELECT unit, sum(last_seq - first_seq + 1)::bigint AS count, bool_or(is_open) AS is_open"
        " FROM gap WHERE stream = 'ack' AND reason <> 'renamed' GROUP BY unit"
    )
    return {row["unit"]: None if row["is_open"] else int(row["count"]) for row in rows}


async def read_orders(pool: Pool) -> tuple[dict[str, Outgoing], dict[str, list[Answered]]]:
    """Return how each advice stands at the hub, and what each vehicle said of its orders."""
    rows = await pool.fetch(
        "SELECT o.unit, o.order_id::text, o.seq, a.state FROM order_outbox o"
        " JOIN advice a ON a.advice_id = o.order_id"
    )
    outgoing = {row["order_id"]: Outgoing(row["unit"], row["seq"], row["state"]) for row in rows}
    answers: dict[str, list[Answered]] = {}
    for row in await pool.fetch(
        "SELECT unit, journal::text, body, captured_utc_us FROM record WHERE stream = 'ack'"
        " ORDER BY unit, journal, seq"
    ):
        message = parse_body(Stream.ACK, row["body"])
        if isinstance(message, OrderAnswer):
            at_us = row["captured_utc_us"]
            said = Answered(row["journal"], message.order_id, message.state, at_us)
            answers.setdefault(row["unit"], []).append(said)
    return outgoing, answers


def _inversions(said: Iterable[Answered], outgoing: Mapping[str, Outgoing]) -> int:
    """Return how often an order was taken up after a later one, within one journal.

    What a journal salvaged stands behind what it took up meanwhile, with the time of before.
    """
    newest: dict[str, tuple[int, int]] = {}
    found = 0
    for one in said:
        if one.state != "delivered" or one.order_id not in outgoing:
            continue
        seq = outgoing[one.order_id].seq
        last, last_us = newest.get(one.journal, (0, 0))
        found += seq < last and one.captured_utc_us >= last_us
        newest[one.journal] = max((last, last_us), (seq, one.captured_utc_us))
    return found
