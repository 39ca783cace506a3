"""One frame of every kind of body, with fixed values.

Run as a program it writes the golden files that do not exist yet. A golden file is never written
again: bytes that a vehicle once sent must be understood for ever.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from protocols.clock import ClockSource
from protocols.dispatch.time_nodes import NodeSource, TimeNode
from protocols.dispatch.unit_status import CrewEvent, UnitStatus
from protocols.ids import JournalId, Seq
from protocols.link.frame import Frame, Origin, Record, encode_frame
from protocols.link.projection import frame_as_json
from protocols.link.streams import Lane, Stream
from protocols.messages import (
    AdviceOrder,
    Alarm,
    AlarmPriority,
    AudioPause,
    Called,
    CameraHealth,
    Channel,
    Clip,
    ClockCorrection,
    ConsciousnessNote,
    DeviceFault,
    DeviceHealth,
    DirectoryOrder,
    EncounterClosed,
    EncounterOpened,
    EncounterOrder,
    FixQuality,
    Gap,
    HandoffReceipt,
    HandoverRequest,
    HospitalEntry,
    HospitalsOrder,
    LinkHealth,
    Medication,
    Message,
    OrderAnswer,
    PatientNote,
    PersonEntry,
    Position,
    Present,
    RingCancelled,
    RingRequest,
    RingSeen,
    RoomOrder,
    Said,
    SaidOrder,
    Score,
    ScorePart,
    SeqSpan,
    StatusChange,
    Still,
    StreamBacklog,
    TaskOrder,
    TeamEntry,
    TimeNodeStamp,
    VitalsReading,
    WaveformBlock,
    WaveformEncoding,
    WithdrawOrder,
)
from protocols.messages.samples import ENCODING, Samples, encode_samples
from protocols.video import CameraFault, VideoReason, VideoStep

FOLDER: Final = Path(__file__).parent / "golden"
JOURNAL: Final = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
LOST: Final = JournalId("5d3c0a52-90f1-4f5e-8a4e-6a1d0c9b7e21")
SALVAGED: Final = "v1.vitals.salvaged.packed"
NOW_US: Final = 1_800_000_000_000_000
ID: Final = str(uuid.UUID(int=7))


def bodies() -> Iterator[tuple[Stream, Message]]:
    """Yield one message of each kind that a stream may carry."""
    yield Stream.ALARM, Alarm(
        alarm_id="spo2.1", code="monitor.limit.spo2", priority=AlarmPriority.HIGH,
        state="raised", value=84.0, limit=88.0,
    )  # fmt: skip
    yield Stream.ALARM, AudioPause(until_utc_us=NOW_US + 120_000_000, by="Li Lei")
    yield (
        Stream.STATUS,
        StatusChange(
            status=UnitStatus.EN_ROUTE, event=CrewEvent.ROLL, run_id="A-001-20270115-080000"
        ),
    )
    yield (
        Stream.STATUS,
        TimeNodeStamp(
            node=TimeNode.ROLLING, source=NodeSource.BUTTON, run_id="r1", at_utc_us=NOW_US
        ),
    )
    yield (
        Stream.STATUS,
        DeviceFault(device="cabin", fault=CameraFault.COVERED, state="raised"),
    )
    yield Stream.STATUS, Gap(
        stream=Stream.WAVEFORM, first_seq=4, last_seq=9, reason="disk-full",
        first_captured_utc_us=NOW_US - 6, last_captured_utc_us=NOW_US - 1,
    )  # fmt: skip
    yield Stream.TRIAGE, Score(
        score="news2", edition="RCP 2017", low=5.0, high=8.0, band="medium",
        parts=(ScorePart(parameter="spo2_pct", value=93.0, points=2, measured_utc_us=NOW_US),),
        missing=("body_temp_c",),
    )  # fmt: skip
    yield Stream.CHART, PatientNote(
        encounter_id=ID, family_name="李", given_name="雷", sex="male", age_years=62,
        complaint="胸痛 40 分钟", by="crew",
    )  # fmt: skip
    yield Stream.STATUS, ClockCorrection(
        spans=(SeqSpan(stream=Stream.VITALS, first_seq=1, last_seq=40),),
        add_us=NOW_US - 40_000_000, error_us=500_000,
    )  # fmt: skip
    yield Stream.CHART, ConsciousnessNote(acvpu="A", on_oxygen=False, by="crew")
    yield Stream.CHART, EncounterOpened(encounter_id=ID, run_id="r1")
    yield Stream.CHART, EncounterClosed(encounter_id=ID)
    yield (
        Stream.CHART,
        HandoverRequest(
            handover_id=ID,
            encounter_id=ID,
            hospital_id="gz-first",
            signed_by="crew",
            at_utc_us=NOW_US,
        ),
    )
    yield Stream.CHART, RingRequest(
        ring_id=ID, encounter_id=ID, team_id="chest-pain", by="crew", eta_utc_us=NOW_US + 9
    )  # fmt: skip
    yield Stream.CHART, RingCancelled(ring_id=ID, by="crew")
    yield Stream.CHART, Said(said_id=ID, encounter_id=ID, text="青霉素过敏", by="crew")
    yield Stream.ACK, OrderAnswer(order_id=ID, state="confirmed", by="crew", read_back="ok")
    yield Stream.VITALS, VitalsReading(
        heart_rate_bpm=88.0, pulse_bpm=87.0, spo2_pct=97.0, respiratory_rate_bpm=16.0,
        systolic_mmhg=128.0, diastolic_mmhg=79.0, mean_arterial_mmhg=95.0,
        nibp_measured_utc_us=NOW_US - 60_000_000, body_temp_c=36.7, source="model",
    )  # fmt: skip
    yield Stream.POSITION, Position(
        latitude_deg=23.1291, longitude_deg=113.2644, fix=FixQuality.DIFFERENTIAL,
        speed_mps=11.5, heading_deg=271.0, altitude_m=12.0, satellites=11, hdop=0.9,
    )  # fmt: skip
    yield Stream.STILL, Still(camera="cabin", width_px=2, height_px=1, jpeg=b"\xff\xd8\xff\xd9")
    yield (
        Stream.STILL,
        CameraHealth(camera="cabin", step=VideoStep.MIDDLE, reason=VideoReason.RATE),
    )
    yield Stream.WAVEFORM, ecg(WaveformEncoding.INTERLEAD_3)
    yield Stream.WAVEFORM, ecg(WaveformEncoding.INT32_LE)
    yield Stream.LINK, LinkHealth(
        state="recovering", waiting_records=12, waiting_bytes=3400, last_ack_utc_us=NOW_US - 9,
        round_trip_ms=41.5, rate_bps=64_000.0, drain_s=2.5, disk_free_bytes=2**33,
        clock="gnss", clock_error_us=200, software="0.1.0", video="360p",
        backlog=(StreamBacklog(stream="vitals", last_seq=90, acked_through=78,
                               waiting_records=12, waiting_bytes=3400),),
        devices=(DeviceHealth(name="gnss", state="ok", heard=400, rejected={"checksum": 2},
                              last_heard_utc_us=NOW_US),),
    )  # fmt: skip
    yield Stream.CLIP, Clip(
        camera="cabin", segment="seg-1", first_utc_us=NOW_US, last_utc_us=NOW_US + 1,
        size_bytes=10, sha256="0" * 64,
    )  # fmt: skip
    until_us = NOW_US + 600_000_000
    yield Stream.ORDER, AdviceOrder(
        order_id=ID, encounter_id=ID, text="阿司匹林 300 mg 嚼服", by="Dr Chen",
        by_role="doctor", given_utc_us=NOW_US,
        expires_utc_us=until_us,
    )  # fmt: skip
    yield Stream.ORDER, AdviceOrder(
        order_id=ID, encounter_id=ID, text="Aspirin 阿司匹林 300 mg oral", by="Dr Chen",
        by_role="doctor", given_utc_us=NOW_US, expires_utc_us=until_us,
        medication=Medication(
            drug="aspirin", name_en="Aspirin", name_zh="阿司匹林", dose=300.0, unit="mg",
            route="oral", patient_class="adult", usual="150-300 mg", source="ESC 2023",
            remark="嚼服",
        ),
    )  # fmt: skip
    yield Stream.ORDER, DirectoryOrder(
        order_id=ID,
        teams=(
            TeamEntry(team_id="chest-pain", name="胸痛中心", team_kind="chest_pain",
                      organisation="广州市第一人民医院"),
        ),
        people=(PersonEntry(username="chen", name="Dr Chen", organisation="广州市第一人民医院"),),
        given_utc_us=NOW_US, expires_utc_us=until_us,
    )  # fmt: skip
    yield Stream.ORDER, RoomOrder(
        order_id=ID, encounter_id=ID, also_known_as=(ID,),
        rings=(
            RingSeen(ring_id=ID, target="胸痛中心", state="answered", calls=(
                Called(name="Dr Chen", organisation="First", step=0, state="answered"),)),
        ),
        people=(Present(name="Dr Chen", organisation="First", role="doctor",
                        joined_utc_us=NOW_US),),
        given_utc_us=NOW_US, expires_utc_us=until_us,
    )  # fmt: skip
    yield Stream.ORDER, SaidOrder(
        order_id=ID, encounter_id=ID, text="Any allergies?", by="Dr Chen",
        given_utc_us=NOW_US, expires_utc_us=until_us,
    )  # fmt: skip
    yield Stream.ORDER, WithdrawOrder(
        order_id=ID, withdrawn_order_id=ID, by="Dr Chen", given_utc_us=NOW_US,
        expires_utc_us=until_us,
    )  # fmt: skip
    yield Stream.ORDER, TaskOrder(
        order_id=ID, run_id="r1", summary="chest pain", address="天河路 1 号",
        latitude_deg=23.13, longitude_deg=113.32, given_utc_us=NOW_US,
        expires_utc_us=until_us,
    )  # fmt: skip
    yield (
        Stream.ORDER,
        EncounterOrder(
            order_id=ID,
            encounter_id=ID,
            opened_by="Dr Chen",
            given_utc_us=NOW_US,
            expires_utc_us=until_us,
        ),
    )
    yield (
        Stream.ORDER,
        HandoffReceipt(
            order_id=ID,
            handover_id=ID,
            hospital_id="gz-first",
            state="accepted",
            given_utc_us=NOW_US,
            expires_utc_us=until_us,
        ),
    )
    yield (
        Stream.ORDER,
        HospitalsOrder(
            order_id=ID,
            hospitals=(HospitalEntry(hospital_id="gz-first", name="广州市第一人民医院"),),
            given_utc_us=NOW_US,
            expires_utc_us=until_us,
        ),
    )


def ecg(encoding: WaveformEncoding) -> WaveformBlock:
    """Return two leads of a small sawtooth, every value of it known."""
    samples = np.stack([np.arange(50) % 17 - 8, 3 - np.arange(50) % 11]).astype(np.int32) * 40
    data = samples.astype("<i4").tobytes()
    if encoding is ENCODING:
        data = encode_samples(samples)
    leads = tuple(
        Channel(code=code, unit="uV", gain=5.0) for code in ("MDC_ECG_LEAD_I", "MDC_ECG_LEAD_II")
    )
    return WaveformBlock(
        group="ecg", rate_hz=500.0, sample_count=50, first_sample_index=1000, channels=leads,
        encoding=encoding, data=data,
    )  # fmt: skip


def frame_of(stream: Stream, message: Message) -> Frame:
    """Return a frame that holds `message` alone."""
    return Frame(
        journal=JOURNAL, stream=stream, first_seq=Seq(41), lane=Lane.BACKFILL,
        sent_utc_us=NOW_US + 5_000, clock=ClockSource.GNSS, clock_error_us=200,
        records=(Record(captured_utc_us=NOW_US, body=message.to_body()),),
    )  # fmt: skip


def name_of(stream: Stream, message: Message) -> str:
    """Return the golden file's name without its ending."""
    more = f".{message.encoding.value}" if isinstance(message, WaveformBlock) else ""
    if isinstance(message, AdviceOrder) and message.medication is not None:
        more = f".{message.medication.kind}"
    return f"v1.{stream.value}.{message.kind}{more}"


