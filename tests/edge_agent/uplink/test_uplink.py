"""The uplink over a real broker through simulated modems: outages, two paths, a hub away."""

import asyncio
from collections.abc import Sequence
from itertools import dropwhile
from pathlib import Path

import pytest

from edge_agent.uplink.way import SILENT_S
from firmware_sim.modem import LinkChange
from protocols.clock import ClockSource
from protocols.ids import JournalId, Seq
from protocols.link import Frame, Lane, Record, Stream, encode_frame
from protocols.messages import DirectoryOrder, Presence
from tests.edge_agent.journal.filling import alarm, pulse
from tests.edge_agent.uplink.ground import Ground, ground

ORDER_ID = "6f2f9d0e-8a39-4a3c-9a65-0d2f6c1f6a01"


def cut(there: Ground, path: str = "main", *, reset: bool = False) -> None:
    there.modems[path].change(LinkChange(cut_s=0, reset=reset))


def an_order() -> bytes:
    """Return a frame of one order, as the hub sends it."""
    body = DirectoryOrder(order_id=ORDER_ID, given_utc_us=1, expires_utc_us=2).to_body()
    record = Record(captured_utc_us=1, body=body)
    return encode_frame(
        Frame(
            journal=JournalId(ORDER_ID),
            stream=Stream.ORDER,
            first_seq=Seq(1),
            lane=Lane.LIVE,
            sent_utc_us=1,
            clock=ClockSource.RTC,
            clock_error_us=None,
            records=(record,),
        )
    )


def restore(there: Ground, path: str = "main") -> None:
    there.modems[path].change(LinkChange(restore=True))


async def accept_vitals(there: Ground, count: int) -> None:
    for bpm in range(count):
        await there.accept(Stream.VITALS, pulse(60 + bpm % 60))


async def test_what_is_accepted_is_acknowledged(tmp_path: Path) -> None:
    async with ground(tmp_path) as there:
        await accept_vitals(there, 30)
        await there.until(there.has_all)
        assert len(there.hub.rows) == 30


async def test_nothing_is_sent_before_the_hub_has_said_what_it_has(tmp_path: Path) -> None:
    async with ground(tmp_path, is_deaf=True) as there:
        await there.until(lambda: bool(there.hub.births))
        await accept_vitals(there, 3)
        await asyncio.sleep(0.5)  # time in which frames would have left
        assert there.uplink.sent_bytes == 0
        there.hub.is_deaf = False
        await there.hub.greet(there.hub.births[-1])
        await there.until(there.has_all)


@pytest.mark.parametrize("reset", [False, True], ids=["silent", "with a reset"])
async def test_the_first_live_value_is_there_within_a_second_of_the_links_return(
    tmp_path: Path, *, reset: bool
) -> None:
    async with ground(tmp_path) as there:
        await accept_vitals(there, 3)
        await there.until(there.has_all)
        cut(there, reset=reset)
        await there.until(lambda: not there.uplink.is_connected, within_s=15)
        await accept_vitals(there, 20)
        before = len(there.hub.rows)
        restore(there)
        took_s = await there.until(lambda: len(there.hub.rows) > before, within_s=10)
        await there.until(there.has_all)
    assert took_s < 1.0


async def test_a_link_that_carries_nothing_is_known_within_ten_seconds(tmp_path: Path) -> None:
    async with ground(tmp_path) as there:
        cut(there)
        await accept_vitals(there, 1)
        assert await there.until(lambda: not there.uplink.is_connected, within_s=12) < 10


async def test_a_hub_that_is_away_is_not_taken_for_a_dead_link(tmp_path: Path) -> None:
    async with ground(tmp_path) as there:
        await accept_vitals(there, 3)
        await there.until(there.has_all)
        there.hub.is_deaf = True
        await accept_vitals(there, 3)
        await there.until(lambda: not there.uplink.is_answered, within_s=10)
        await asyncio.sleep(1)  # time in which a connection would be given up, were it thought dead
        assert there.uplink.is_connected
        there.hub.is_deaf = False
        await there.until(there.has_all, within_s=20)


async def test_an_answered_order_leaves_no_silence_to_be_noticed(tmp_path: Path) -> None:
    """The hub does not acknowledge acks: a vehicle that has nothing else to say is not cut off."""
    async with ground(tmp_path) as there:
        await accept_vitals(there, 1)
        await there.until(there.has_all)
        await there.hub.order(an_order())
        await there.until(lambda: bool(there.hub.order_acks))
        await asyncio.sleep(SILENT_S + 1)  # time in which its silence would be noticed
        assert there.uplink.is_answered
        assert len(there.hub.births) == 1, "the broker was asked whether it lives"


async def test_alarms_go_on_both_paths_and_are_stored_once(tmp_path: Path) -> None:
    async with ground(tmp_path, paths=("5g", "lte")) as there:
        for number in range(5):
            await there.accept(Stream.ALARM, alarm(number))
        await accept_vitals(there, 10)
        await there.until(lambda: there.has_all() and len(_copies(there, Stream.ALARM)) >= 10)
        assert len(_copies(there, Stream.VITALS)) == 10
        assert sorted(seq for stream, seq in there.hub.rows if stream is Stream.ALARM) == [
            1, 2, 3, 4, 5,
        ]  # fmt: skip


async def test_a_path_that_goes_quiet_costs_no_message_and_delays_no_alarm(tmp_path: Path) -> None:
    async with ground(tmp_path, paths=("5g", "lte")) as there:
        await accept_vitals(there, 10)
        await there.until(there.has_all)
        assert there.uplink.sender.best == "5g"
        cut(there, "5g")
        await there.accept(Stream.ALARM, alarm(1))
        took_s = await there.until(lambda: (Stream.ALARM, 1) in there.hub.rows)
        assert took_s < 1.0
        await accept_vitals(there, 10)
        await there.until(there.has_all, within_s=10)
        assert there.uplink.sender.best == "lte"
        await there.until(lambda: not there.uplink.ways[0].is_connected, within_s=15)
        assert there.uplink.is_answered
        restore(there, "5g")
        await there.until(lambda: there.uplink.ways[0].is_connected)
        await accept_vitals(there, 3)
        await there.until(there.has_all)
        assert there.uplink.sender.best == "5g"


async def test_one_paths_death_is_followed_by_the_others_word_that_the_unit_lives(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path, paths=("5g", "lte")) as there:
        await there.until(lambda: len(there.hub.births) >= 2)
        assert {birth.path for birth in there.hub.births} == {None, "lte"}
        cut(there, "lte", reset=True)
        await there.until(lambda: any(not birth.online for birth in there.hub.births))
        await there.until(lambda: _is_vouched_for_after_a_will(there.hub.births))


def _is_vouched_for_after_a_will(births: Sequence[Presence]) -> bool:
    """Whether the first path spoke up after the broker had said that the unit is gone."""
    said = dropwhile(lambda birth: birth.online, births)
    return any(birth.online and birth.path is None for birth in said)


def _copies(there: Ground, stream: Stream) -> list[int]:
    return [
        seq
        for frame in there.hub.copies
        if frame.stream is stream
        for seq in range(frame.first_seq, frame.last_seq + 1)
    ]
