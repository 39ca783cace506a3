"""Pictures over HTTP: who may send and see one, what is refused, and how the vehicle gets it."""

import asyncio
import base64
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from edge_agent.backoff import Backoff
from edge_agent.hub_http import HubAccess
from edge_agent.orders import HubPictures, Pictures
from edge_agent.orders.pictures import Fetch
from edge_agent.vehicle_clock import VehicleClock
from hub.access.rights import Role
from hub.consult.advising import MOST_OPEN, MOST_PICTURES
from protocols.errors import LinkDownError, NotFoundError
from protocols.jpeg import read_jpeg
from protocols.messages import (
    MAX_PICTURE_BYTES,
    AdviceOrder,
    EncounterClosed,
    OrderAnswer,
    Picture,
)
from protocols.runtime.clock import SystemClock
from tests.drawing import drawn, with_segment
from tests.hub.api.stand import Stand
from tests.hub.consult.clinic import A1, A2, DOCTOR, new_id
from tests.hub.vehicle import NOON_US
from tests.until import until

SOURCE = "cabin"


async def encounter_of(stand: Stand) -> str:
    encounter, _ = await stand.clinic.consult.open(A1, DOCTOR)
    return encounter.encounter_id


def body_of(data: bytes, /, **changed: object) -> dict[str, object]:
    body = {
        "jpeg": base64.b64encode(data).decode(),
        "text": "Electrode V2 one rib lower",
        "source": SOURCE,
        "captured_utc_us": NOON_US - 5_000_000,
    }
    return {**body, **changed}


async def send(
    stand: Stand, encounter_id: str, body: dict[str, object], *, role: Role = Role.DOCTOR
) -> httpx2.Response:
    return await stand.ask(
        "POST", f"/api/v1/encounters/{encounter_id}/pictures", role=role, json=body
    )


def seen_at(advice: dict[str, Any]) -> str:
    return f"/api/v1/encounters/{advice['encounter_id']}/advice/{advice['advice_id']}/picture"


async def test_a_picture_goes_out_as_an_order_and_is_seen_by_the_room(stand: Stand) -> None:
    encounter_id = await encounter_of(stand)
    jpeg = with_segment(drawn(), 0xE1, b"Exif\0\0 23.13N 113.26E")
    answer = await send(stand, encounter_id, body_of(jpeg))
    assert answer.status_code == 201
    advice = answer.json()
    assert advice["picture"] == {
        "width_px": 320,
        "height_px": 180,
        "captured_utc_us": NOON_US - 5_000_000,
        "source": SOURCE,
        "standing": "here",
    }
    [order] = [one for one in await stand.clinic.ordered() if isinstance(one, AdviceOrder)]
    shown = await stand.ask("GET", seen_at(advice), role=Role.DOCTOR)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.content == read_jpeg(jpeg).data
    assert order.picture is not None
    assert order.picture.sha256 == hashlib.sha256(shown.content).hexdigest()
    assert b"Exif" not in shown.content
    await stand.clinic.until(lambda: stand.clinic.seen("advice") != [])
    assert stand.clinic.seen("advice")[-1]["picture"] == advice["picture"]
    noted = await stand.clinic.pool.fetch("SELECT action, subject, facts::text FROM audit")
    rows = [" ".join(map(str, row.values())) for row in noted]
    assert any(row.startswith(f"encounter.show {A1}") for row in rows)
    assert any(row.startswith("patient.see") and "picture" in row for row in rows)
    assert not any("Electrode" in row for row in rows)


