"""Bodies come back as they went; what cannot be true is refused with the field that lies."""

import contextlib
import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from protocols.dispatch.unit_status import UnitStatus
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.link.frame import MAX_BODY_BYTES
from protocols.link.streams import Stream
from protocols.messages import (
    Channel,
    FixQuality,
    HospitalEntry,
    HospitalsOrder,
    PatientNote,
    Position,
    Presence,
    StatusChange,
    VitalsReading,
    WaveformBlock,
    parse_body,
)
from protocols.messages.samples import ENCODING, Samples, decode_samples, encode_samples


def test_text_that_no_database_can_hold_is_refused() -> None:
    fields = {"kind": "presence", "online": True, "call_sign": "A\0"}
    with pytest.raises(RemoteProtocolError) as caught:
        Presence.from_fields(fields)
    assert caught.value.facts["detail"] == "text with a NUL character"


@pytest.mark.parametrize(("channels", "count"), [(12, 5_461), (1, 65_536)])
def test_a_block_unpacks_to_a_bounded_number_of_samples(channels: int, count: int) -> None:
    largest = np.zeros((channels, count), np.int32)
    one_more = np.zeros((channels, count + 1), np.int32)
    assert decode_samples(block(largest, encode_samples(largest))).size <= 65_536
    with pytest.raises(ValidationError):
        block(one_more, encode_samples(one_more))


def block(samples: Samples, data: bytes) -> WaveformBlock:
    return WaveformBlock(
        group="ecg",
        rate_hz=500,
        sample_count=samples.shape[1],
        first_sample_index=0,
        channels=tuple(
            Channel(code=f"MDC_ECG_LEAD_{i}", unit="uV", gain=5.0) for i in range(samples.shape[0])
        ),
        encoding=ENCODING,
        data=data,
    )


@given(
    samples=hnp.arrays(
        np.int32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)
    ).filter(lambda a: a.shape[0] <= 32)
)
def test_every_sample_survives(samples: Samples) -> None:
    got = decode_samples(block(samples, encode_samples(samples)))
    np.testing.assert_array_equal(got, samples)


def test_a_block_that_unpacks_to_more_than_it_declares_is_refused() -> None:
    data = encode_samples(np.arange(5000, dtype=np.int32)[None] ** 2 % 7)
    with pytest.raises(RemoteProtocolError):
        decode_samples(block(np.zeros((1, 10), np.int32), data))


def test_what_the_heart_says_to_all_leads_is_written_once() -> None:
    beat = np.cumsum(np.random.default_rng(1).integers(-20, 21, 500)).astype(np.int32)
    one = encode_samples(beat[None])
    twelve = encode_samples(np.stack([beat * (-1) ** lead for lead in range(12)]))
    assert len(twelve) < 1.3 * len(one)


@pytest.mark.parametrize("lead", ["III", "aVR", "aVL", "aVF"])
@pytest.mark.parametrize("rounded", ["down", "half up", "up"])
def test_a_lead_that_the_monitor_computed_costs_next_to_nothing(lead: str, rounded: str) -> None:
    first, second = (
        np.cumsum(np.random.default_rng(seed).integers(-20, 21, 500)) for seed in (1, 2)
    )
    twice = {
        "III": 2 * (second - first), "aVR": -first - second, "aVL": 2 * first - second,
        "aVF": 2 * second - first,
    }[lead]  # fmt: skip
    computed = {"down": twice >> 1, "half up": (twice + 1) >> 1, "up": -((-twice) >> 1)}[rounded]
    measured = np.stack([first, second]).astype(np.int32)
    three = np.stack([first, second, computed]).astype(np.int32)
    assert len(encode_samples(three)) - len(encode_samples(measured)) < 12


@given(data=st.data(), count=st.integers(1, 200), channels=st.integers(1, 12))
def test_damaged_samples_are_refused_or_read_as_others_but_never_crash(
    data: st.DataObject, count: int, channels: int
) -> None:
    shape = (channels, count)
    values = data.draw(hnp.arrays(np.int32, shape, elements=st.integers(-(2**31), 2**31 - 1)))
    sent = bytearray(encode_samples(values))
    for place in data.draw(st.lists(st.integers(0, len(sent) - 1), min_size=1, max_size=8)):
        sent[place] ^= data.draw(st.integers(1, 255))
    kept = bytes(sent[: data.draw(st.integers(1, len(sent)))])
    with contextlib.suppress(RemoteProtocolError):
        assert decode_samples(block(values, kept)).shape == shape


def test_a_status_comes_back_with_its_enums() -> None:
    change = StatusChange(status=UnitStatus.EN_ROUTE, run_id="r-1")
    assert parse_body(Stream.STATUS, change.to_body()) == change


def test_what_was_not_measured_is_left_out_and_zero_is_kept() -> None:
    reading = VitalsReading(pulse_bpm=0)
    back = parse_body(Stream.VITALS, reading.to_body())
    assert back == reading
    assert b"spo2_pct" not in reading.to_body()


def test_a_waveform_block_comes_back_whole() -> None:
    samples = np.arange(24, dtype=np.int32).reshape(2, 12)
    sent = block(samples, encode_samples(samples))
    assert parse_body(Stream.WAVEFORM, sent.to_body()) == sent


def test_presence_comes_back_sealed() -> None:
    birth = Presence(
        online=True,
        connection="0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b",
        journal="0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b",
        profile="ambulance",
        call_sign="粤A 急救 01",
        software="0.1.0",
        since_utc_us=1,
    )
    assert Presence.from_payload(birth.to_payload()) == birth


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"latitude_deg": 91.0, "longitude_deg": 0.0, "fix": "autonomous"}, "latitude_deg"),
        ({"latitude_deg": True, "longitude_deg": 0.0, "fix": "autonomous"}, "latitude_deg"),
        ({"latitude_deg": float("nan"), "longitude_deg": 0.0, "fix": "autonomous"}, "latitude_deg"),
        ({"latitude_deg": 1.0, "longitude_deg": 0.0, "fix": "guessed"}, "fix"),
        ({"latitude_deg": 1.0, "fix": "autonomous"}, "longitude_deg"),
    ],
)
def test_an_impossible_position_is_refused_by_field(fields: dict[str, object], field: str) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        Position.from_fields(fields)
    assert refusal.value.facts["field"] == field


def test_an_unknown_field_does_not_stop_an_older_reader() -> None:
    fields = {"kind": "position", "latitude_deg": 1.0, "longitude_deg": 2.0, "fix": "autonomous"}
    position = Position.from_fields(fields | {"tilt_deg": 3.0})
    assert position.fix is FixQuality.AUTONOMOUS


def test_a_reading_that_says_nothing_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        VitalsReading.from_fields({"kind": "vitals"})


def test_a_body_that_no_reader_takes_is_not_made() -> None:
    names = tuple(
        HospitalEntry(hospital_id=f"h-{number}", name="\u533b" * 120) for number in range(120)
    )
    order = HospitalsOrder(
        order_id=str(uuid.uuid4()), hospitals=names, given_utc_us=1, expires_utc_us=2
    )
    assert len(order.to_body()) <= MAX_BODY_BYTES
    note = PatientNote(encounter_id=str(uuid.uuid4()), complaint="x", by="Chen").model_copy(
        update={"complaint": "x" * 70_000}
    )
    with pytest.raises(LocalProtocolError, match="too long"):
        note.to_body()
