"""Questions for key frames become few requests, and everyone who asks is served."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hub.media.keyframes import KeyframeRequests


def test_the_first_question_is_passed_on_at_once() -> None:
    requests = KeyframeRequests()
    assert requests.due_s(5.0) is None
    requests.ask()
    assert requests.due_s(5.0) == 5.0


def test_questions_within_the_interval_are_one_request_at_its_end() -> None:
    requests = KeyframeRequests(interval_s=0.5)
    requests.ask()
    requests.sent(5.0)
    requests.seen()
    for _ in range(3):
        requests.ask()
    assert requests.due_s(5.1) == 5.5  # the trailing edge: without it the three stay black
    requests.sent(5.5)
    requests.seen()
    assert requests.due_s(6.0) is None


def test_a_request_without_answer_is_repeated_ever_more_slowly() -> None:
    requests = KeyframeRequests(interval_s=0.5)
    requests.ask()
    sent_s, waits_s = 0.0, []
    for _ in range(7):
        requests.sent(sent_s)
        due_s = requests.due_s(sent_s)
        assert due_s is not None
        waits_s.append(due_s - sent_s)
        sent_s = due_s
    assert waits_s == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]


def test_a_new_publisher_is_asked_at_once() -> None:
    requests = KeyframeRequests(interval_s=0.5)
    requests.ask()
    requests.sent(5.0)
    requests.restart()
    requests.ask()
    assert requests.due_s(5.1) == 5.1


@given(st.lists(st.tuples(st.sampled_from("aks"), st.floats(0, 0.4)), max_size=60))
def test_requests_keep_their_distance_and_no_question_is_forgotten(
    events: list[tuple[str, float]],
) -> None:
    requests = KeyframeRequests(interval_s=0.3)
    now_s, sent, waiting = 0.0, [], False
    for kind, step_s in events:
        now_s += step_s
        if kind == "a":
            requests.ask()
            waiting = True
        elif kind == "k":
            requests.seen()
            waiting = False
        due_s = requests.due_s(now_s)
        assert (due_s is not None) == waiting
        if due_s is not None and due_s <= now_s:
            requests.sent(now_s)
            sent.append(now_s)
    assert all(later - earlier >= 0.3 - 1e-9 for earlier, later in pairwise(sent))
