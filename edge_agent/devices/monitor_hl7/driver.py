"""A patient monitor that reports by HL7 v2 over MLLP. The monitor connects to us.

A message is answered AA only once everything that it holds is durable. Refused by the journal, it
is answered AE, and what was not stored waits for the monitor's second try; sent twice, it is stored
once, also by a vehicle that was started again before it answered. A message that holds nothing to
record is answered AA.
"""

import asyncio
import hashlib
import json
import logging
import random
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from edge_agent.backoff import Backoff
from edge_agent.devices.driver import AlarmSink, Recall, Record
from edge_agent.devices.hearing import Hearing
from edge_agent.devices.monitor_hl7.alerts import alerts, flagged
from edge_agent.devices.monitor_hl7.answer import Verdict, answer, is_answer_wanted
from edge_agent.devices.monitor_hl7.message import Hl7Message, read_message
from edge_agent.devices.monitor_hl7.mllp import IDLE_S, MllpServer
from edge_agent.devices.monitor_hl7.oru import OruMessage, read_oru
from edge_agent.devices.monitor_hl7.records import DeviceRecords, Waiting
from edge_agent.devices.reasons import Reason
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import RemoteProtocolError, StorageError
from protocols.messages import DeviceHealth

log = logging.getLogger(__name__)

MOST_DEVICES: Final = 16
REMEMBERED_MESSAGES: Final = 256
"""Messages that are known again when they are sent again; per device."""

LAST_STORED: Final = "monitor.last_stored"
"""Fact: each device's last message that was stored whole, by its digest. A monitor has one message
in flight, so it is the only one that it may send again after a start."""


@dataclass(slots=True)
class _Device:
    """One monitor: its clock and counts, and what became of its last messages."""

    records: DeviceRecords = field(default_factory=DeviceRecords)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    unstored: OrderedDict[bytes, list[Waiting]] = field(default_factory=OrderedDict)


