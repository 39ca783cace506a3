"""What travels in records: one model per kind, one file per stream."""

from typing import Final

from protocols.errors import RemoteProtocolError
from protocols.link.streams import Stream
from protocols.link.wire import load_map
from protocols.messages.alarm import Alarm, AlarmPriority
from protocols.messages.base import Message
from protocols.messages.chart import (
    ConsciousnessNote,
    EncounterClosed,
    EncounterOpened,
    HandoverRequest,
    PatientNote,
)
from protocols.messages.clip import Clip, Still
from protocols.messages.link import DeviceHealth, LinkHealth, StreamBacklog
from protocols.messages.order import (
    AdviceOrder,
    EncounterOrder,
    HandoffReceipt,
    HospitalEntry,
    HospitalsOrder,
    OrderAnswer,
    TaskOrder,
)
from protocols.messages.position import FixQuality, Position
from protocols.messages.presence import Presence
from protocols.messages.status import Gap, StatusChange, TimeNodeStamp
from protocols.messages.triage import Score, ScorePart
from protocols.messages.vitals import MEASUREMENTS, VitalsReading
from protocols.messages.waveform import Channel, WaveformBlock, WaveformEncoding

KINDS: Final[dict[Stream, dict[str, type[Message]]]] = {
    Stream.ALARM: {"alarm": Alarm},
    Stream.STATUS: {"status": StatusChange, "time_node": TimeNodeStamp, "gap": Gap},
    Stream.TRIAGE: {"score": Score},
    Stream.CHART: {
        "patient": PatientNote,
        "consciousness": ConsciousnessNote,
        "encounter_opened": EncounterOpened,
        "encounter_closed": EncounterClosed,
        "handover": HandoverRequest,
    },
    Stream.ACK: {"answer": OrderAnswer},
    Stream.VITALS: {"vitals": VitalsReading},
    Stream.POSITION: {"position": Position},
    Stream.STILL: {"still": Still},
    Stream.WAVEFORM: {"waveform": WaveformBlock},
    Stream.LINK: {"link": LinkHealth},
    Stream.CLIP: {"clip": Clip},
    Stream.ORDER: {
        "advice": AdviceOrder,
        "task": TaskOrder,
        "encounter": EncounterOrder,
        "handoff_receipt": HandoffReceipt,
        "hospitals": HospitalsOrder,
    },
}
"""Which bodies a stream may carry."""


def parse_body(stream: Stream, body: bytes) -> Message:
    """Return the message in `body`, by the stream that it came on and its `kind`.

    Raises:
        RemoteProtocolError: reason `not-cbor`, `bad-body`, or `unknown-kind` (perhaps a newer
            agent's: keep the bytes, show nothing).
    """
    fields = load_map(body)
    kind = fields.get("kind")
    model = KINDS[stream].get(kind) if isinstance(kind, str) else None
    if model is None:
        said = kind[:40] if isinstance(kind, str) else ""
        raise RemoteProtocolError(reason="unknown-kind", stream=stream.value, kind=said)
    return model.from_fields(fields)


__all__ = [
    "KINDS", "MEASUREMENTS", "AdviceOrder", "Alarm", "AlarmPriority", "Channel", "Clip",
    "ConsciousnessNote", "DeviceHealth", "EncounterClosed", "EncounterOpened", "EncounterOrder",
    "FixQuality", "Gap", "HandoffReceipt", "HandoverRequest", "HospitalEntry", "HospitalsOrder",
    "LinkHealth", "Message", "OrderAnswer", "PatientNote", "Position", "Presence", "Score",
    "ScorePart", "StatusChange", "Still", "StreamBacklog", "TaskOrder", "TimeNodeStamp",
    "VitalsReading", "WaveformBlock", "WaveformEncoding", "parse_body",
]  # fmt: skip
