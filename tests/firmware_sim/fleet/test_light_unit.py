"""A light unit without a network: what it says, keeps, and admits to have dropped."""

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from firmware_sim.fleet import Credential, LightUnit, read_credentials
from firmware_sim.fleet.journal import MAX_RECORDS, SHED_RECORDS
from protocols.errors import ConfigError
from protocols.link.ack import encode_ack
from protocols.link.frame import Frame
from protocols.link.frame_reader import decode_frame
from protocols.link.receiver import Receiver
from protocols.link.schedule import LIVE_S
from protocols.link.streams import Lane, Stream
from protocols.messages.position import Position
from protocols.messages.status import Gap, StatusChange, TimeNodeStamp

NOW_US = 1_800_000_000_000_000


def _unit(profile: Literal["ambulance", "patrol"] = "ambulance", seed: int = 1) -> LightUnit:
    credential = Credential(
        unit="L-001", password=SecretStr("x"), profile=profile, call_sign="Light 1"
    )  # fmt: skip
    unit = LightUnit(credential, seed=seed)
    unit.begin(now_utc_us=NOW_US, now_s=0.0)
    return unit


def _drive(
    unit: LightUnit, seconds: int, *, begin_s: int = 0, receiver: Receiver | None = None
) -> list[Frame]:
    """Let seconds pass before a hub that commits and answers at once; return the frames."""
    receiver = receiver or Receiver(journal=unit.journal_id)
    frames: list[Frame] = []
    for second in range(begin_s + 1, begin_s + seconds + 1):
        now_us, now_s = NOW_US + second * 1_000_000, float(second)
        unit.second(now_utc_us=now_us, now_s=now_s)
        for _, payload in unit.frames(now_utc_us=now_us, now_s=now_s):
            frame = decode_frame(payload)
            frames.append(frame)
            receiver.committed(frame.stream, receiver.offer(frame, now_s=now_s), now_s=now_s)
            ack = receiver.take_ack(now_utc_us=now_us)
            if ack is not None:
                unit.heard(encode_ack(ack), now_s=now_s)
    return frames


def _bodies(frames: list[Frame], stream: Stream) -> list[bytes]:
    return [record.body for frame in frames if frame.stream is stream for record in frame.records]


def test_one_position_a_second_and_nothing_left_once_acknowledged() -> None:
    unit = _unit()
    unit.connected(now_s=0)
    frames = _drive(unit, 60)
    positions = [Position.from_body(body) for body in _bodies(frames, Stream.POSITION)]
    statuses = [StatusChange.from_body(body) for body in _bodies(frames, Stream.STATUS)[:1]]

    assert len(positions) == 60
    assert all(22.5 < p.latitude_deg < 24 and 112.9 < p.longitude_deg < 114.1 for p in positions)
    assert statuses[0].status == "available"
    assert unit.waiting == 0


def test_the_same_seed_drives_the_same_way() -> None:
    roads = []
    for seed in (1, 1, 2):
        unit = _unit(seed=seed)
        unit.connected(now_s=0)
        roads.append(_bodies(_drive(unit, 30), Stream.POSITION))

    assert roads[0] == roads[1] != roads[2]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("ambulance", ["roll", "arrive", "contact", "load", "arrive_hospital", "hand_over",
                       "clear"]),
        ("patrol", ["roll", "arrive", "clear"]),
    ],
)  # fmt: skip
def test_a_crew_goes_through_its_run_with_a_time_node_at_each_step(
    profile: Literal["ambulance", "patrol"], expected: list[str]
) -> None:
    unit = _unit(profile)
    unit.connected(now_s=0)
    bodies = _bodies(_drive(unit, 8_000), Stream.STATUS)[1:]
    changes = [StatusChange.from_body(body) for body in bodies[0::2]]
    nodes = [TimeNodeStamp.from_body(body) for body in bodies[1::2]]

    assert [change.event for change in changes[: len(expected)]] == expected
    assert len({change.run_id for change in changes[: len(expected)]}) == 1
    assert [node.run_id for node in nodes] == [change.run_id for change in changes]
    assert nodes[0].node == "rolling"