class MonitorHl7:
    """Listens on `host:port` (0: any free port, then `port` tells which)."""

    def __init__(  # noqa: PLR0913 -- one device, all of it said by name
        self,
        *,
        name: str = "monitor",
        host: str = "0.0.0.0",  # noqa: S104 -- a monitor is another machine on the vehicle's network
        port: int,
        record: Record,
        recall: Recall,
        alarms: AlarmSink | None = None,
        clock: VehicleClock,
        rng: random.Random,
        idle_s: float = IDLE_S,
    ) -> None:
        """Prepare; nothing is opened yet."""
        self._name = name
        self._clock = clock
        self._backoff = Backoff(rng=rng)
        self._hearing = Hearing(name=name, clock=clock, record=record)
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._answers = 0
        self._recall = recall
        self._alarms = alarms
        self._last_stored: OrderedDict[str, str] = OrderedDict()
        self._server = MllpServer(
            host=host,
            port=port,
            handle=self._handle,
            reject=self._hearing.reject,
            count=self._counted,
            idle_s=idle_s,
        )

    @property
    def port(self) -> int:
        """The port that it listens on, once `listening` is set."""
        return self._server.port

    @property
    def listening(self) -> asyncio.Event:
        """Set while monitors can connect."""
        return self._server.listening

    def health(self) -> DeviceHealth:
        """Return what was heard and what could not be used, since the start."""
        return self._hearing.health()

    async def run(self) -> None:
        """Listen until cancelled; a port that is taken is tried again for ever."""
        kept = await self._recall(LAST_STORED)
        self._last_stored = OrderedDict(json.loads(kept or "{}"))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hearing.watch(), name=f"{self._name}-watch")
            group.create_task(self._serve_for_ever(), name=f"{self._name}-mllp")

    async def _serve_for_ever(self) -> None:
        while True:
            try:
                await self._server.run()
            except OSError as err:
                if not self._hearing.broken:  # an outage is said once
                    facts = {"device": self._name, "port": self._server.port, "reason": str(err)}
                    log.warning("device.port_taken", extra=facts)
                self._hearing.broken = True
                await self._clock.sleep(self._backoff.next_s())

    def _counted(self, connections: int) -> None:
        self._hearing.broken = False
        self._hearing.connected = connections > 0

    async def _handle(self, block: bytes) -> bytes | None:
        """Return the answer to one MLLP block, once what it holds is durable."""
        self._hearing.noise()
        try:
            message = read_message(block)
        except RemoteProtocolError:
            self._hearing.reject(Reason.NOT_HL7)  # without a header there is nobody to answer
            return None
        self._hearing.heard()
        verdict, why = await self._store(message, block)
        if not is_answer_wanted(message):
            return None
        self._answers += 1
        now_us = max(0, self._clock.utc_us())
        return answer(message, verdict, now_utc_us=now_us, number=self._answers, why=why)

    async def _store(self, message: Hl7Message, block: bytes) -> tuple[Verdict, str]:
        stamp, now_s = self._clock.stamp(), self._clock.monotonic_s()
        try:
            oru = read_oru(message)
        except RemoteProtocolError:
            self._hearing.reject(Reason.UNKNOWN_MESSAGE)
            return Verdict.UNKNOWN_MESSAGE, "only ORU^R01 and ORU^R40 are understood"
        if oru.is_alert:
            return await self._hear_alerts(oru)
        device = self._device(oru.device)
        key = hashlib.blake2b(block, digest_size=16).digest()
        async with device.lock:
            waiting = device.unstored.get(key)
            if waiting is None and self._last_stored.get(oru.device) == key.hex():
                self._hearing.reject(Reason.DUPLICATE)
                return Verdict.STORED, ""
            if waiting is None:
                self._note_flags(oru)
                waiting = device.records.records(oru, stamp=stamp, now_s=now_s)
                for reason, count in oru.rejected.items():
                    self._hearing.reject(reason, count)
            else:
                self._hearing.reject(Reason.DUPLICATE)
            self._last_stored.pop(oru.device, None)
            last = {**self._last_stored, oru.device: key.hex()}
            left = await self._store_all(waiting, (LAST_STORED, json.dumps(last)))
            if waiting and not left:
                self._last_stored[oru.device] = key.hex()
            while len(self._last_stored) > MOST_DEVICES:
                self._last_stored.popitem(last=False)
            device.unstored[key] = left
            while len(device.unstored) > REMEMBERED_MESSAGES:
                device.unstored.popitem(last=False)
        if left:
            return Verdict.NOT_STORED, "the journal refused it; send it again"
        return Verdict.STORED, ""

    def _note_flags(self, oru: OruMessage) -> None:
        if self._alarms is not None:
            oru.rejected[Reason.TOO_MANY_ALARMS] += self._alarms.note(flagged(oru))

    async def _hear_alerts(self, oru: OruMessage) -> tuple[Verdict, str]:
        """Pass the monitor's own alarms on; sent twice, they change nothing the second time."""
        said = alerts(oru)
        verdict, why = Verdict.STORED, ""
        if self._alarms is not None and said:
            try:
                oru.rejected[Reason.TOO_MANY_ALARMS] += await self._alarms.hear(said)
            except StorageError:
                verdict, why = Verdict.NOT_STORED, "the journal refused it; send it again"
        for reason, count in oru.rejected.items():
            self._hearing.reject(reason, count)
        return verdict, why

    async def _store_all(self, waiting: list[Waiting], fact: tuple[str, str]) -> list[Waiting]:
        """Store all at once, so that they share a commit; return those that were refused.

        Waveforms stand last and are refused first: `fact` is kept with the last, and so with all.
        """
        stored = await asyncio.gather(
            *(
                self._hearing.store(
                    one.stream,
                    one.message,
                    one.stamp,
                    one.captured_utc_us,
                    fact=fact if one is waiting[-1] else None,
                )
                for one in waiting
            )
        )
        return [one for one, is_stored in zip(waiting, stored, strict=True) if not is_stored]

    def _device(self, name: str) -> _Device:
        device = self._devices.pop(name, None) or _Device()
        self._devices[name] = device
        while len(self._devices) > MOST_DEVICES:
            self._devices.popitem(last=False)
        return device
