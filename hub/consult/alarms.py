"""The alarms of an encounter: each from its beginning to its end, as the records have it."""

from collections.abc import Iterable
from typing import Final, Literal

from pydantic import BaseModel

from hub.consult.patient import said_in
from hub.store.database import Pool
from hub.store.encounters import Encounter
from protocols.clinical.alarms import RANK
from protocols.link import Stream
from protocols.messages import Alarm, AlarmPriority

MOST_EPISODES: Final = 500


class AlarmEpisode(BaseModel):
    """One alarm; `priority` is the highest that it reached, times are UTC, µs.

    `cleared_utc_us` None: it stands, or its end has not arrived.
    """

    alarm_id: str
    code: str
    priority: AlarmPriority
    nature: Literal["physiological", "technical"]
    origin: Literal["agent", "monitor"]
    raised_utc_us: int
    value: float | None = None
    limit: float | None = None
    text: str | None = None
    acknowledged_utc_us: int | None = None
    acknowledged_by: str | None = None
    cleared_utc_us: int | None = None
    cause: str | None = None
    replaced_by: str | None = None


async def alarms_of(pool: Pool, encounter: Encounter) -> list[AlarmEpisode]:
    """Return the newest alarms of `encounter`, in the order in which they began."""
    found = [
        (at_us, message)
        async for at_us, message in said_in(pool, encounter, Stream.ALARM)
        if isinstance(message, Alarm)
    ]
    return episodes(found)


def episodes(said: Iterable[tuple[int, Alarm]]) -> list[AlarmEpisode]:
    """Return what the records (captured at, alarm) tell, in any order, as one episode an alarm."""
    known: dict[str, AlarmEpisode] = {}
    for at_us, alarm in sorted(said, key=lambda one: one[0]):
        known[alarm.alarm_id] = _with(known.get(alarm.alarm_id), alarm, at_us)
    ordered = sorted(known.values(), key=lambda one: (one.raised_utc_us, one.alarm_id))
    return ordered[-MOST_EPISODES:]


def _with(episode: AlarmEpisode | None, alarm: Alarm, at_us: int) -> AlarmEpisode:
    if episode is None:
        episode = AlarmEpisode(
            alarm_id=alarm.alarm_id,
            code=alarm.code,
            priority=alarm.priority,
            nature=alarm.nature or "physiological",
            origin=alarm.origin or "agent",
            raised_utc_us=at_us if alarm.raised_utc_us is None else alarm.raised_utc_us,
            value=alarm.value,
            limit=alarm.limit,
            text=alarm.text,
        )
    changes: dict[str, object] = {}
    if RANK[alarm.priority] > RANK[episode.priority]:
        changes |= {"priority": alarm.priority, "value": alarm.value, "limit": alarm.limit}
    is_seen = alarm.state == "acknowledged" or alarm.cause == "acknowledged"
    if is_seen and episode.acknowledged_utc_us is None:
        changes |= {"acknowledged_utc_us": at_us, "acknowledged_by": alarm.by}
    if alarm.state == "cleared":
        changes |= {
            "cleared_utc_us": at_us,
            "cause": alarm.cause,
            "replaced_by": alarm.replaced_by,
        }
    return episode.model_copy(update=changes)
