"""From packets to frames: in order, at once, and never a smeared picture."""

import random
from itertools import pairwise

from hub.media.tap import HOLD_S, AudioTap, Frame, VideoTap
from tests.hub.media.pictures import RtpPacket, access_units, packets


class Time:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.losses = 0
        self.time = Time()
        self.tap = VideoTap(emit=self.frames.append, on_loss=self._lost, now_s=self.time)

    def _lost(self) -> None:
        self.losses += 1

    def feed(self, *given: RtpPacket, step_s: float = 0.0) -> None:
        for packet in given:
            self.time.now_s += step_s
            self.tap.add(packet)


def test_frames_leave_with_their_last_packet() -> None:
    units = access_units(5)
    bench = Bench()
    for index, packet in enumerate(packets(units)):
        bench.feed(packet)
        done = sum(p.marker for p in packets(units)[: index + 1])
        assert len(bench.frames) == done
    assert [list(frame.payloads) for frame in bench.frames] == units
    assert [frame.is_key for frame in bench.frames] == [True, False, False, False, False]


def test_packets_out_of_order_make_the_same_frames() -> None:
    units = access_units(6)
    given = packets(units)
    rng = random.Random(3)
    for start in range(1, len(given) - 4, 4):
        chunk = given[start : start + 4]
        rng.shuffle(chunk)
        given[start : start + 4] = chunk
    bench = Bench()
    bench.feed(*given)
    assert [list(frame.payloads) for frame in bench.frames] == units
    assert bench.losses == 0


def test_after_a_loss_nothing_leaves_until_the_next_key_frame() -> None:
    units = access_units(12, keys=frozenset({0, 9}))
    given = [p for p in packets(units) if p.timestamp != 3 * 6_000 or p.marker]
    bench = Bench()
    bench.feed(*given, step_s=0.02)
    assert bench.losses == 1
    assert [list(frame.payloads) for frame in bench.frames] == units[:3] + units[9:]


def test_a_retransmission_within_the_hold_loses_nothing() -> None:
    units = access_units(6)
    given = packets(units)
    late = given.pop(len(units[0]) + 1)
    bench = Bench()
    bench.feed(*given[:-2])
    bench.time.now_s += HOLD_S * 0.9
    bench.feed(late, *given[-2:])
    assert [list(frame.payloads) for frame in bench.frames] == units
    assert bench.losses == 0


def test_many_gaps_are_waited_for_together_and_not_one_after_the_other() -> None:
    units = access_units(60, keys=frozenset({0, 20}))
    given = packets(units)
    burst_ends = next(p for p in given if p.timestamp > 10 * 6_000 and p.marker).sequence_number
    bench = Bench()
    lost = [p for p in given[20:burst_ends] if p.sequence_number % 3 == 0]
    assert len(lost) > 5
    key_at_s = None
    for packet in given:
        if packet in lost:
            continue
        bench.feed(packet, step_s=0.03)
        if packet.timestamp == 20 * 6_000 and packet.marker:
            key_at_s = bench.time.now_s
        if key_at_s is not None and bench.frames[-1].timestamp >= 20 * 6_000:
            break
    assert key_at_s is not None
    assert bench.frames[-1].timestamp >= 20 * 6_000
    assert bench.time.now_s - key_at_s <= HOLD_S


def test_a_duplicate_changes_nothing() -> None:
    units = access_units(4)
    bench = Bench()
    for packet in packets(units):
        bench.feed(packet, packet)
    assert [list(frame.payloads) for frame in bench.frames] == units


def test_a_sender_that_begins_afresh_is_followed_from_its_key_frame() -> None:
    units = access_units(4)
    bench = Bench()
    bench.feed(*packets(units, first_sequence=30_000))
    bench.feed(*packets(units, first_sequence=20_000))
    assert [list(frame.payloads) for frame in bench.frames] == units + units


def test_a_stream_joined_in_the_middle_begins_with_a_key_frame() -> None:
    units = access_units(8, keys=frozenset({0, 5}))
    bench = Bench()
    bench.feed(*packets(units)[len(units[0]) + 1 :])
    assert [list(frame.payloads) for frame in bench.frames] == units[5:]


def test_padding_is_not_media() -> None:
    units = access_units(3)
    given = packets(units)
    for packet in given[len(units[0]) :]:
        packet.sequence_number = (packet.sequence_number + 1) & 0xFFFF
    padding = RtpPacket((given[len(units[0]) - 1].sequence_number + 1) & 0xFFFF, 0, 0, b"")
    bench = Bench()
    bench.feed(*given[: len(units[0])], padding, *given[len(units[0]) :])
    assert [list(frame.payloads) for frame in bench.frames] == units


def test_what_is_held_is_bounded() -> None:
    bench = Bench()
    unit = access_units(1)[0]
    bench.feed(RtpPacket(0, 0, 1, unit[0]))
    for sequence in range(2, 6_000):
        bench.feed(RtpPacket(sequence, sequence * 90, 1, b"\x41\x00"))
        assert len(bench.tap._held) <= 1_025


def test_audio_leaves_at_once_whatever_is_missing() -> None:
    frames: list[Frame] = []
    tap = AudioTap(emit=frames.append)
    for sequence in (1, 2, 5, 4, 9):
        tap.add(RtpPacket(sequence, sequence * 960, 1, b"opus"))
    assert [frame.timestamp // 960 for frame in frames] == [1, 2, 5, 4, 9]
    assert all(a is not b for a, b in pairwise(frames))
