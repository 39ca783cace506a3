"""The tablet's own server, on a socket: who may, what it says, what it refuses, and its feed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from edge_agent.tablet.feed import MAX_SCREENS
from edge_agent.tablet.routes import routes_alone
from edge_agent.tablet.sign_in import read_or_make_pin
from protocols.errors import ConfigError
from protocols.link import Stream
from protocols.messages import HospitalEntry, VitalsReading
from tests.edge_agent.tablet.standing import PIN, SESSION_S, Tablet, standing
from tests.until import until


@pytest.fixture
async def tablet(tmp_path: Path) -> AsyncIterator[Tablet]:
    async with standing(tmp_path) as made:
        yield made


def routes() -> list[tuple[str, str]]:
    return [
        (method.upper(), path)
        for path, methods in routes_alone().openapi()["paths"].items()
        for method in methods
    ]


async def said(screen: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of `kind`."""
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = json.loads(await screen.recv())
            if message["t"] == kind:
                return message


@pytest.mark.parametrize(("method", "path"), routes())
async def test_without_the_pin_nothing_is_shown_or_done(
    tablet: Tablet, method: str, path: str
) -> None:
    if path == "/api/v1/session" and method in {"POST", "DELETE"}:
        return
    url = path.replace("{order_id}", "x")
    body = {"event": "roll"} if path.endswith("/status") else {}
    answer = await tablet.nobody.request(method, url, json=body if method == "POST" else None)
    assert answer.status_code in {401, 422}
    if answer.status_code == 422:  # the body was looked at first; with a right one it is 401
        assert answer.json()["code"] == "request.invalid"
    assert tablet.vehicle.run.state.run_id is None


async def test_eight_wrong_pins_wait_a_minute(tablet: Tablet) -> None:
    for _ in range(8):
        wrong = await tablet.nobody.post("/api/v1/session", json={"name": "X", "pin": "000000"})
        assert wrong.status_code == 401
    held = await tablet.nobody.post("/api/v1/session", json={"name": "X", "pin": PIN})
    assert held.status_code == 429
    await tablet.vehicle.clock.advance(61)
    right = await tablet.nobody.post("/api/v1/session", json={"name": "X", "pin": PIN})
    assert right.status_code == 200


async def test_a_session_ends_at_its_hour_and_at_sign_out(tablet: Tablet) -> None:
    await tablet.vehicle.clock.advance(SESSION_S + 1)
    assert (await tablet.client.get("/api/v1/session")).status_code == 401


async def test_a_run_by_the_big_button_a_press_taken_back_and_a_wrong_move(tablet: Tablet) -> None:
    for event, status in (
        ("roll", "en_route"),
        ("arrive", "on_scene"),
        ("contact", "with_patient"),
    ):
        answer = (await tablet.client.post("/api/v1/status", json={"event": event})).json()
        assert answer["status"] == status
    assert (await tablet.client.post("/api/v1/status/undo")).json()["status"] == "on_scene"
    wrong = await tablet.client.post("/api/v1/status", json={"event": "hand_over"})
    assert (wrong.status_code, wrong.json()["facts"]["status"]) == (409, "on_scene")


async def test_advice_rings_on_the_screen_and_is_confirmed_there(tablet: Tablet) -> None:
    async with tablet.screen() as screen:
        await said(screen, "hello")
        advice = tablet.vehicle.advice("Aspirin 300 mg")
        await tablet.vehicle.ordered(advice)
        await tablet.vehicle.until(lambda: bool(tablet.vehicle.orders.advice.shown))
        await tablet.vehicle.clock.advance(1)
        state = await said(screen, "state")
        while not state["advice"]:
            state = await said(screen, "state")
        assert (state["advice"][0]["text"], state["advice"][0]["state"]) == (
            "Aspirin 300 mg", "delivered",
        )  # fmt: skip
    url = f"/api/v1/advice/{advice.order_id}"
    assert (await tablet.client.post(f"{url}/seen")).status_code == 200
    assert (await tablet.client.post(f"{url}/confirm")).json()["advice"][0]["state"] == "confirmed"
    late = await tablet.client.post(f"{url}/decline", json={"reason": "no"})
    assert late.status_code == 409
    assert (await tablet.client.post("/api/v1/advice/nothing/seen")).status_code == 404


