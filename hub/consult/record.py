"""The record of a room: everything that happened there, with times, as it fell."""

from pydantic import BaseModel

from hub.store import advice, rooms
from hub.store.advice import Advice
from hub.store.database import Pool
from protocols.ids import EncounterId


class Entry(BaseModel):
    """One thing that happened; what concerns an advice says which, and what it was."""

    number: int | None  # None: a step of an advice
    at_utc_us: int
    kind: str
    by: str | None
    facts: dict[str, str]


async def record_of(pool: Pool, encounter_id: EncounterId) -> list[Entry]:
    """Return the room's events and every step of every advice, oldest first."""
    entries = [
        Entry(
            number=event.number,
            at_utc_us=event.at_utc_us,
            kind=event.kind,
            by=event.by,
            facts=dict(event.facts),
        )
        for event in await rooms.events_of(pool, encounter_id)
    ]
    for one in await advice.of_encounter(pool, encounter_id):
        about = {"advice": one.advice_id, "text": one.text}
        for step in one.steps:
            facts = about | ({"detail": step.detail} if step.detail else {})
            by = step.by or (one.given_by if step.said == "sent" else None)
            kind = step.said if step.said != "sent" else _first_word(one)
            entries.append(
                Entry(
                    number=None,
                    at_utc_us=step.at_utc_us,
                    kind=f"advice.{kind}",
                    by=by,
                    facts=facts,
                )
            )
    return sorted(entries, key=lambda entry: entry.at_utc_us)


def _first_word(one: Advice) -> str:
    if one.medication is not None:
        return "ordered"
    return "sent" if one.picture is None else "shown"
