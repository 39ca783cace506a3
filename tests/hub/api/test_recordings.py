"""Segments arrive piece by piece, whole or not at all; bad ones are refused, counted, and gone."""

import base64
import hashlib
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY

from hub.access.rights import Role
from hub.recordings import recordings
from hub.store import recordings as store
from protocols.ids import UnitId
from tests.hub.api.stand import Stand
from tests.hub.consult.clinic import A1

FILM = bytes(range(256)) * 400
SECOND_US = 1_000_000


class Vehicle:
    """A unit that announces and puts, with its own credential or another's."""

    def __init__(self, stand: Stand, password: str, *, unit: str = A1) -> None:
        basic = base64.b64encode(f"{unit}:{password}".encode()).decode()
        self._headers = {"authorization": f"Basic {basic}"}
        self._stand = stand

    async def announce(self, segment: str, film: bytes = FILM, **other: Any) -> httpx2.Response:
        now_us = self._stand.clock.utc_us()
        body = {
            "segment": segment,
            "camera": "patient",
            "first_utc_us": now_us - 60 * SECOND_US,
            "last_utc_us": now_us - 54 * SECOND_US,
            "size_bytes": len(film),
            "sha256": hashlib.sha256(film).hexdigest(),
            **other,
        }
        return await self._stand.ask(
            "POST", f"/api/v1/units/{A1}/recordings", json=body, headers=self._headers
        )

    async def put(self, segment: str, offset: int, piece: bytes) -> httpx2.Response:
        return await self._stand.ask(
            "PUT",
            f"/api/v1/units/{A1}/recordings/{segment}?offset={offset}",
            content=piece,
            headers=self._headers,
        )

    async def send(self, segment: str, film: bytes = FILM, **other: Any) -> None:
        answer = (await self.announce(segment, film, **other)).json()
        while not answer["complete"]:
            offset = answer["offset"]
            answer = (await self.put(segment, offset, film[offset : offset + 40_000])).json()


@pytest.fixture
async def vehicle(stand: Stand) -> Vehicle:
    password = await stand.desk.enrol(
        A1, call_sign="Y1", profile="ambulance", organisation="120 Centre", replace=True
    )
    return Vehicle(stand, password)


def refused(reason: str) -> float:
    found = REGISTRY.get_sample_value("goldenhour_recordings_refused_total", {"reason": reason})
    return found or 0.0


async def listed(stand: Stand) -> list[str]:
    answer = await stand.ask("GET", f"/api/v1/units/{A1}/recordings", role=Role.DOCTOR)
    return [one["segment"] for one in answer.json()["segments"]]


async def test_a_segment_arrives_in_pieces_and_is_played_by_ranges(
    stand: Stand, vehicle: Vehicle
) -> None:
    await vehicle.send("s1")
    assert await listed(stand) == ["s1"]
    path = f"/api/v1/units/{A1}/recordings/s1"
    whole = await stand.ask("GET", path, role=Role.DOCTOR)
    assert (whole.content, whole.headers["content-type"]) == (FILM, "video/mp4")
    part = await stand.ask("GET", path, role=Role.DOCTOR, headers={"range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, FILM[5:10])


async def test_an_upload_goes_on_where_it_was_cut(stand: Stand, vehicle: Vehicle) -> None:
    assert (await vehicle.announce("s1")).json() == {"offset": 0, "complete": False}
    await vehicle.put("s1", 0, FILM[:1000])
    assert (await vehicle.announce("s1")).json() == {"offset": 1000, "complete": False}
    assert await listed(stand) == []
    wrong = await vehicle.put("s1", 0, FILM[:1000])
    assert (wrong.status_code, wrong.json()["facts"]["offset"]) == (409, 1000)
    await vehicle.send("s1")
    assert (await vehicle.announce("s1")).json() == {"offset": len(FILM), "complete": True}
    assert (await vehicle.put("s1", 0, b"again")).json()["complete"]


async def test_a_segment_whose_last_byte_came_before_the_hub_ended_is_whole_after_it(
    stand: Stand, vehicle: Vehicle
) -> None:
    await vehicle.announce("s1", FILM[:50])
    files = stand.app.state.recordings._files
    files.append(A1, "s1", FILM[:50])
    assert (await vehicle.announce("s1", FILM[:50])).json()["complete"]
    assert await listed(stand) == ["s1"]


async def test_what_is_not_what_was_announced_is_thrown_away_and_may_come_again(
    stand: Stand, vehicle: Vehicle
) -> None:
    before = refused("digest")
    await vehicle.announce("s1", FILM[:100])
    answer = await vehicle.put("s1", 0, FILM[:99] + b"!")
    assert (answer.status_code, answer.json()["facts"]["reason"]) == (422, "digest")
    assert refused("digest") == before + 1
    assert await listed(stand) == []
    await vehicle.send("s1", FILM[:100])
    assert await listed(stand) == ["s1"]


async def test_more_than_was_announced_and_nothing_at_all_are_refused(vehicle: Vehicle) -> None:
    await vehicle.announce("s1", FILM[:100])
    for piece in (FILM[:101], b""):
        answer = await vehicle.put("s1", 0, piece)
        assert (answer.status_code, answer.json()["facts"]["reason"]) == (422, "beyond")
    assert (await vehicle.announce("s1", FILM[:100])).json()["offset"] == 0


async def test_a_piece_that_is_too_large_is_refused(vehicle: Vehicle) -> None:
    await vehicle.announce("s1")
    assert (await vehicle.put("s1", 0, FILM[: 64 * 1024 + 1])).status_code == 413


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"last_utc_us": 1_700_000_000_000_000, "first_utc_us": 1_700_000_000_000_000}, "span"),
        ({"first_utc_us": 0, "last_utc_us": 6_000_000}, "clock"),
        ({"first_utc_us": 2**52, "last_utc_us": 2**52 + 6_000_000}, "clock"),
        ({"first_utc_us": 1_700_000_000_000_000, "last_utc_us": 1_700_000_601_000_000}, "span"),
    ],
)
async def test_a_time_that_cannot_be_is_refused_and_counted(
    vehicle: Vehicle, other: dict[str, Any], reason: str
) -> None:
    before = refused(reason)
    answer = await vehicle.announce("s1", **other)
    assert (answer.status_code, answer.json()["facts"]["reason"]) == (422, reason)
    assert refused(reason) == before + 1


