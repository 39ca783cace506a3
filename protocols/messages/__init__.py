"""What travels in records: one model per kind, one file per stream."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, cast

from pydantic import TypeAdapter, ValidationError

from protocols.errors import RemoteProtocolError
from protocols.link.streams import Stream
from protocols.link.wire import Loader, Value, load_map
from protocols.messages.alarm import Alarm, AlarmPriority, AudioPause
from protocols.messages.base import Message
from protocols.messages.chart import (
    ConsciousnessNote,
    EncounterClosed,
    EncounterOpened,
    HandoverRequest,
    PatientNote,
)
from protocols.messages.clip import Clip, Still
from protocols.messages.link import CameraHealth, DeviceHealth, LinkHealth, StreamBacklog, given_up
from protocols.messages.medication import Medication
from protocols.messages.order import (
    AdviceOrder,
    EncounterOrder,
    HandoffReceipt,
    HospitalEntry,
    HospitalsOrder,
    OrderAnswer,
    TaskOrder,
    WithdrawOrder,
)
from protocols.messages.picture import MAX_PICTURE_BYTES, Picture
from protocols.messages.position import FixQuality, Position
from protocols.messages.presence import Presence
from protocols.messages.room import (
    Called,
    DirectoryOrder,
    PersonEntry,
    Present,
    RingCancelled,
    RingRequest,
    RingSeen,
    RoomOrder,
    Said,
    SaidOrder,
    TeamEntry,
)
from protocols.messages.status import (
    ClockCorrection,
    DeviceFault,
    Gap,
    SeqSpan,
    StatusChange,
    TimeNodeStamp,
)
from protocols.messages.triage import Score, ScorePart
from protocols.messages.vitals import MEASUREMENTS, VitalsReading
from protocols.messages.waveform import Channel, WaveformBlock, WaveformEncoding

KINDS: Final[dict[Stream, dict[str, type[Message]]]] = {
    Stream.ALARM: {"alarm": Alarm, "audio_pause": AudioPause},
    Stream.STATUS: {
        "status": StatusChange,
        "time_node": TimeNodeStamp,
        "gap": Gap,
        "clock_correction": ClockCorrection,
        "device_fault": DeviceFault,
    },
    Stream.TRIAGE: {"score": Score},
    Stream.CHART: {
        "patient": PatientNote,
        "consciousness": ConsciousnessNote,
        "encounter_opened": EncounterOpened,
        "encounter_closed": EncounterClosed,
        "handover": HandoverRequest,
        "ring": RingRequest,
        "ring_cancelled": RingCancelled,
        "said": Said,
    },
    Stream.ACK: {"answer": OrderAnswer},
    Stream.VITALS: {"vitals": VitalsReading},
    Stream.POSITION: {"position": Position},
    Stream.STILL: {"still": Still, "camera": CameraHealth},
    Stream.WAVEFORM: {"waveform": WaveformBlock},
    Stream.LINK: {"link": LinkHealth},
    Stream.CLIP: {"clip": Clip},
    Stream.ORDER: {
        "advice": AdviceOrder,
        "withdraw": WithdrawOrder,
        "task": TaskOrder,
        "encounter": EncounterOrder,
        "handoff_receipt": HandoffReceipt,
        "hospitals": HospitalsOrder,
        "directory": DirectoryOrder,
        "room": RoomOrder,
        "said_order": SaidOrder,
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
    return _model_of(stream, fields).from_fields(fields)


def parse_many(
    bodies: Sequence[tuple[Stream, bytes]], *, loader: Loader
) -> list[Message | RemoteProtocolError]:
    """Return of each of `bodies` what `parse_body` returns or raises; one call checks many."""
    found: list[Message | RemoteProtocolError | None] = [None] * len(bodies)
    maps = loader.load_maps([body for _, body in bodies])
    alike: dict[type[Message], list[int]] = {}
    for at, fields in enumerate(maps):
        if isinstance(fields, RemoteProtocolError):
            found[at] = fields
            continue
        try:
            model = _model_of(bodies[at][0], fields)
            model.check_texts(fields)
        except RemoteProtocolError as err:
            found[at] = err
        else:
            alike.setdefault(model, []).append(at)
    for model, places in alike.items():
        for at, message in zip(places, _validated(model, [maps[at] for at in places]), strict=True):
            found[at] = message
    return cast("list[Message | RemoteProtocolError]", found)


def _model_of(stream: Stream, fields: dict[str, Value]) -> type[Message]:
    kind = fields.get("kind")
    model = KINDS[stream].get(kind) if type(kind) is str else None
    if model is None:
        said = kind[:40] if isinstance(kind, str) else ""
        raise RemoteProtocolError(reason="unknown-kind", stream=stream.value, kind=said)
    return model


def _validated(model: type[Message], maps: list[Any]) -> list[Message | RemoteProtocolError]:
    try:
        return _list_of(model).validate_python(maps)
    except ValidationError:
        return [_one(model, fields) for fields in maps]


def _one(model: type[Message], fields: dict[str, Any]) -> Message | RemoteProtocolError:
    try:
        return model.from_fields(fields)
    except RemoteProtocolError as err:
        return err


@cache
def _list_of(model: type[Message]) -> TypeAdapter[list[Message | RemoteProtocolError]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


__all__ = [
    "KINDS", "MAX_PICTURE_BYTES", "MEASUREMENTS", "AdviceOrder", "Alarm", "AlarmPriority",
    "AudioPause", "Called", "CameraHealth", "Channel", "Clip", "ClockCorrection",
    "ConsciousnessNote", "DeviceFault", "DeviceHealth", "DirectoryOrder", "EncounterClosed",
    "EncounterOpened", "EncounterOrder", "FixQuality", "Gap", "HandoffReceipt", "HandoverRequest",
    "HospitalEntry", "HospitalsOrder", "LinkHealth", "Medication", "Message", "OrderAnswer",
    "PatientNote", "PersonEntry", "Picture", "Position", "Presence", "Present", "RingCancelled",
    "RingRequest", "RingSeen", "RoomOrder", "Said", "SaidOrder", "Score", "ScorePart", "SeqSpan",
    "StatusChange", "Still", "StreamBacklog", "TaskOrder", "TeamEntry", "TimeNodeStamp",
    "VitalsReading", "WaveformBlock", "WaveformEncoding", "WithdrawOrder", "given_up", "parse_body",
    "parse_many",
]  # fmt: skip
