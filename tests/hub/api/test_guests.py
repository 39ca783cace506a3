"""Guest links over the API: they open one encounter, for a while, and nothing else at all."""

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hub.access.rights import Role
from protocols.messages import EncounterClosed, EncounterOpened, VitalsReading
from tests.hub.api.stand import Stand
from tests.hub.consult.clinic import A1, A2, new_id

HOUR_S = 3600


async def opened(stand: Stand) -> str:
    """An encounter of A-001, with readings of before it and in it, beside another patient's."""
    await stand.clinic.say(VitalsReading(heart_rate_bpm=50.0), at_s=-3600)
    message = EncounterOpened(encounter_id=new_id())
    await stand.clinic.hear(message)
    await stand.clinic.say(VitalsReading(heart_rate_bpm=88.0), at_s=5)
    other = EncounterOpened(encounter_id=new_id())
    await stand.clinic.hear(other, unit=A2)
    return message.encounter_id


async def invited(stand: Stand, encounter_id: str, **fields: object) -> tuple[str, str]:
    """Return a link's token and its guest's id."""
    made = await stand.ask(
        "POST", f"/api/v1/encounters/{encounter_id}/guests", role=Role.DOCTOR,
        json={"name": "Dr Guest", **fields},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    return made.json()["path"].removeprefix("/doctor/#/guest/"), made.json()["guest_id"]


async def ask(stand: Stand, token: str, method: str, path: str, json: object = None) -> int:
    headers = {"cookie": f"gh_guest={token}"}
    return (await stand.ask(method, path, headers=headers, json=json)).status_code


async def ended(stand: Stand, socket: ClientConnection) -> None:
    """Return when the hub has closed the socket; time goes on until then."""

    async def drain() -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()

    draining = asyncio.create_task(drain())
    while not draining.done():
        await stand.clock.advance(6)
        await asyncio.sleep(0.01)
    await draining


async def test_a_link_opens_its_encounter_and_a_cookie_carries_it(stand: Stand) -> None:
    encounter_id = await opened(stand)
    token, _ = await invited(stand, encounter_id)
    came = await stand.ask("POST", "/api/v1/guest", json={"token": token})
    assert came.json()["unit"] == A1
    cookie = came.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    for path in ("room", "record", "advice"):
        assert await ask(stand, token, "GET", f"/api/v1/encounters/{encounter_id}/{path}") == 200
    assert await ask(stand, token, "GET", "/api/v1/guest") == 200
    said = f"/api/v1/encounters/{encounter_id}/texts"
    assert await ask(stand, token, "POST", said, {"text": "hello"}) == 204


async def test_a_guest_reads_nothing_of_before_their_patient(stand: Stand) -> None:
    encounter_id = await opened(stand)
    token, _ = await invited(stand, encounter_id)
    answer = await stand.ask(
        "GET", f"/api/v1/units/{A1}/records?stream=vitals&from_utc_us=0",
        headers={"cookie": f"gh_guest={token}"},
    )  # fmt: skip
    rates = [one["body"]["heart_rate_bpm"] for one in answer.json()["records"]]
    assert rates == [88.0]


async def test_a_guest_has_no_way_into_anything_else(stand: Stand) -> None:
    encounter_id = await opened(stand)
    token, guest_id = await invited(stand, encounter_id)
    [other] = [
        one["encounter_id"]
        for one in (await stand.ask("GET", "/api/v1/encounters", role=Role.DOCTOR)).json()[
            "encounters"
        ]
        if one["unit"] == A2
    ]
    mine = f"/api/v1/encounters/{encounter_id}"
    drug = {"drug": "aspirin", "dose": 300, "unit": "mg", "route": "oral", "patient_class": "adult"}
    for method, path, body in (
        ("GET", f"/api/v1/encounters/{other}/room", None),
        ("GET", f"/api/v1/encounters/{other}/record", None),
        ("POST", f"/api/v1/encounters/{other}/texts", {"text": "x"}),
        ("GET", f"/api/v1/units/{A2}/records?stream=vitals", None),
        ("GET", f"/api/v1/units/{A1}/records?stream=position", None),
        ("GET", "/api/v1/units", None),
        ("GET", "/api/v1/encounters", None),
        ("GET", "/api/v1/audit", None),
        ("GET", "/api/v1/rings", None),
        ("GET", "/api/v1/directory", None),
        ("POST", f"{mine}/advice", {"text": "x"}),
        ("POST", f"{mine}/orders", drug),
        ("POST", f"{mine}/guests", {"name": "another"}),
        ("POST", f"{mine}/guests/{guest_id}/revoke", None),
        ("GET", f"{mine}/document?handover_id={encounter_id}", None),
        ("POST", "/api/v1/media/tokens", {"unit": A2, "camera": "c", "action": "play"}),
        ("POST", "/api/v1/media/tokens", {"unit": A1, "camera": "c", "action": "publish"}),
    ):
        assert await ask(stand, token, method, path, body) in {401, 403}, path
    playing = {"unit": A1, "camera": "c", "action": "play"}
    assert await ask(stand, token, "POST", "/api/v1/media/tokens", playing) not in {401, 403}


async def test_a_guest_s_screen_is_sent_the_one_unit_whatever_it_asks_for(stand: Stand) -> None:
    encounter_id = await opened(stand)
    token, _ = await invited(stand, encounter_id)
    watch = {"t": "watch", "fleet": True, "units": [A1, A2], "room": encounter_id}
    url = f"ws://127.0.0.1:{stand.server.port}/api/v1/live"
    async with connect(
        url, additional_headers={"cookie": f"gh_guest={token}"}, proxy=None
    ) as socket:
        await socket.send(json.dumps(watch))
        while True:
            message = json.loads(await socket.recv())
            if message["t"] == "fleet":
                assert [one["unit"] for one in message["units"]] == [A1]
            if message["t"] == "room":
                break
        assert [(one["name"], one["role"]) for one in message["people"]] == [("Dr Guest", "guest")]


@pytest.mark.parametrize("how", ["revoked", "expired", "closed"])
async def test_a_link_that_is_over_opens_nothing_and_ends_what_it_opened(
    stand: Stand, how: str
) -> None:
    encounter_id = await opened(stand)
    token, guest_id = await invited(stand, encounter_id, valid_for_s=600)
    url = f"ws://127.0.0.1:{stand.server.port}/api/v1/live"
    async with connect(
        url, additional_headers={"cookie": f"gh_guest={token}"}, proxy=None
    ) as socket:
        await socket.send(json.dumps({"t": "watch", "room": encounter_id}))
        while json.loads(await socket.recv())["t"] != "room":
            pass
        if how == "revoked":
            path = f"/api/v1/encounters/{encounter_id}/guests/{guest_id}/revoke"
            assert (await stand.ask("POST", path, role=Role.DOCTOR)).status_code == 200
            assert (await stand.ask("POST", path, role=Role.DOCTOR)).status_code == 404
        elif how == "expired":
            await stand.clock.advance(601)
        else:
            closed = EncounterClosed(encounter_id=encounter_id)
            await stand.clinic.hear(closed, at_s=10)
        await ended(stand, socket)
    answer = await stand.ask("POST", "/api/v1/guest", json={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "access.sign_in")
    room = f"/api/v1/encounters/{encounter_id}/room"
    assert await ask(stand, token, "GET", room) == 401


async def test_guessing_is_slowed_and_links_are_bounded(stand: Stand) -> None:
    encounter_id = await opened(stand)
    token, _ = await invited(stand, encounter_id)
    codes = [
        (await stand.ask("POST", "/api/v1/guest", json={"token": f"guess-{n}"})).status_code
        for n in range(12)
    ]
    assert codes == [401] * 10 + [429] * 2
    await stand.clock.advance(61)
    assert (await stand.ask("POST", "/api/v1/guest", json={"token": token})).status_code == 200
    for _ in range(19):
        await invited(stand, encounter_id)
    full = await stand.ask(
        "POST", f"/api/v1/encounters/{encounter_id}/guests", role=Role.DOCTOR,
        json={"name": "one too many"},
    )  # fmt: skip
    assert full.status_code == 409


async def test_a_stolen_table_opens_nothing_and_no_log_has_the_token(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    encounter_id = await opened(stand)
    token, _ = await invited(stand, encounter_id)
    await stand.ask("POST", "/api/v1/guest", json={"token": token})
    kept = await stand.clinic.pool.fetchval("SELECT token_sha256 FROM guest")
    assert token.encode() not in kept
    assert token not in caplog.text
    audit = await stand.ask("GET", "/api/v1/audit", role=Role.ADMINISTRATOR)
    assert token not in audit.text
    assert "Dr Guest" not in audit.text
