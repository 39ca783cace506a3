"""What the tablet shows beside the readings: one value, made from the agent's parts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edge_agent.orders import OrderDesk
from edge_agent.triage import Run, Scores
from edge_agent.uplink import LinkStatus
from protocols.clock import Clock
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
    clock: Clock
    run: Run
    scores: Scores
    orders: OrderDesk
    link: Callable[[], LinkStatus]
    devices: Callable[[], Sequence[DeviceHealth]]
    cameras: Callable[[], Sequence[tuple[str, CameraHealth]]]  # a word for its state, and the rest
    shutter: Shutter

    def state(self) -> dict[str, Any]:
        """Return the state, as JSON values."""
        run, link = self.run, self.link()
        score, cameras = self.scores.latest, self.cameras()
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
            "patient": None if run.patient is None else run.patient.model_dump(mode="json"),
            "advice": [advice.model_dump() for advice in self.orders.advice],
            "task": None if (task := self.orders.task) is None else task.model_dump(mode="json"),
            "hospitals": [
                {"hospital_id": one.hospital_id, "name": one.name} for one in self.orders.hospitals
            ],
            "handoffs": [handoff.model_dump() for handoff in self.orders.handoffs],
            "devices": [device.model_dump(mode="json") for device in self.devices()],
            "cameras": [
                {"state": state} | health.model_dump(mode="json", exclude={"kind"})
                for state, health in cameras
            ],
            "now_utc_us": self.clock.utc_us(),
        }
