"""A vehicle's uploader against a real hub's API: cut, resumed, behind live data, never twice."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.backoff import Backoff
from edge_agent.hub_http import HubAccess
from edge_agent.recording.hub import HubRecordings
from edge_agent.recording.pace import UploadPace
from edge_agent.recording.settings import RecordingSettings
from edge_agent.recording.shelf import Segment, Shelf
from edge_agent.recording.uploader import Uploader
from hub.access.rights import Role
from hub.store import Pool
from protocols.runtime.clock import SystemClock
from tests.hub.api.stand import Stand, standing
from tests.hub.consult.clinic import A1
from tests.until import until

ENCOUNTER = "5d3c0a52-90f1-4f5e-8a4e-6a1d0c9b7e21"
SHORT = RecordingSettings(segment_s=2, min_free_bytes=0)


@dataclass
class Way:
    """The link to a hub, as the uploader asks for it."""

    stand: Stand
    shelf: Shelf
    password: str
    round_trip_s: float | None = 0.01
    waiting: int = 0
    most_bps: int = 100_000_000
    looks: int = 0

    def link(self) -> tuple[float | None, int]:
        self.looks += 1
        return self.round_trip_s, self.waiting

    @asynccontextmanager
    async def uploading(self) -> AsyncIterator[Uploader]:
        hub = HubRecordings(HubAccess(http_url=self.stand.url, unit=A1, password=self.password))
        uploader = Uploader(
            self.shelf,
            hub,
            UploadPace(self.most_bps, rate_bps=self.most_bps),
            clock=SystemClock(),
            link=self.link,
            backoff=Backoff(rng=random.Random(1), base_s=0.05, cap_s=0.1),
        )
        running = asyncio.create_task(uploader.run())
        try:
            yield uploader
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await hub.close()

    async def at_hub(self) -> list[dict[str, object]]:
        answer = await self.stand.ask("GET", f"/api/v1/units/{A1}/recordings", role=Role.DOCTOR)
        found: list[dict[str, object]] = answer.json()["segments"]
        return found


@pytest.fixture
async def way(pool: Pool, tmp_path: Path) -> AsyncIterator[Way]:
    async with standing(pool) as stand:
        password = await stand.desk.enrol(
            A1, call_sign="Y1", profile="ambulance", organisation="120 Centre", replace=True
        )
        shelf = Shelf(tmp_path / "shelf", SHORT)
        yield Way(stand, shelf, password)
        shelf.close()


def put(way: Way, number: int, data: bytes, *, missed: bool = False) -> Segment:
    at_us = way.stand.clock.utc_us() - 600_000_000 + number * 6_000_000
    return way.shelf.put(
        data, camera="patient", first_utc_us=at_us, last_utc_us=at_us + 6_000_000,
        encounter_id=ENCOUNTER, was_missed=missed, is_wanted=True,
    )  # fmt: skip


async def test_what_the_hub_missed_comes_first_and_all_arrives_as_it_was(way: Way) -> None:
    data = bytes(range(256)) * 800
    seen, missed = put(way, 0, data), put(way, 1, data[::-1], missed=True)
    async with way.uploading():
        await until(lambda: way.shelf.next_wanted() is None)
    found = {one["segment"]: one["sha256"] for one in await way.at_hub()}
    assert found == {one.segment: one.sha256 for one in (seen, missed)}
    for one, sent in ((seen, data), (missed, data[::-1])):
        path = f"/api/v1/units/{A1}/recordings/{one.segment}"
        answer = await way.stand.ask("GET", path, role=Role.DOCTOR)
        assert hashlib.sha256(answer.content).digest() == hashlib.sha256(sent).digest()


async def test_an_upload_waits_for_live_data_and_goes_on_afterwards(way: Way) -> None:
    put(way, 0, b"film" * 50_000)
    way.waiting = 5
    async with way.uploading() as uploader:
        await until(lambda: way.looks > 3)
        assert await way.at_hub() == []
        way.waiting = 0
        await until(lambda: uploader.sent == 1)
    assert len(await way.at_hub()) == 1


async def test_a_file_that_was_damaged_on_the_vehicle_is_not_sent_and_keeps_nobody_waiting(
    way: Way,
) -> None:
    damaged, whole = put(way, 0, b"one" * 10_000), put(way, 1, b"two" * 10_000)
    way.shelf.path(damaged.segment).write_bytes(b"one" * 9_999 + b"bad")
    async with way.uploading() as uploader:
        await until(lambda: uploader.sent + uploader.refused == 2)
    assert (uploader.sent, uploader.refused) == (1, 1)
    assert [one["segment"] for one in await way.at_hub()] == [whole.segment]


async def test_a_segment_of_a_clock_that_was_never_set_stays_on_the_vehicle(way: Way) -> None:
    old = way.shelf.put(
        b"x" * 100, camera="patient", first_utc_us=0, last_utc_us=6_000_000,
        encounter_id=ENCOUNTER, was_missed=True, is_wanted=True,
    )  # fmt: skip
    async with way.uploading() as uploader:
        await until(lambda: uploader.refused == 1)
    assert [one.segment for one in way.shelf.between(-1, 2**53)] == [old.segment]
    assert await way.at_hub() == []


async def test_an_uploader_that_was_ended_goes_on_where_it_was(way: Way) -> None:
    put(way, 0, bytes(range(256)) * 1_200)
    way.most_bps = 1_000_000
    folder = way.stand.app.state.recordings._files._folder

    def arrived() -> int:
        return sum(path.stat().st_size for path in folder.rglob("*.*"))

    for number in range(1, 4):
        async with way.uploading():
            await until(lambda more=number: arrived() >= more * 40_000)
    assert arrived() < 256 * 1_200
    async with way.uploading() as uploader:
        await until(lambda: uploader.sent == 1)
    assert len(await way.at_hub()) == 1
    assert arrived() == 256 * 1_200
