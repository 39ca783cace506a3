"""Alarms on the vehicle: looks at the evidence every second, and at once when something is said.

Law: the journal comes first. A change of an alarm is a record before any screen shows it, and the
same commit keeps which alarms then stand, so that a start goes on with them. Should the journal
refuse, the alarm is shown all the same, for a patient does not wait for a disk; the record is owed
and written as soon as it can be, with when the alarm began.
"""

import asyncio
import contextlib
import json
import logging
import shutil
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge_agent.journal import Journal, Row
from edge_agent.triage.evidence import Evidence
from edge_agent.triage.run import Run
from edge_agent.triage.settings import AlarmSettings
from edge_agent.vehicle_clock import VehicleClock
from protocols.clinical.alarms import (
    AlarmEvent,
    Book,
    Change,
    DeviceAlarm,
    VehicleFacts,
    acknowledge,
    is_of_patient,
    judge,
    leave,
    technical_findings,
)
from protocols.errors import NotFoundError, StorageError
from protocols.link import Stream
from protocols.messages import Alarm, AlarmPriority, AudioPause, DeviceHealth, Message

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
PAUSE_S: Final = 120.0
"""The sound pauses so long at most. Source: IEC 60601-1-8, audio paused is of limited duration."""

UNATTENDED_AFTER_S: Final = 600.0
"""Nothing measured and no encounter open for so long: there is no patient any more."""