def salvaged() -> Frame:
    """Return a frame of what an earlier journal had accepted."""
    stream, message = next(pair for pair in bodies() if pair[0] is Stream.VITALS)
    return frame_of(stream, message)._replace(origin=Origin(LOST, Seq(7)))


def golden(name: str) -> Path:
    """Return the golden file of `name`, without its ending; packed where it is only so."""
    bare = FOLDER / name
    return bare if bare.with_name(f"{name}.cbor").exists() else bare.with_name(f"{name}.packed")


def twelve_leads() -> Samples:
    """Return twelve leads with beats, derived leads, a lead that falls off, and a quiet one."""
    return np.array(json.loads((FOLDER / "interlead.twelve-leads.json").read_text()), np.int32)


def main() -> None:
    """Write the golden files that are missing."""
    leads = FOLDER / f"{ENCODING.value}.twelve-leads.bin"
    if not leads.exists():
        leads.write_bytes(encode_samples(twelve_leads()))
    frames = {f"{name_of(*pair)}.packed": frame_of(*pair) for pair in bodies()}
    for name, frame in {**frames, SALVAGED: salvaged()}.items():
        bare = FOLDER / name
        if not bare.with_name(f"{bare.name}.cbor").exists():
            bare.with_name(f"{bare.name}.cbor").write_bytes(encode_frame(frame))
            text = json.dumps(frame_as_json(frame), indent=1, ensure_ascii=False)
            bare.with_name(f"{bare.name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
