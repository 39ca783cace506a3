"""The pure part of a conversation: who gets whose packets, on which stream, by which clock."""

from hypothesis import given
from hypothesis import strategies as st

from hub.media.backend import SourceId
from hub.media.fanout import ViewerQueue
from hub.media.talk import Talk
from hub.media.tap import Frame
from protocols.ids import CameraId, UnitId


class Hand:
    """A conversation with its clock in the hand."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.talk = Talk(
            source=SourceId(UnitId("amb-1"), CameraId("encounter")), now_s=lambda: self.now_s
        )
        self.count = 0

    def say(self, session: str, level_dbov: int = 30) -> None:
        self.now_s += 0.02
        self.count += 1
        name = session.encode()
        frame = Frame((name,), self.count * 960, is_key=True, size_bytes=len(name))
        self.talk.take(session, frame, level_dbov)


def taken(queue: ViewerQueue) -> list[Frame]:
    frames = list(queue._frames)
    queue._frames.clear()
    return frames


def voices(queues: list[ViewerQueue]) -> list[set[bytes]]:
    return [{frame.payloads[0] for frame in taken(queue)} for queue in queues]


def test_a_voice_goes_to_the_others_with_its_level_and_not_to_itself() -> None:
    hand = Hand()
    mine = hand.talk.join("a", "chen", 2)
    others = hand.talk.join("b", "li", 2)
    hand.say("a", 33)
    assert voices(mine) == [set(), set()]
    (frame,) = taken(others[0])
    assert (frame.payloads, frame.level_dbov) == ((b"a",), 33)


def test_a_person_with_two_sessions_does_not_hear_themselves() -> None:
    hand = Hand()
    hand.talk.join("a", "chen", 1)
    second = hand.talk.join("b", "chen", 1)
    hand.say("a")
    assert voices(second) == [set()]


def test_each_voice_keeps_its_stream() -> None:
    hand = Hand()
    queues = hand.talk.join("x", "crew", 2)
    for session in ("a", "b"):
        hand.talk.join(session, session, 0)
    for _ in range(5):
        hand.say("b")
        hand.say("a")
    assert voices(queues) == [{b"b"}, {b"a"}]


def test_with_more_voices_than_streams_who_speaks_is_heard() -> None:
    hand = Hand()
    queues = hand.talk.join("x", "crew", 1)
    for session in ("a", "b"):
        hand.talk.join(session, session, 0)
    for _ in range(5):
        hand.say("a")
    for _ in range(5):
        hand.say("b")  # a spoke just now, and keeps the stream
    assert voices(queues) == [{b"a"}]
    for _ in range(60):
        hand.say("a", 90)
        hand.say("b")
    assert voices(queues)[0] == {b"a", b"b"}
    hand.say("b")
    assert voices(queues) == [{b"b"}]


def test_a_stream_that_changes_hands_goes_on_with_one_clock() -> None:
    hand = Hand()
    (queue,) = hand.talk.join("x", "crew", 1)
    hand.talk.join("a", "a", 0)
    hand.say("a")
    hand.talk.leave("a")
    hand.talk.join("b", "b", 0)
    hand.count = 4_000_000  # another clock
    hand.say("b")
    hand.say("b")
    first, second, third = (frame.timestamp for frame in taken(queue))
    assert 0 < second - first < 48_000
    assert third - second == 960


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 127)), max_size=200))
def test_nobody_ever_hears_themselves_and_no_stream_mixes_clocks(
    said: list[tuple[str, int]],
) -> None:
    hand = Hand()
    queues = {each: hand.talk.join(each, each, 2) for each in "abcd"}
    for session, level in said:
        hand.say(session, level)
    for listener, mine in queues.items():
        for queue in mine:
            frames = taken(queue)
            assert all(frame.payloads != (listener.encode(),) for frame in frames)
            stamps = [frame.timestamp for frame in frames]
            assert stamps == sorted(stamps)