async def test_a_drug_is_read_back_and_given_over_the_tablet(tablet: Tablet) -> None:
    order = tablet.vehicle.drug()
    await tablet.vehicle.ordered(order)
    await tablet.vehicle.until(lambda: bool(tablet.vehicle.orders.advice.shown))
    url = f"/api/v1/advice/{order.order_id}"
    right = {"dose": 300, "unit": "mg", "route": "oral"}
    wrong = await tablet.client.post(f"{url}/read_back", json=right | {"dose": 30})
    assert (wrong.status_code, wrong.json()["facts"]["state"]) == (409, "misread")
    assert (await tablet.client.post(f"{url}/confirm")).status_code == 409
    for path, body in (("read_back", right), ("confirm", None)):
        answer = await tablet.client.post(f"{url}/{path}", json=body)
        assert answer.status_code == 200, answer.text
    given = await tablet.client.post(f"{url}/administered", json={"ago_s": 60})
    assert given.json()["advice"][0]["state"] == "administered"


async def test_whom_nobody_knows_cannot_be_rung_and_words_need_a_patient(tablet: Tablet) -> None:
    unknown = await tablet.client.post("/api/v1/room/rings", json={"team_id": "chest"})
    assert unknown.status_code == 404
    for several in ({}, {"team_id": "a", "username": "b"}):
        answer = await tablet.client.post("/api/v1/room/rings", json=several)
        assert answer.status_code == 422
    early = await tablet.client.post("/api/v1/room/texts", json={"text": "hello"})
    assert early.status_code == 409
    for event in ("roll", "arrive", "contact"):
        await tablet.client.post("/api/v1/status", json={"event": event})
    said = await tablet.client.post("/api/v1/room/texts", json={"text": "hello"})
    assert [one["text"] for one in said.json()["room"]["texts"]] == ["hello"]


async def test_readings_reach_the_screen_as_they_are_accepted(tablet: Tablet) -> None:
    async with tablet.screen() as screen:
        await said(screen, "hello")
        await tablet.vehicle.measured(VitalsReading(pulse_bpm=77))
        seen = await said(screen, "record")
    assert seen["body"]["pulse_bpm"] == 77


async def test_a_hand_over_goes_to_a_hospital_of_the_list_alone(tablet: Tablet) -> None:
    for event in ("roll", "arrive", "contact"):
        await tablet.client.post("/api/v1/status", json={"event": event})
    unknown = await tablet.client.post("/api/v1/handover", json={"hospital_id": "nowhere"})
    assert unknown.status_code == 404
    tablet.vehicle.orders.hospitals = (HospitalEntry(hospital_id="first", name="First"),)
    asked = await tablet.client.post("/api/v1/handover", json={"hospital_id": "first"})
    assert asked.status_code == 200
    state = (await tablet.client.get("/api/v1/state")).json()
    assert [one["state"] for one in state["handoffs"]] == ["queued"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/room/rings", {"team_id": "a", "eta_s": -1}),
        ("/api/v1/room/texts", {"text": " "}),
        ("/api/v1/room/texts", {"text": "x" * 501}),
        ("/api/v1/advice/x/read_back", {"dose": 300, "unit": "spoons", "route": "oral"}),
        ("/api/v1/advice/x/administered", {"ago_s": -1}),
        ("/api/v1/status", {"event": "fly"}),
        ("/api/v1/status", {"event": "roll", "more": 1}),
        ("/api/v1/patient", {"age_years": -1}),
        ("/api/v1/patient", {"family_name": "x" * 81}),
        ("/api/v1/consciousness", {"acvpu": "Z", "on_oxygen": False}),
        ("/api/v1/handover", {"hospital_id": "../../x"}),
        ("/api/v1/session", {"name": "", "pin": PIN}),
    ],
)
async def test_what_is_not_of_its_form_is_refused_with_its_field(
    tablet: Tablet, path: str, body: dict[str, Any]
) -> None:
    answer = await tablet.client.post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "request.invalid"
    assert answer.json()["facts"]["field"].startswith("body.")


async def test_a_body_too_large_is_refused_and_a_foreign_page_too(tablet: Tablet) -> None:
    large = await tablet.client.post("/api/v1/patient", content=b" " * 100_000)
    assert large.status_code == 413
    foreign = await tablet.client.post(
        "/api/v1/status", json={"event": "roll"}, headers={"origin": "https://elsewhere.example"}
    )
    assert foreign.status_code == 403
    async with tablet.screen(origin="https://elsewhere.example") as screen:
        with pytest.raises(ConnectionClosed):
            await screen.recv()
        assert screen.close_code == 4401