MOST_OWED: Final = 256
_HISTORY_US: Final = 3_600_000_000
_KEPT: Final = "alarms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """How the rest of the vehicle is."""

    devices: Callable[[], Sequence[DeviceHealth]]
    cameras: Callable[[], Sequence[tuple[str, str]]]
    is_linked: Callable[[], bool]


class Alarms:
    """The standing alarms of one vehicle."""

    def __init__(
        self,
        journal: Journal,
        clock: VehicleClock,
        settings: AlarmSettings,
        *,
        run: Run,
        around: Around,
    ) -> None:
        self._journal, self._clock, self._settings = journal, clock, settings
        self._run, self._around = run, around
        self._evidence = Evidence(settings.patient_class, settings.changed())
        self._book = Book()
        self._encounter: str | None = None
        self._paused_until_s = float("-inf")
        self._since_s = clock.monotonic_s()
        self._owed: OrderedDict[str, tuple[Alarm, int]] = OrderedDict()
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        journal.on_append(self._appended)

    # -- what the tablet shows ------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the standing alarms, worst first, and the pause of the sound, as JSON values."""
        left_s = self._paused_until_s - self._clock.monotonic_s()
        return {
            "alarms": [one.model_dump(mode="json") for one in self._book.worst_first()],
            "audio_paused_until_utc_us": None
            if left_s <= 0
            else self._until_utc_us(self._paused_until_s),
            "patient_class": self._evidence.patient_class.value,
        }

    # -- the service ----------------------------------------------------------------------------

    async def restore(self) -> None:
        """Go on with what stood before this start; what was measured lately still counts."""
        kept = await self._journal.kept(_KEPT)
        if kept is not None:
            fields = json.loads(kept)
            standing = [Alarm.model_validate_json(text) for text in fields["standing"]]
            self._book = Book(standing={alarm.code: alarm for alarm in standing})
            self._encounter = fields["encounter"]
        now_s, now_utc_us = self._clock.monotonic_s(), self._clock.utc_us()
        self._since_s = now_s
        since_us = max(0, now_utc_us - _HISTORY_US)
        for stream, most in ((Stream.VITALS, 3_600), (Stream.TRIAGE, 20), (Stream.CHART, 200)):
            for row in await self._journal.newest(stream, since_utc_us=since_us, limit=most):
                self._evidence.take(row, now_s=now_s, now_utc_us=now_utc_us)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            await self.look()

    async def look(self) -> None:
        """Look once: what has changed is in the journal when this returns, or is owed to it."""
        async with self._turn:
            await self._pay()
            await self._part_with_patient()
            now_s = self._clock.monotonic_s()
            facts = self._facts(now_s)
            is_silent = any(d.name == "monitor" and d.state != "ok" for d in facts.devices)
            findings = [
                *self._evidence.findings(
                    now_s=now_s,
                    since_s=self._since_s,
                    standing=self._book.standing,
                    is_silent=is_silent,
                ),
                *technical_findings(
                    facts,
                    link_lost_after_s=self._settings.link_lost_after_s,
                    disk_low_bytes=self._settings.disk_low_bytes,
                ),
            ]
            self._book, changes = judge(
                self._book,
                findings,
                now_s=now_s,
                now_utc_us=max(0, self._clock.utc_us()),
                escalate_after_s=self._settings.escalate_after_s,
            )
            for change in changes:
                await self._put_in(change)

    # -- what is said and done ------------------------------------------------------------------

    async def hear(self, alarms: Sequence[DeviceAlarm]) -> int:
        """Take in the monitor's own alarms; return how many were too many to follow.

        Raises:
            StorageError: the journal refused; the alarms are shown, and the monitor asked again.
        """
        too_many = self._evidence.said_by_device(alarms)
        await self.look()
        if self._owed:
            raise StorageError(reason="the journal does not take alarms", owed=len(self._owed))
        return too_many

    def note(self, alarms: Sequence[DeviceAlarm]) -> int:
        """Take in what the monitor's flags say again and again; the next look sees it."""
        too_many = self._evidence.said_by_device(alarms)
        self._wake.set()
        return too_many

    async def acknowledge(self, alarm_id: str, *, by: str) -> None:
        """Record that `by` has seen the alarm; a second time changes nothing.

        Raises:
            NotFoundError: no such alarm stands.
        """
        async with self._turn:
            if alarm_id not in {alarm.alarm_id for alarm in self._book.standing.values()}:
                raise NotFoundError(what="alarm", alarm_id=alarm_id[:64])
            change = acknowledge(self._book, alarm_id, by=by)
            if change is not None:
                await self._put_in(change)

    async def pause(self, *, by: str) -> None:
        """Silence the sound for two minutes; what begins or worsens meanwhile sounds again.

        Raises:
            StorageError: the journal refused; the sound goes on.
        """
        async with self._turn:
            until_s = self._clock.monotonic_s() + PAUSE_S
            pause = AudioPause(until_utc_us=self._until_utc_us(until_s), by=by)
            await self._append(pause, max(0, self._clock.utc_us()))
            self._paused_until_s = until_s

    def sound_again(self) -> None:
        """End the pause."""
        self._paused_until_s = float("-inf")

    # -- inside ---------------------------------------------------------------------------------

    async def _put_in(self, change: Change) -> None:
        """Write `change` down, then have it stand."""
        after, alarm = self._book.after(change), change.alarm
        at_utc_us = max(0, self._clock.utc_us())
        try:
            if alarm.alarm_id in self._owed:
                raise StorageError(reason="an earlier change of it is owed")  # noqa: TRY301 -- in order
            await self._append(alarm, at_utc_us, after)
        except StorageError as err:
            self._owe(alarm, at_utc_us, err)
        self._book = after
        if (
            change.event in {AlarmEvent.BEGIN, AlarmEvent.WORSEN}
            and alarm.priority is not AlarmPriority.LOW
        ):
            self.sound_again()
        log.info(
            "alarm.changed",
            extra={"alarm": alarm.alarm_id, "event_": change.event.value, "state": alarm.state},
        )

    def _owe(self, alarm: Alarm, at_utc_us: int, err: StorageError) -> None:
        """Remember the newest of an alarm that the journal would not take."""
        if not self._owed:
            log.warning("alarm.not_stored", extra={"error": err.code})
        self._owed[alarm.alarm_id] = (alarm, at_utc_us)
        while len(self._owed) > MOST_OWED:
            self._owed.popitem(last=False)

    async def _pay(self) -> None:
        """Write what is owed, oldest first, as far as the journal takes it."""
        while self._owed:
            alarm_id, (alarm, at_utc_us) = next(iter(self._owed.items()))
            try:
                await self._append(alarm, at_utc_us, self._book)
            except StorageError:
                return
            del self._owed[alarm_id]
            if not self._owed:
                log.info("alarm.stored_again")

    async def _append(self, message: Message, at_utc_us: int, book: Book | None = None) -> None:
        stamp = self._clock.stamp()
        kept = {
            "standing": [one.model_dump_json() for one in (book or self._book).standing.values()],
            "encounter": self._encounter,
        }
        await self._journal.append(
            Stream.ALARM,
            message,
            captured_utc_us=at_utc_us,
            clock=stamp.source,
            clock_error_us=stamp.error_us,
            fact=(_KEPT, json.dumps(kept)),
        )

    async def _part_with_patient(self) -> None:
        """End what was the patient's once that patient has left."""
        before, self._encounter = self._encounter, self._run.state.encounter_id
        has_left = before is not None and before != self._encounter
        now_s = self._clock.monotonic_s()
        is_deserted = (
            not self._is_attended(now_s)
            and now_s - self._since_s > UNATTENDED_AFTER_S
            and any(is_of_patient(alarm) for alarm in self._book.standing.values())
        )
        if has_left or is_deserted:
            self._evidence.forget()
            for change in leave(self._book):
                await self._put_in(change)

    def _is_attended(self, now_s: float) -> bool:
        newest_s = self._evidence.newest_s
        is_measured = newest_s is not None and now_s - newest_s < UNATTENDED_AFTER_S
        return self._run.state.encounter_id is not None or is_measured

    def _facts(self, now_s: float) -> VehicleFacts:
        try:
            free = shutil.disk_usage(self._journal.path.parent).free
        except OSError:
            free = None
        return VehicleFacts(
            devices=self._around.devices(),
            cameras=self._around.cameras(),
            is_linked=self._around.is_linked(),
            disk_free_bytes=free,
            is_disk_refusing=bool(self._owed),
            is_attended=self._is_attended(now_s),
        )

    def _until_utc_us(self, until_s: float) -> int:
        left_s = until_s - self._clock.monotonic_s()
        return max(0, self._clock.utc_us() + int(left_s * 1e6))

    def _appended(self, row: Row) -> None:
        now_s, now_utc_us = self._clock.monotonic_s(), self._clock.utc_us()
        if self._evidence.take(row, now_s=now_s, now_utc_us=now_utc_us):
            self._wake.set()
