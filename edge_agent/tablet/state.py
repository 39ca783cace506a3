"""What the tablet shows beside the readings: one value, made from the agent's parts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edge_agent.orders import OrderDesk
from edge_agent.triage import Alarms, Run, Scores
from edge_agent.uplink import LinkStatus
from edge_agent.vehicle_clock import VehicleClock
from edge_agent.voice import VoiceDesk
from protocols.messages import CameraHealth, DeviceHealth, given_up


class Shutter(Protocol):
    """Closes a camera's shutter, or opens it."""

    def __call__(self, camera: str, *, is_shut: bool) -> Awaitable[None]:
        """Return once it is so, and stays so over a restart."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """The parts of the agent that the tablet shows and moves."""

    unit: str
    call_sign: str
    profile: str
    clock: VehicleClock
    run: Run
    scores: Scores
    alarms: Alarms
    orders: OrderDesk
    link: Callable[[], LinkStatus]
    devices: Callable[[], Sequence[DeviceHealth]]
    cameras: Callable[[], Sequence[tuple[str, CameraHealth]]]  # a word for its state, and the rest
    shutter: Shutter
    voice: VoiceDesk

    def state(self) -> dict[str, Any]:
        """Return the state, as JSON values."""
        run, link = self.run, self.link()
        score, stamp, cameras = self.scores.latest, self.clock.stamp(), self.cameras()
        return {
            "unit": self.unit,
            "call_sign": self.call_sign,
            "profile": self.profile,
            "status": run.state.status.value,
            "next_event": run.next_event.value,
            "can_undo_until_utc_us": run.can_undo_until_utc_us,
            "run_id": run.state.run_id,
            "nodes": [node.model_dump() for node in run.nodes],
            "link": {
                "state": link.state,
                "waiting_records": link.waiting_records,
                "waiting_bytes": link.waiting_bytes,
                "drain_s": link.drain_s,
                "round_trip_ms": link.round_trip_ms,
                "last_heard_utc_us": link.last_ack_utc_us,
                "last_ack_utc_us": link.last_ack_utc_us,
                "video": given_up([health for _, health in cameras]),
                "oldest_waiting_utc_us": link.oldest_waiting_utc_us,
            },
            "encounter_id": run.state.encounter_id,
            "news2": None
            if score is None
            else score[0].model_dump(mode="json") | {"captured_utc_us": score[1]},
            **self.alarms.state(),
            "patient": None if run.patient is None else run.patient.model_dump(mode="json"),
            "advice": [advice.model_dump() for advice in self.orders.advice.shown],
            "task": None if (task := self.orders.task) is None else task.model_dump(mode="json"),
            "hospitals": [
                {"hospital_id": one.hospital_id, "name": one.name} for one in self.orders.hospitals
            ],
            "room": self._room(),
            "voice": self.voice.state(),
            "handoffs": [handoff.model_dump() for handoff in self.orders.handoffs],
            "devices": [device.model_dump(mode="json") for device in self.devices()],
            "cameras": [
                {"state": state} | health.model_dump(mode="json", exclude={"kind"})
                for state, health in cameras
            ],
            "clock": stamp.source.value,
            "clock_error_us": stamp.error_us,
            "now_utc_us": stamp.utc_us,
        }

    def _room(self) -> dict[str, Any]:
        """Return who is in the room, who is rung, what was said, and whom one may ring."""
        desk = self.orders.room
        room, directory = desk.room, desk.directory
        return {
            "people": [one.model_dump(mode="json") for one in room.people] if room else [],
            "rings": [one.model_dump(mode="json") for one in room.rings] if room else [],
            "waiting": [
                {"ring_id": one.ring_id, "target": one.target, "asked_utc_us": one.asked_utc_us}
                for one in desk.waiting
            ],
            "texts": [
                {"at_utc_us": one.at_utc_us, "by": one.by, "text": one.text, "is_crew": one.is_crew}
                for one in desk.lines
            ],
            "teams": [one.model_dump(mode="json") for one in directory.teams] if directory else [],
            "doctors": [one.model_dump(mode="json") for one in directory.people]
            if directory
            else [],
        }