async def test_signing_out_closes_the_screen(tablet: Tablet) -> None:
    async with tablet.screen() as screen:
        await said(screen, "hello")
        await tablet.client.delete("/api/v1/session")
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await tablet.vehicle.clock.advance(1)
                    await asyncio.wait_for(screen.recv(), 5)
        assert screen.close_code == 4401


async def test_more_screens_than_a_vehicle_has_are_turned_away(tablet: Tablet) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(MAX_SCREENS):
            await said(await stack.enter_async_context(tablet.screen()), "hello")
        async with tablet.screen() as one_more:
            with pytest.raises(ConnectionClosed):
                await one_more.recv()
            assert one_more.close_code == 1013
    await until(lambda: not tablet.feed.screens)


async def test_a_screen_that_breaks_off_is_no_error_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with standing(tmp_path) as tablet, tablet.screen() as screen:
        await said(screen, "hello")
        screen.transport.abort()
        await until(lambda: not tablet.feed.screens)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_pin_file_that_holds_no_pin_is_a_broken_setting(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    made = read_or_make_pin(file)
    assert (made.isdigit(), file.stat().st_mode & 0o077) == (True, 0)
    assert read_or_make_pin(file) == made
    file.write_text("12")
    with pytest.raises(ConfigError):
        read_or_make_pin(file)


async def test_an_alarm_is_acknowledged_by_who_entered_the_pin_and_nobody_else(
    tablet: Tablet,
) -> None:
    vehicle = tablet.vehicle
    for _ in range(12):
        await vehicle.measured(VitalsReading(spo2_pct=88))
        await vehicle.alarms.look()
        await vehicle.clock.advance(1.0)
    (alarm,) = (await tablet.client.get("/api/v1/state")).json()["alarms"]
    path = f"/api/v1/alarms/{alarm['alarm_id']}/acknowledge"
    assert (await tablet.nobody.post(path)).status_code == 401
    assert (await tablet.nobody.post("/api/v1/alarms/pause")).status_code == 401
    unknown = await tablet.client.post("/api/v1/alarms/no-such-1/acknowledge")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (await tablet.client.post("/api/v1/alarms/%20/acknowledge")).status_code == 422
    first, second = await tablet.client.post(path), await tablet.client.post(path)
    assert first.status_code == second.status_code == 200
    (seen,) = second.json()["alarms"]
    assert (seen["state"], seen["by"]) == ("acknowledged", "Chen")
    records = await vehicle.said(Stream.ALARM)
    assert [getattr(one, "state", None) for one in records] == ["raised", "acknowledged"]
    paused = (await tablet.client.post("/api/v1/alarms/pause")).json()
    assert paused["audio_paused_until_utc_us"] is not None
    again = (await tablet.client.delete("/api/v1/alarms/pause")).json()
    assert again["audio_paused_until_utc_us"] is None


async def test_the_crew_closes_and_opens_a_shutter(tablet: Tablet) -> None:
    for closed in (True, False):
        answer = await tablet.client.post(
            "/api/v1/cameras/patient/shutter", json={"closed": closed}
        )
        assert answer.status_code == 200, answer.text
    assert tablet.shutters == [("patient", True), ("patient", False)]


@pytest.mark.parametrize(
    ("path", "entry", "status"),
    [
        ("nobody-s", {"closed": True}, 404),
        ("patient", {"closed": "perhaps"}, 422),
        ("patient", {}, 422),
        ("a b", {"closed": True}, 422),
    ],
)
async def test_a_shutter_that_is_not_there_is_not_closed(
    tablet: Tablet, path: str, entry: dict[str, object], status: int
) -> None:
    answer = await tablet.client.post(f"/api/v1/cameras/{path}/shutter", json=entry)
    assert answer.status_code == status, answer.text
    assert tablet.shutters == []


async def test_nobody_but_the_crew_touches_a_shutter(tablet: Tablet) -> None:
    answer = await tablet.nobody.post("/api/v1/cameras/patient/shutter", json={"closed": False})
    assert answer.status_code == 401
    assert tablet.shutters == []
