"""Advice that went astray, came twice, too late or in the wrong order is found."""

from typing import Any

from goldenhour.chaos.doctor import Given
from goldenhour.chaos.orders import CLOCKS_US, Answered, OrdersVerdict, Outgoing, judge

NOON_US = 1_800_000_000_000_000
GIVEN = [Given("A", "one", NOON_US), Given("A", "two", NOON_US), Given("B", "three", NOON_US)]
OUTGOING = {
    "one": Outgoing("A", 1, "confirmed"),
    "two": Outgoing("A", 2, "delivered"),
    "three": Outgoing("B", 1, "delivered"),
}


def said(
    order_id: str, state: str = "delivered", journal: str = "j", at_us: int = NOON_US
) -> Answered:
    return Answered(journal, order_id, state, at_us)


ANSWERS = {"A": [said("one"), said("one", "confirmed"), said("two")], "B": [said("three")]}


def judged(**changes: Any) -> dict[str, int]:
    usual: dict[str, Any] = {
        "outgoing": OUTGOING,
        "answers": ANSWERS,
        "confirmed": {},
        "given_up": {},
    }
    verdict = judge(GIVEN, **(usual | changes))
    names = ("expired", "declared", "astray", "twice", "out_of_order", "late")
    assert verdict.given == len(GIVEN)
    return {name: getattr(verdict, name) for name in names if getattr(verdict, name)}


def test_advice_that_each_vehicle_took_up_once_in_order_is_well() -> None:
    assert judged() == {}


def test_advice_that_nobody_took_up_is_astray_unless_its_giver_was_told() -> None:
    assert judged(answers={"A": ANSWERS["A"]}) == {"astray": 1}
    told = OUTGOING | {"three": Outgoing("B", 1, "expired")}
    assert judged(answers={"A": ANSWERS["A"]}, outgoing=told) == {"expired": 1}
    gone = {key: value for key, value in OUTGOING.items() if key != "three"}
    assert judged(answers={"A": ANSWERS["A"]}, outgoing=gone) == {"astray": 1}
    # what another vehicle took up does not count
    assert judged(answers={"A": [*ANSWERS["A"], said("three", journal="k")]}) == {"astray": 1}


def test_an_answer_that_is_gone_and_declared_accounts_for_one_advice() -> None:
    nothing: dict[str, list[Answered]] = {"A": [], "B": ANSWERS["B"]}
    both = OUTGOING | {"one": Outgoing("A", 1, "delivered")}
    assert judged(answers=nothing, outgoing=both) == {"astray": 2}
    for given_up, found in (
        ({"A": 1}, {"declared": 1, "astray": 1}),
        ({"A": None}, {"declared": 2}),
        ({"B": 5}, {"astray": 2}),
    ):
        assert judged(answers=nothing, outgoing=both, given_up=given_up) == found


def test_advice_that_was_taken_up_twice_is_found() -> None:
    again = {"A": [*ANSWERS["A"], said("two", journal="k")], "B": ANSWERS["B"]}
    assert judged(answers=again) == {"twice": 1}


def test_advice_that_was_taken_up_after_a_later_one_is_found() -> None:
    turned = {"A": [said("two"), said("one")], "B": ANSWERS["B"]}
    assert judged(answers=turned) == {"out_of_order": 1}
    other_journal = {"A": [said("two"), said("one", journal="k")], "B": ANSWERS["B"]}
    assert judged(answers=other_journal) == {}


def test_what_was_salvaged_behind_what_came_meanwhile_was_taken_up_before_it() -> None:
    salvaged = {"A": [said("two"), said("one", at_us=NOON_US - 1)], "B": ANSWERS["B"]}
    assert judged(answers=salvaged) == {}


def test_advice_that_was_confirmed_too_late_is_found() -> None:
    assert judged(confirmed={"one": NOON_US + CLOCKS_US}) == {}
    assert judged(confirmed={"one": NOON_US + CLOCKS_US + 1}) == {"late": 1}


def test_verdicts_add_up() -> None:
    one = OrdersVerdict(given=1, expired=2, declared=9, astray=3, twice=4, out_of_order=5, late=6)
    assert one + one == OrdersVerdict(
        given=2, expired=4, declared=18, astray=6, twice=8, out_of_order=10, late=12
    )
