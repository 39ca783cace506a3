"""The run: what the crew is doing, the time nodes that it stamps, and the patient in its care.

Law: the journal comes first. A press of the button is a record before it is a state, so that the
hub and the tablet can only ever be told what is on the disk. What is kept beside the journal is a
snapshot of it, with the seq up to which it holds: records after that are taken in at start.
"""

import asyncio
import json
import logging
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from edge_agent.journal import Journal, Row
from edge_agent.vehicle_clock import Stamp, VehicleClock
from protocols.dispatch.time_nodes import NodeSource, TimeNode
from protocols.dispatch.unit_status import NEXT_EVENT, STAMPS, CrewEvent, UnitStatus, advance
from protocols.errors import ConflictError, LocalProtocolError, RemoteProtocolError
from protocols.link import Stream
from protocols.live.feed import NodeView
from protocols.messages import (
    EncounterClosed,
    EncounterOpened,
    HandoverRequest,
    Message,
    PatientNote,
    StatusChange,
    TimeNodeStamp,
    WaveformBlock,
    parse_body,
)

log = logging.getLogger(__name__)

UNDO_S: Final = 10.0
"""How long the last press can be taken back. Source: ux.md, undo rather than "are you sure"."""

TWELVE_LEADS: Final = frozenset({"I", "II", *(f"V{n}" for n in range(1, 7))})
"""Eight independent leads make twelve; III and the augmented ones follow from I and II."""