@pytest.mark.parametrize("name", ["..", "a/b", "a" * 65, "x y"])
async def test_a_name_that_could_leave_its_folder_is_refused(vehicle: Vehicle, name: str) -> None:
    assert (await vehicle.announce(name)).status_code == 422


async def test_one_name_is_one_segment(vehicle: Vehicle) -> None:
    await vehicle.announce("s1")
    assert (await vehicle.announce("s1", FILM[:5])).status_code == 409


async def test_nobody_but_the_unit_itself_puts_anything(stand: Stand, vehicle: Vehicle) -> None:
    await vehicle.announce("s1")
    other = await stand.desk.enrol(
        UnitId("B-777"), call_sign="Y7", profile="ambulance", organisation="120 Centre"
    )
    foreign = Vehicle(stand, other, unit="B-777")
    assert (await foreign.announce("s2")).status_code == 403
    assert (await foreign.put("s1", 0, b"x")).status_code == 403
    nobody = Vehicle(stand, "wrong")
    assert (await nobody.announce("s2")).status_code == 401
    path = f"/api/v1/units/{A1}/recordings/s1?offset=0"
    by_doctor = await stand.ask("PUT", path, role=Role.DOCTOR, content=b"x")
    assert by_doctor.status_code == 403


@pytest.mark.parametrize("role", [None, Role.CREW, Role.OPERATOR, Role.ADMINISTRATOR])
async def test_nobody_sees_a_recording_who_may_not_see_the_patient(
    stand: Stand, vehicle: Vehicle, role: Role | None
) -> None:
    await vehicle.send("s1")
    for path in ("", "/s1"):
        answer = await stand.ask("GET", f"/api/v1/units/{A1}/recordings{path}", role=role)
        assert answer.status_code == (401 if role is None else 403)


async def test_a_disk_that_is_full_refuses_and_keeps_what_was_there(
    stand: Stand, vehicle: Vehicle
) -> None:
    await vehicle.announce("s1")
    await vehicle.put("s1", 0, FILM[:10])
    files = stand.app.state.recordings._files
    files._min_free_bytes = 2**60
    before = refused("disk-full")
    assert (await vehicle.put("s1", 10, FILM[10:20])).status_code == 503
    assert refused("disk-full") == before + 1
    files._min_free_bytes = 0
    assert (await vehicle.announce("s1")).json()["offset"] == 10


async def test_of_what_a_vehicle_began_and_left_little_is_kept(
    stand: Stand, vehicle: Vehicle
) -> None:
    for number in range(recordings._MOST_PARTS + 3):
        await vehicle.announce(f"s{number}")
        await vehicle.put(f"s{number}", 0, b"begun")
    left = await store.partial_but(stand.clinic.pool, A1, newest=0)
    assert len(left) == recordings._MOST_PARTS
    assert (await vehicle.put("s0", 5, b"more")).status_code == 404


async def test_what_is_older_than_it_may_become_goes(stand: Stand, vehicle: Vehicle) -> None:
    await vehicle.send("s1")
    path = stand.app.state.recordings._files.whole(A1, "s1")
    assert await stand.app.state.recordings.expire() == 0
    await stand.clinic.pool.execute("UPDATE recording SET announced_utc_us = 0")
    assert await stand.app.state.recordings.expire() == 1
    assert await listed(stand) == []
    assert not path.exists()