def test_after_an_outage_the_newest_goes_first_and_all_of_it_arrives() -> None:
    unit = _unit()
    unit.connected(now_s=0)
    receiver = Receiver(journal=unit.journal_id)
    _drive(unit, 10, receiver=receiver)
    unit.disconnected()
    assert _drive(unit, 300, begin_s=10) == []
    unit.connected(now_s=310)
    frames = _drive(unit, 20, begin_s=310, receiver=receiver)
    positions = [frame for frame in frames if frame.stream is Stream.POSITION]
    seqs = sorted(seq for f in positions for seq in range(f.first_seq, f.last_seq + 1))

    assert positions[0].lane is Lane.LIVE
    assert positions[0].first_seq > 310 - LIVE_S
    assert seqs == list(range(11, 331))
    assert unit.waiting == 0


class _Hub:
    """Commits what is new, and answers; no record is new twice."""

    def __init__(self, unit: LightUnit) -> None:
        self.stored: list[tuple[Stream, int]] = []
        self._receiver = Receiver(journal=unit.journal_id)

    def take(self, payloads: list[bytes]) -> list[bytes]:
        for frame in map(decode_frame, payloads):
            spans = self._receiver.offer(frame, now_s=0)
            self.stored += [
                (frame.stream, seq) for first, last in spans for seq in range(first, last + 1)
            ]
            self._receiver.committed(frame.stream, spans, now_s=0)
        ack = self._receiver.take_ack(now_utc_us=NOW_US)
        return [] if ack is None else [encode_ack(ack)]


@given(st.lists(st.sampled_from(["answered", "lost", "late", "off", "on"]), max_size=40))
def test_whatever_becomes_of_frames_and_acks_every_record_arrives_and_nothing_is_made_up(
    happens: list[str],
) -> None:
    unit = _unit()
    unit.connected(now_s=0)
    hub = _Hub(unit)
    late: list[bytes] = []
    last: list[bytes] = []  # what the hub said before, and may say once more
    seconds = [*happens, "on", *["answered"] * 60]
    for second, what in enumerate(seconds, start=1):
        now_us, now_s = NOW_US + second * 1_000_000, float(second)
        if what in {"off", "on"}:
            unit.disconnected()
        if what == "on":
            unit.connected(now_s=now_s)
        unit.second(now_utc_us=now_us, now_s=now_s)
        payloads = [payload for _, payload in unit.frames(now_utc_us=now_us, now_s=now_s)]
        if what == "lost":
            for ack in last:
                unit.heard(ack, now_s=now_s)
            continue
        acks = hub.take(payloads)
        if what == "late":
            late += acks
            continue
        last = acks
        for ack in [*acks, *late]:
            unit.heard(ack, now_s=now_s)
        late.clear()
    assert unit.waiting == 0
    positions = sorted(seq for stream, seq in hub.stored if stream is Stream.POSITION)
    assert positions == list(range(1, len(seconds) + 1))


def test_what_a_full_journal_drops_is_itself_a_record() -> None:
    unit = _unit()
    _drive(unit, MAX_RECORDS + 1)
    unit.connected(now_s=0)
    frames = _drive(unit, 120, begin_s=MAX_RECORDS + 1)
    gaps = [body for body in _bodies(frames, Stream.STATUS) if b"gap" in body]
    seqs = {
        seq
        for frame in frames
        if frame.stream is Stream.POSITION
        for seq in range(frame.first_seq, frame.last_seq + 1)
    }

    gap = Gap.from_body(gaps[0])
    assert len(gaps) == 1
    assert (gap.stream, gap.first_seq, gap.last_seq) == (Stream.POSITION, 1, SHED_RECORDS)
    assert (gap.first_captured_utc_us, gap.reason) == (NOW_US + 1_000_000, "retention")
    assert seqs == set(range(SHED_RECORDS + 1, MAX_RECORDS + 122))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        '{"unit": "a b", "password": "x", "profile": "patrol", "call_sign": "x"}',
        '{"unit": "a", "password": "secret-1", "profile": "tank", "call_sign": "x"}',
        '{"unit": "a", "password": "x", "profile": "patrol", "call_sign": "x"}\n' * 2,
    ],
)
def test_a_bad_file_of_credentials_is_refused_without_repeating_a_secret(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "units.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_credentials(path)

    assert "secret-1" not in str(refused.value)
