"""Who is in the room: one seat a person, left once and for one reason."""

from hypothesis import given
from hypothesis import strategies as st

from protocols.consult import seats as rule
from protocols.consult.seats import GRACE_US, Happened, Left, Seat, Seats


def seat(subject: str, screen: int, at_us: int = 0) -> Seat:
    return Seat(
        subject=subject, name=subject, organisation="H", role="doctor", joined_utc_us=at_us,
        screen=screen,
    )  # fmt: skip


def what(happened: list[Happened]) -> list[tuple[str, str]]:
    return [(word, one.subject) for word, one in happened]


def test_one_comes_and_goes() -> None:
    room, happened = rule.taken({}, seat("ann", 1))
    assert what(happened) == [("joined", "ann")]
    assert rule.taken(room, seat("ann", 1)) == (room, [])
    room, happened = rule.left(room, "ann", Left.CLOSED, screen=1)
    assert (what(happened), room) == ([("closed", "ann")], {})
    assert rule.left(room, "ann", Left.CLOSED) == ({}, [])


def test_a_newer_screen_takes_the_seat_and_the_older_one_s_going_changes_nothing() -> None:
    room, _ = rule.taken({}, seat("ann", 1))
    room, happened = rule.taken(room, seat("ann", 2, at_us=9))
    assert what(happened) == [("replaced", "ann")]
    assert room["ann"].joined_utc_us == 0
    assert rule.left(room, "ann", Left.CLOSED, screen=1) == (room, [])
    assert rule.lost(room, 1, now_utc_us=9) == (room, [])


def test_a_broken_connection_keeps_the_seat_for_a_while() -> None:
    room, _ = rule.taken({}, seat("ann", 1))
    room, happened = rule.lost(room, 1, now_utc_us=10)
    assert what(happened) == [("away", "ann")]
    assert rule.swept(room, now_utc_us=10 + GRACE_US - 1) == (room, [])
    back, happened = rule.taken(room, seat("ann", 2, at_us=11))
    assert (what(happened), back["ann"].lost_utc_us) == ([("back", "ann")], None)
    gone, happened = rule.swept(room, now_utc_us=10 + GRACE_US)
    assert (what(happened), gone) == ([("lost", "ann")], {})


def test_a_page_that_was_closed_and_not_loaded_again_left_by_itself() -> None:
    room, _ = rule.taken({}, seat("ann", 1))
    room, _ = rule.lost(room, 1, now_utc_us=0, going=Left.CLOSED)
    assert what(rule.swept(room, now_utc_us=GRACE_US)[1]) == [("closed", "ann")]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["take", "lose", "leave", "sweep"]),
        st.sampled_from(["ann", "bo"]), st.integers(1, 3),
    )
)  # fmt: skip


@given(moves=MOVES)
def test_every_joining_is_followed_by_one_leaving(moves: list[tuple[str, str, int]]) -> None:
    room: Seats = {}
    inside: set[str] = set()
    for now_s, (move, who, number) in enumerate(moves):
        screen = number if who == "ann" else number + 10
        now_us = now_s * GRACE_US // 2
        if move == "take":
            room, happened = rule.taken(room, seat(who, screen, now_us))
        elif move == "lose":
            room, happened = rule.lost(room, screen, now_utc_us=now_us)
        elif move == "leave":
            room, happened = rule.left(room, who, Left.CLOSED, screen=screen)
        else:
            room, happened = rule.swept(room, now_utc_us=now_us)
        for word, one in happened:
            if word == "joined":
                assert one.subject not in inside
                inside.add(one.subject)
            elif one.subject not in room:
                inside.remove(one.subject)
        assert set(room) == inside
