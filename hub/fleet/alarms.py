"""Which alarms of a unit stand. Pure. Law: the outcome does not depend on the order of arrival.

An alarm's id is never used again, so what was cleared stays cleared, however late its beginning
arrives. Of two records of one journal the later number is the newer, whatever the clock said; of
two journals the later capture. A unit that is not heard keeps its alarms: silence clears nothing.
"""

from dataclasses import dataclass
from typing import Final

from hub.ingest.taps import Arrived
from protocols.clinical.alarms import RANK, is_of_patient
from protocols.live.feed import AlarmView
from protocols.messages import Alarm

MOST_ALARMS: Final = 128
"""Of one unit, the cleared ones that are remembered included; the oldest cleared go first."""

MOST_SHOWN: Final = 24
OF_PATIENT: Final = "patient"
"""The code under which an alarm of the patient's is shown to who may not see the patient."""


@dataclass(frozen=True, slots=True)
class _Heard:
    alarm: Alarm
    journal: str
    seq: int
    captured_utc_us: int


class UnitAlarms:
    """What one unit has said of its alarms."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def take(self, arrived: Arrived, alarm: Alarm) -> bool:
        """Take in one record; return whether what stands has changed."""
        record = arrived.record
        new = _Heard(alarm, record.journal, record.seq, record.captured_utc_us)
        old = self._heard.get(alarm.alarm_id)
        if old is not None and not _supersedes(new, old):
            return False
        before = self.views()
        self._heard.pop(alarm.alarm_id, None)
        self._heard[alarm.alarm_id] = new
        while len(self._heard) > MOST_ALARMS:
            cleared = (k for k, one in self._heard.items() if one.alarm.state == "cleared")
            del self._heard[next(cleared, next(iter(self._heard)))]
        return self.views() != before

    def views(self) -> list[AlarmView]:
        """Return what stands: not yet seen first, by priority, the newest first."""
        standing = [one for one in self._heard.values() if one.alarm.state != "cleared"]
        standing.sort(
            key=lambda one: (
                one.alarm.state == "acknowledged",
                -RANK[one.alarm.priority],
                -(one.alarm.raised_utc_us or one.captured_utc_us),
                one.alarm.code,
            )
        )
        return [_view(one) for one in standing[:MOST_SHOWN]]


def without_patient(views: list[AlarmView]) -> list[AlarmView]:
    """Return `views` for who may not see the patient: that there is one, and how urgent it is."""
    return [
        view.model_copy(
            update={"code": OF_PATIENT, "alarm_id": "", "value": None, "limit": None, "text": None}
        )
        if view.is_of_patient
        else view
        for view in views
    ]


def _supersedes(new: _Heard, old: _Heard) -> bool:
    if (old.alarm.state == "cleared") != (new.alarm.state == "cleared"):
        return new.alarm.state == "cleared"
    if new.journal == old.journal:
        return new.seq > old.seq
    return new.captured_utc_us > old.captured_utc_us


def _view(heard: _Heard) -> AlarmView:
    alarm = heard.alarm
    return AlarmView(
        alarm_id=alarm.alarm_id,
        code=alarm.code,
        priority=alarm.priority.value,
        state="acknowledged" if alarm.state == "acknowledged" else "raised",
        raised_utc_us=alarm.raised_utc_us or heard.captured_utc_us,
        is_of_patient=is_of_patient(alarm),
        value=alarm.value,
        limit=alarm.limit,
        text=alarm.text,
        by=alarm.by,
        is_over=alarm.is_over,
    )