async def test_its_steps_are_on_record_and_seen_is_said_of_who_saw_it(stand: Stand) -> None:
    encounter_id = await encounter_of(stand)
    advice = (await send(stand, encounter_id, body_of(drawn()))).json()
    for at_s, state in enumerate(("delivered", "fetched", "confirmed"), start=1):
        word = OrderAnswer.model_validate(
            {"order_id": advice["advice_id"], "state": state, "by": "Li Lei"}
        )
        await stand.clinic.hear(word, at_s=at_s)
    told = await stand.ask("GET", f"/api/v1/encounters/{encounter_id}/advice", role=Role.DOCTOR)
    [now] = told.json()
    assert (now["state"], now["answered_by"]) == ("confirmed", "Li Lei")
    assert [step["said"] for step in now["steps"]] == ["sent", "delivered", "fetched", "confirmed"]
    record = await stand.ask("GET", f"/api/v1/encounters/{encounter_id}/record", role=Role.DOCTOR)
    kinds = [entry["kind"] for entry in record.json()["entries"]]
    assert [kind for kind in kinds if kind.startswith("advice.")] == [
        "advice.shown", "advice.delivered", "advice.fetched", "advice.confirmed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"jpeg": base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()}, "not-a-jpeg"),
        ({"jpeg": base64.b64encode(drawn() + b"<script>").decode()}, "damaged"),
        ({"jpeg": base64.b64encode(drawn(1921, 16)).decode()}, "size"),
        ({"jpeg": "!!!!"}, "not-base64"),
        ({"jpeg": ""}, ""),
        ({"jpeg": "A" * 4 * (MAX_PICTURE_BYTES // 3 + 4)}, ""),
        ({"text": " "}, ""),
        ({"text": "x" * 201}, ""),
        ({"source": "../etc"}, ""),
        ({"captured_utc_us": NOON_US + 2 * 3600 * 1_000_000}, "clock"),
        ({"captured_utc_us": -1}, ""),
        ({"unknown": 1}, ""),
    ],
)
async def test_what_is_no_picture_is_refused_and_nothing_is_sent(
    stand: Stand, changed: dict[str, object], code: str
) -> None:
    encounter_id = await encounter_of(stand)
    answer = await send(stand, encounter_id, body_of(drawn(), **changed))
    assert answer.status_code == 422
    assert code in answer.text
    assert not [one for one in await stand.clinic.ordered() if isinstance(one, AdviceOrder)]
    assert await stand.clinic.pool.fetchval("SELECT count(*) FROM picture") == 0


async def test_one_that_is_too_large_does_not_pass_the_gate(stand: Stand) -> None:
    encounter_id = await encounter_of(stand)
    answer = await send(stand, encounter_id, body_of(bytes(60_000)))
    assert answer.status_code == 413


async def test_the_largest_picture_fits_a_request_with_the_longest_words(stand: Stand) -> None:
    encounter_id = await encounter_of(stand)
    jpeg = drawn()
    filled = jpeg[:-2] + bytes(MAX_PICTURE_BYTES - len(jpeg)) + jpeg[-2:]
    answer = await send(stand, encounter_id, body_of(filled, text="心" * 200))
    assert answer.status_code == 201


@pytest.mark.parametrize("role", [Role.CREW, Role.OPERATOR, Role.ADMINISTRATOR])
async def test_who_may_not_see_patients_sends_none_and_sees_none(stand: Stand, role: Role) -> None:
    encounter_id = await encounter_of(stand)
    advice = (await send(stand, encounter_id, body_of(drawn()))).json()
    assert (await send(stand, encounter_id, body_of(drawn()), role=role)).status_code == 403
    assert (await stand.ask("GET", seen_at(advice), role=role)).status_code == 403
    assert (await stand.ask("GET", seen_at(advice))).status_code == 401


async def test_a_guest_sees_those_of_their_encounter_and_sends_none(stand: Stand) -> None:
    encounter_id = await encounter_of(stand)
    other, _ = await stand.clinic.consult.open(A2, DOCTOR)
    mine = (await send(stand, encounter_id, body_of(drawn()))).json()
    theirs = (await send(stand, other.encounter_id, body_of(drawn()))).json()
    link = await stand.ask(
        "POST",
        f"/api/v1/encounters/{encounter_id}/guests",
        role=Role.DOCTOR,
        json={"name": "Prof. Wang"},
    )
    cookie = {"cookie": f"gh_guest={link.json()['path'].rsplit('/', 1)[-1].split('#')[-1]}"}
    assert (await stand.ask("GET", seen_at(mine), headers=cookie)).status_code == 200
    assert (await stand.ask("GET", seen_at(theirs), headers=cookie)).status_code == 403
    crossed = seen_at({**theirs, "encounter_id": encounter_id})
    assert (await stand.ask("GET", crossed, headers=cookie)).status_code == 404
    refused = await stand.ask(
        "POST",
        f"/api/v1/encounters/{encounter_id}/pictures",
        headers=cookie,
        json=body_of(drawn()),
    )
    assert refused.status_code == 401


async def test_none_is_sent_into_an_encounter_that_is_closed_and_those_before_stay(
    stand: Stand,
) -> None:
    encounter_id = await encounter_of(stand)
    advice = (await send(stand, encounter_id, body_of(drawn()))).json()
    await stand.clinic.hear(EncounterClosed(encounter_id=encounter_id), at_s=60)
    assert (await send(stand, encounter_id, body_of(drawn()))).status_code == 409
    assert (await stand.ask("GET", seen_at(advice), role=Role.DOCTOR)).status_code == 200
    assert (await send(stand, new_id(), body_of(drawn()))).status_code == 404


async def test_an_encounter_has_so_many_pictures_and_no_more(stand: Stand) -> None:
    encounter_id = await encounter_of(stand)
    for _ in range(MOST_PICTURES):
        answer = await send(stand, encounter_id, body_of(drawn(64, 64)))
        assert answer.status_code == 201
        await stand.clinic.pool.execute("UPDATE advice SET state = 'confirmed'")
    assert MOST_PICTURES > MOST_OPEN
    assert (await send(stand, encounter_id, body_of(drawn(64, 64)))).status_code == 409


# -- the vehicle's side -------------------------------------------------------------------------


class Vehicle:
    """A unit that fetches pictures from the hub; what it got is in `arrived`."""

    def __init__(self, stand: Stand, folder: Path, password: str) -> None:
        self.stand, self.folder, self.password = stand, folder, password
        self.arrived: list[str] = []
        self.asked: list[int] = []
        self.down_from = 10**9
        self.pictures = self.new()

    def new(self) -> Pictures:
        clock = VehicleClock(SystemClock())
        backoff = Backoff(rng=random.Random(1), base_s=0.02, cap_s=0.02)
        return Pictures(self.folder, clock=clock, backoff=backoff)

    async def told(self, order_id: str) -> None:
        self.arrived.append(order_id)

    @asynccontextmanager
    async def fetching(self) -> AsyncIterator[None]:
        hub = HubPictures(HubAccess(http_url=self.stand.url, unit=A1, password=self.password))
        running = asyncio.create_task(self.pictures.run(self.counted(hub), self.told))
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await hub.close()

    def counted(self, hub: HubPictures) -> Fetch:
        async def piece(order_id: str, offset: int) -> bytes:
            self.asked.append(offset)
            if offset >= self.down_from:
                raise LinkDownError(reason="cut")
            return await hub.piece(order_id, offset)

        return piece


@pytest.fixture
async def vehicle(stand: Stand, tmp_path: Path) -> Vehicle:
    password = await stand.desk.enrol(
        A1, call_sign="Y1", profile="ambulance", organisation="120 Centre", replace=True
    )
    return Vehicle(stand, tmp_path / "pictures", password)


async def sent_to(stand: Stand, jpeg: bytes) -> tuple[str, Picture]:
    answer = await send(stand, await encounter_of(stand), body_of(jpeg))
    assert answer.status_code == 201
    order = [one for one in await stand.clinic.ordered() if isinstance(one, AdviceOrder)][-1]
    assert order.picture is not None
    return order.order_id, order.picture


LARGE = drawn(640, 360, noise=40)


async def test_the_vehicle_fetches_it_in_pieces_and_goes_on_after_a_cut(
    stand: Stand, vehicle: Vehicle
) -> None:
    order_id, picture = await sent_to(stand, LARGE)
    assert picture.size_bytes > 3 * 8192
    vehicle.down_from = 16_384
    vehicle.pictures.want(order_id, picture)
    async with vehicle.fetching():
        await until(lambda: vehicle.asked.count(16_384) >= 2)
        assert vehicle.pictures.standing(order_id) == "coming"
        with pytest.raises(NotFoundError):
            vehicle.pictures.jpeg(order_id)
        vehicle.down_from = 10**9
        await until(lambda: vehicle.pictures.standing(order_id) == "here")
    assert vehicle.pictures.jpeg(order_id) == read_jpeg(LARGE).data
    assert vehicle.asked.count(0) == 1  # what had arrived was not asked for again
    assert vehicle.arrived == [order_id]


async def test_after_a_restart_it_is_here_and_is_not_fetched_again(
    stand: Stand, vehicle: Vehicle
) -> None:
    order_id, picture = await sent_to(stand, LARGE)
    vehicle.pictures.want(order_id, picture)
    async with vehicle.fetching():
        await until(lambda: vehicle.pictures.standing(order_id) == "here")
    asked = len(vehicle.asked)
    vehicle.pictures = vehicle.new()
    vehicle.pictures.want(order_id, picture)
    vehicle.pictures.tidy()
    async with vehicle.fetching():
        await until(lambda: vehicle.pictures.standing(order_id) == "here")
    assert len(vehicle.asked) == asked
    vehicle.pictures = vehicle.new()
    vehicle.pictures.tidy()  # no order names it any more
    assert not list(vehicle.folder.iterdir())


async def test_one_that_is_not_what_the_order_names_is_never_shown(
    stand: Stand, vehicle: Vehicle
) -> None:
    order_id, picture = await sent_to(stand, LARGE)
    other = picture.model_copy(update={"sha256": "0" * 64})
    vehicle.pictures.want(order_id, other)
    vehicle.pictures.want(new_id(), picture)  # which the hub does not have
    async with vehicle.fetching():
        await until(lambda: set(vehicle.pictures._standing.values()) == {"lost"})
    with pytest.raises(NotFoundError):
        vehicle.pictures.jpeg(order_id)
    assert not vehicle.folder.exists()


async def test_a_vehicle_gets_its_own_pictures_alone(stand: Stand, vehicle: Vehicle) -> None:
    other, _ = await stand.clinic.consult.open(A2, DOCTOR)
    theirs = (await send(stand, other.encounter_id, body_of(drawn()))).json()["advice_id"]
    basic = base64.b64encode(f"{A1}:{vehicle.password}".encode()).decode()
    mine = {"authorization": f"Basic {basic}"}
    for unit, status in ((A1, 404), (A2, 403)):
        path = f"/api/v1/units/{unit}/pictures/{theirs}"
        assert (await stand.ask("GET", path, headers=mine)).status_code == status
        assert (await stand.ask("GET", path, role=Role.DOCTOR)).status_code == 403
        assert (await stand.ask("GET", path)).status_code == 401
