"""Records of before the time was known are corrected where no jump may have caught them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.timekeeping.undated import MOST_STRETCHES, Undated
from protocols.link.streams import Stream
from protocols.messages import ClockCorrection

S_US = 1_000_000
OFFSET_US = 1_800_000_000 * S_US


def add(undated: Undated, seq: int, *, at_us: int, computer_off_us: int, age_us: int = 0) -> int:
    """Accept a record now; return when it was captured by the computer's clock."""
    computer_us = at_us + computer_off_us
    undated.appended(
        Stream.VITALS, seq, captured_utc_us=computer_us - age_us, steady_us=at_us,
        computer_us=computer_us,
    )  # fmt: skip
    return computer_us - age_us


def spans(corrections: list[ClockCorrection]) -> list[tuple[int, int, int]]:
    return [(s.first_seq, s.last_seq, c.add_us) for c in corrections for s in c.spans]


def test_what_a_computer_of_1970_stamped_is_moved_to_where_it_belongs() -> None:
    undated = Undated()
    for seq in (1, 2, 3):
        add(undated, seq, at_us=seq * S_US, computer_off_us=100 * S_US)
    assert spans(undated.corrections(OFFSET_US, 500_000)) == [(1, 3, OFFSET_US - 100 * S_US)]
    assert undated.corrections(OFFSET_US, 500_000) == []


def test_before_and_after_a_jump_each_is_moved_by_its_own_way() -> None:
    undated = Undated()
    for seq in range(1, 4):
        add(undated, seq, at_us=seq * S_US, computer_off_us=0)
    for seq in range(4, 14):
        add(undated, seq, at_us=seq * S_US, computer_off_us=86_400 * S_US)
    found = spans(undated.corrections(OFFSET_US, 500_000))
    assert found == [(1, 3, OFFSET_US), (9, 13, OFFSET_US - 86_400 * S_US)]


def test_a_record_that_waited_through_a_jump_stays_marked() -> None:
    undated = Undated()
    add(undated, 1, at_us=S_US, computer_off_us=0)
    undated.look(steady_us=2 * S_US, computer_us=2 * S_US + 47 * S_US)
    add(undated, 2, at_us=60 * S_US, computer_off_us=47 * S_US)
    add(undated, 3, at_us=61 * S_US, computer_off_us=47 * S_US, age_us=70 * S_US)
    add(undated, 4, at_us=62 * S_US, computer_off_us=47 * S_US)
    found = spans(undated.corrections(OFFSET_US, 500_000))
    moved = OFFSET_US - 47 * S_US
    assert found == [(1, 1, OFFSET_US), (2, 2, moved), (4, 4, moved)]


def test_a_clock_that_is_being_slewed_widens_the_error() -> None:
    undated = Undated()
    for seq in range(1, 5):
        add(undated, seq, at_us=seq * S_US, computer_off_us=seq * 100_000)
    (correction,) = undated.corrections(OFFSET_US, 500_000)
    assert correction.add_us == OFFSET_US - 250_000
    assert correction.error_us == 650_000


def test_a_clock_that_jumps_for_ever_is_remembered_within_bounds() -> None:
    undated = Undated()
    for seq in range(1, 1_000):
        add(undated, seq, at_us=seq * 10 * S_US, computer_off_us=seq * S_US)
        add(undated, seq, at_us=(seq * 10 + 6) * S_US, computer_off_us=seq * S_US)
    assert 0 < len(undated.corrections(OFFSET_US, 1)) <= MOST_STRETCHES


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20 * S_US),
            st.sampled_from([0, 0, 0, 600_000, -600_000, 47 * S_US, -86_400 * S_US]),
            st.integers(0, 3 * S_US),
        ),
        max_size=60,
    )
)
def test_no_record_is_moved_wrongly(steps: list[tuple[int, int, int]]) -> None:
    """Each waits up to three seconds between its stamp and the disk, while the clock may jump."""
    undated, at_us, off_us = Undated(), 0, 1_700_000_000 * S_US
    stamped: dict[int, tuple[int, int]] = {}  # seq → true, stamped
    for seq, (passed_us, jump_us, waits_us) in enumerate(steps, 1):
        at_us += passed_us
        undated.look(steady_us=at_us, computer_us=at_us + off_us)
        true_us, said_us = at_us, at_us + off_us
        at_us += waits_us
        off_us += jump_us
        undated.appended(
            Stream.VITALS, seq, captured_utc_us=said_us, steady_us=at_us,
            computer_us=at_us + off_us,
        )  # fmt: skip
        stamped[seq] = (true_us + OFFSET_US, said_us)
    for correction in undated.corrections(OFFSET_US, 0):
        for span in correction.spans:
            for seq in range(span.first_seq, span.last_seq + 1):
                true_us, said_us = stamped[seq]
                assert abs(said_us + correction.add_us - true_us) <= correction.error_us


def test_a_correction_of_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least 1 item"):
        ClockCorrection(spans=(), add_us=1, error_us=1)