_KEPT: Final = "run"
_KEPT_PATIENT: Final = "patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where the run stands, as of STATUS record `seq`."""

    status: UnitStatus = UnitStatus.AVAILABLE
    run_id: str | None = None
    nodes: dict[str, tuple[int, str]] = field(default_factory=dict)  # node → (at, source)
    encounter_id: str | None = None
    handovers: dict[str, tuple[str, int]] = field(default_factory=dict)  # id → (hospital, at)
    seq: int = 0

    def to_json(self) -> str:
        """Return the snapshot."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "RunState":
        """Return the state in a snapshot."""
        fields = json.loads(text)
        nodes = {name: (int(at), str(source)) for name, (at, source) in fields["nodes"].items()}
        handovers = {key: (str(to), int(at)) for key, (to, at) in fields["handovers"].items()}
        status = UnitStatus(fields["status"])
        return cls(**fields | {"status": status, "nodes": nodes, "handovers": handovers})


@dataclass(frozen=True, slots=True)
class _Undo:
    before: RunState
    event: CrewEvent
    until_s: float
    until_utc_us: int
    opened_encounter: bool


class Run:
    """The unit's status machine over the journal."""

    def __init__(self, journal: Journal, clock: VehicleClock) -> None:
        self.state = RunState()
        self.patient: PatientNote | None = None
        self._journal = journal
        self._clock = clock
        self._undo: _Undo | None = None
        self._turn = asyncio.Lock()
        self._ecg_seen: asyncio.Queue[int] = asyncio.Queue(1)
        journal.on_append(self._appended)

    # -- what the tablet shows ------------------------------------------------------------------

    @property
    def next_event(self) -> CrewEvent:
        """What the one big button offers."""
        return NEXT_EVENT[self.state.status]

    @property
    def can_undo_until_utc_us(self) -> int | None:
        """Until when the last press can be taken back."""
        undo = self._undo
        if undo is None or self._clock.monotonic_s() >= undo.until_s:
            return None
        return undo.until_utc_us

    @property
    def nodes(self) -> list[NodeView]:
        """The nodes of this run, in the order in which they fell."""
        found = [
            NodeView(node=node, at_utc_us=at, source=source)
            for node, (at, source) in self.state.nodes.items()
        ]
        return sorted(found, key=lambda node: node.at_utc_us)

    # -- the service ----------------------------------------------------------------------------

    async def restore(self) -> None:
        """Take up the run where the journal has it; state it afresh in a new journal."""
        kept = await self._journal.kept(_KEPT)
        if kept is not None:
            self.state = RunState.from_json(kept)
        last = self._journal.account(Stream.STATUS).last_seq
        if last < self.state.seq:  # a new journal: the old file was set aside
            self.state = replace(self.state, seq=0)
        for row in await self._journal.span(Stream.STATUS, self.state.seq + 1, last):
            if row.origin is None:  # what was salvaged is history
                self._take_row(row)
        patient = await self._journal.kept(_KEPT_PATIENT)
        if patient is not None and self.state.encounter_id is not None:
            note = PatientNote.model_validate_json(patient)
            self.patient = note if note.encounter_id == self.state.encounter_id else None
        stated = StatusChange(status=self.state.status, event=None, run_id=self.state.run_id)
        seq = await self._append(Stream.STATUS, stated, self._clock.stamp())
        await self._keep(replace(self.state, seq=seq))

    async def run(self) -> None:
        """Stamp what devices show, and close what was left, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(1.0):
                    at_utc_us = await self._ecg_seen.get()
            except TimeoutError:
                await self._close_when_clear()
                continue
            async with self._turn:
                if self._wants_first_ecg():
                    await self._stamp(TimeNode.FIRST_12_LEAD, NodeSource.DEVICE, at_utc_us)

    # -- what the crew does ---------------------------------------------------------------------

    async def press(self, event: CrewEvent) -> None:
        """Move on by `event`; durable when this returns.

        Raises:
            ConflictError: the status machine has no such move from here.
            StorageError: the disk refused; nothing has changed.
        """
        async with self._turn:
            before = self.state
            try:
                status = advance(before.status, event)
            except LocalProtocolError as err:
                raise ConflictError(
                    reason="no such move", status=before.status.value, event=event.value
                ) from err
            if before.status is UnitStatus.AVAILABLE:
                await self._close_encounter()
                self.state = replace(self.state, run_id=str(uuid.uuid4()), nodes={})
            stamp = self._clock.stamp()
            run_id = self.state.run_id
            change = StatusChange(status=status, event=event, run_id=run_id)
            seq = await self._append(Stream.STATUS, change, stamp)
            await self._keep(replace(self.state, status=status, seq=seq))
            await self._stamp(STAMPS[event], NodeSource.BUTTON, stamp.utc_us)
            opens = event is CrewEvent.CONTACT and self.state.encounter_id is None
            if opens:
                await self._open_encounter(str(uuid.uuid4()))
            self._undo = _Undo(
                before=before,
                event=event,
                until_s=self._clock.monotonic_s() + UNDO_S,
                until_utc_us=stamp.utc_us + int(UNDO_S * 1e6),
                opened_encounter=opens,
            )
        log.info("run.status", extra={"status": status.value, "event_": event.value})

    async def undo(self) -> None:
        """Take the last press back.

        Raises:
            ConflictError: there is none, or it is longer ago than ten seconds.
        """
        async with self._turn:
            undo = self._undo
            if undo is None or self.can_undo_until_utc_us is None:
                raise ConflictError(reason="nothing to take back")
            self._undo = None
            now, node = self._clock.stamp(), STAMPS[undo.event]
            run_id = self.state.run_id
            if run_id is not None and node.value not in undo.before.nodes:
                at_utc_us = self.state.nodes.get(node.value, (now.utc_us, ""))[0]
                gone = TimeNodeStamp(
                    node=node,
                    source=NodeSource.BUTTON,
                    run_id=run_id,
                    at_utc_us=at_utc_us,
                    undone=True,
                )
                await self._append(Stream.STATUS, gone, now)
            back = StatusChange(
                status=undo.before.status, event=undo.event, undone=True, run_id=run_id
            )
            seq = await self._append(Stream.STATUS, back, now)
            if undo.opened_encounter:
                await self._close_encounter()
            nodes = {k: v for k, v in self.state.nodes.items() if k != node.value}
            kept = nodes if node.value not in undo.before.nodes else self.state.nodes
            await self._keep(replace(self.state, status=undo.before.status, nodes=kept, seq=seq))

    async def join(self, encounter_id: str) -> None:
        """Take up an encounter that a doctor opened, unless one is open here already."""
        async with self._turn:
            if self.state.encounter_id is None:
                await self._keep(replace(self.state, encounter_id=encounter_id, handovers={}))

    async def encounter(self) -> str:
        """Return the open encounter's id; where none is open, one is: somebody is in need of help.

        Raises:
            StorageError: the disk refused; nothing has changed.
        """
        async with self._turn:
            if self.state.encounter_id is None:
                await self._open_encounter(str(uuid.uuid4()))
            return self.state.encounter_id or ""

    async def note_patient(self, note: PatientNote) -> None:
        """Record what is known of the patient.

        Raises:
            ConflictError: no encounter is open.
        """
        async with self._turn:
            if self.state.encounter_id is None:
                raise ConflictError(reason="no patient is in this unit's care")
            note = note.model_copy(update={"encounter_id": self.state.encounter_id})
            await self._append(Stream.CHART, note, self._clock.stamp())
            await self._journal.keep(_KEPT_PATIENT, note.model_dump_json())
            self.patient = note

    async def hand_over(self, hospital_id: str, *, by: str) -> str:
        """Ask the hub to send the encounter to a hospital; return the hand-over's id.

        Raises:
            ConflictError: no encounter is open.
        """
        async with self._turn:
            encounter_id = self.state.encounter_id
            if encounter_id is None:
                raise ConflictError(reason="no patient is in this unit's care")
            stamp = self._clock.stamp()
            request = HandoverRequest(
                handover_id=str(uuid.uuid4()),
                encounter_id=encounter_id,
                hospital_id=hospital_id,
                signed_by=by,
                at_utc_us=stamp.utc_us,
            )
            await self._append(Stream.CHART, request, stamp)
            asked = {request.handover_id: (hospital_id, stamp.utc_us)}
            await self._keep(replace(self.state, handovers=self.state.handovers | asked))
            return request.handover_id

    # -- inside ---------------------------------------------------------------------------------

    async def _open_encounter(self, encounter_id: str) -> None:
        opened = EncounterOpened(encounter_id=encounter_id, run_id=self.state.run_id)
        await self._append(Stream.CHART, opened, self._clock.stamp())
        await self._keep(replace(self.state, encounter_id=encounter_id, handovers={}))

    async def _close_encounter(self) -> None:
        encounter_id = self.state.encounter_id
        if encounter_id is None:
            return
        closed = EncounterClosed(encounter_id=encounter_id)
        await self._append(Stream.CHART, closed, self._clock.stamp())
        self.patient = None
        await self._keep(replace(self.state, encounter_id=None))

    async def _close_when_clear(self) -> None:
        """Close the encounter once the crew is available again and the press stands."""
        async with self._turn:
            is_clear = self.state.status is UnitStatus.AVAILABLE and STAMPS[
                CrewEvent.CLEAR
            ].value in (self.state.nodes)
            if is_clear and self.can_undo_until_utc_us is None:
                await self._close_encounter()

    async def _stamp(self, node: TimeNode, source: NodeSource, at_utc_us: int) -> None:
        """Stamp `node`, unless this run has it."""
        run_id = self.state.run_id
        if run_id is None or node.value in self.state.nodes:
            return
        stamped = TimeNodeStamp(node=node, source=source, run_id=run_id, at_utc_us=at_utc_us)
        seq = await self._append(Stream.STATUS, stamped, self._clock.stamp())
        nodes = self.state.nodes | {node.value: (at_utc_us, source.value)}
        await self._keep(replace(self.state, nodes=nodes, seq=seq))

    async def _append(self, stream: Stream, message: Message, stamp: Stamp) -> int:
        return await self._journal.append(
            stream,
            message,
            captured_utc_us=stamp.utc_us,
            clock=stamp.source,
            clock_error_us=stamp.error_us,
        )

    async def _keep(self, state: RunState) -> None:
        self.state = state
        await self._journal.keep(_KEPT, state.to_json())

    def _wants_first_ecg(self) -> bool:
        return (
            self.state.encounter_id is not None
            and self.state.status is not UnitStatus.AVAILABLE
            and TimeNode.FIRST_12_LEAD.value not in self.state.nodes
        )

    def _appended(self, row: Row) -> None:
        """See whether a waveform is the run's first twelve-lead ECG."""
        if row.stream is not Stream.WAVEFORM or not self._wants_first_ecg():
            return
        try:
            block = parse_body(row.stream, row.body)
        except RemoteProtocolError:
            return
        leads = _leads(block) if isinstance(block, WaveformBlock) else set()
        contact = self.state.nodes.get(TimeNode.FIRST_MEDICAL_CONTACT.value)
        is_after = contact is None or row.captured_utc_us >= contact[0]  # no ECG before contact
        if leads >= TWELVE_LEADS and is_after and not self._ecg_seen.full():
            self._ecg_seen.put_nowait(row.captured_utc_us)

    def _take_row(self, row: Row) -> None:
        """Take one STATUS record that came after the snapshot."""
        try:
            message = parse_body(row.stream, row.body)
        except RemoteProtocolError:
            return
        state = replace(self.state, seq=row.seq)
        match message:
            case StatusChange():
                fresh = message.run_id != state.run_id and message.event is CrewEvent.ROLL
                state = replace(
                    state,
                    status=message.status,
                    run_id=message.run_id,
                    nodes={} if fresh else state.nodes,
                )
            case TimeNodeStamp():
                nodes = {k: v for k, v in state.nodes.items() if k != message.node.value}
                if not message.undone:
                    nodes[message.node.value] = (message.at_utc_us, message.source.value)
                state = replace(state, nodes=nodes)
            case _:
                pass
        self.state = state


def _leads(block: WaveformBlock) -> set[str]:
    """Return the leads of an ECG: MDC_ECG_ELEC_POTL_V1 and MDC_ECG_LEAD_V1 are both V1."""
    codes = [channel.code for channel in block.channels]
    return {code.rpartition("_")[2] for code in codes if code.startswith("MDC_ECG_")}
