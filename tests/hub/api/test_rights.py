"""Rights: every route of the API, and which role may use it. A route without a line here fails."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import pytest

from hub.access.rights import Role
from hub.api.application import routes_alone
from hub.media import Lasting, MediaClient, MediaSettings, MediaTokens
from tests.fakes.clock import FakeClock
from tests.hub.api.stand import Stand

DOCTOR, OPERATOR, ADMIN = Role.DOCTOR, Role.OPERATOR, Role.ADMINISTRATOR
EVERYBODY: Final = frozenset(Role)
SIGNED_OUT: Final = None
ID: Final = "0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b"


@dataclass(frozen=True)
class Asked:
    """One way to ask a route, and who may; `open`: signing in is not needed."""

    route: str
    path: str
    may: frozenset[Role]
    json: object = None
    open: bool = False


def asked(route: str, *may: Role, path: str | None = None, json: object = None) -> Asked:
    return Asked(route, path or route.split(" ")[1], frozenset(may), json)


UNIT: Final = "/api/v1/units/A-001"
TABLE: Final = (
    Asked("GET /healthz", "/healthz", EVERYBODY, open=True),
    Asked("POST /api/v1/session", "/api/v1/session", EVERYBODY, json={}, open=True),
    asked("GET /api/v1/session", *Role),
    asked("DELETE /api/v1/session", *Role),
    asked("GET /api/v1/units", *Role),
    asked("POST /api/v1/units", ADMIN, json={"unit": "A-9", "call_sign": "9", "profile": "patrol"}),
    asked("GET /api/v1/units/{unit}", *Role, path=UNIT),
    asked("GET /api/v1/units/{unit}/nodes", *Role, path=f"{UNIT}/nodes"),
    asked("GET /api/v1/units/{unit}/streams", *Role, path=f"{UNIT}/streams"),
    asked("GET /api/v1/fleet/health", *Role),
    asked("GET /api/v1/fleet/alarms", *Role),
    asked("GET /api/v1/units/{unit}/records", DOCTOR, path=f"{UNIT}/records?stream=vitals"),
    asked("GET /api/v1/units/{unit}/records", *Role, path=f"{UNIT}/records?stream=position"),
    asked("GET /api/v1/units/{unit}/waveform", DOCTOR, path=f"{UNIT}/waveform?from_utc_us=0"),
    asked("GET /api/v1/units/{unit}/recordings", DOCTOR, path=f"{UNIT}/recordings?from_utc_us=0"),
    asked(
        "GET /api/v1/units/{unit}/recordings/{segment}", DOCTOR, path=f"{UNIT}/recordings/{ID}"
    ),
    Asked(
        "POST /api/v1/units/{unit}/recordings", f"{UNIT}/recordings", frozenset(), json={}
    ),
    Asked(
        "PUT /api/v1/units/{unit}/recordings/{segment}", f"{UNIT}/recordings/{ID}", frozenset(),
        json={},
    ),
    asked("GET /api/v1/audit", ADMIN),
    asked("GET /api/v1/encounters", DOCTOR),
    asked("POST /api/v1/encounters", DOCTOR, json={"unit": "A-001"}),
    asked("GET /api/v1/encounters/{encounter_id}", DOCTOR, path=f"/api/v1/encounters/{ID}"),
    asked(
        "GET /api/v1/encounters/{encounter_id}/advice", DOCTOR,
        path=f"/api/v1/encounters/{ID}/advice",
    ),
    asked(
        "POST /api/v1/encounters/{encounter_id}/advice", DOCTOR,
        path=f"/api/v1/encounters/{ID}/advice", json={"text": "oxygen"},
    ),
    asked("GET /api/v1/formulary", DOCTOR),
    asked(
        "POST /api/v1/encounters/{encounter_id}/orders", DOCTOR,
        path=f"/api/v1/encounters/{ID}/orders",
        json={
            "drug": "aspirin", "dose": 300, "unit": "mg", "route": "oral", "patient_class": "adult",
        },
    ),
    asked(
        "POST /api/v1/encounters/{encounter_id}/pictures", DOCTOR,
        path=f"/api/v1/encounters/{ID}/pictures",
        json={"jpeg": "AAAA", "text": "here", "source": "patient", "captured_utc_us": 1},
    ),
    asked(
        "GET /api/v1/encounters/{encounter_id}/advice/{advice_id}/picture", DOCTOR,
        path=f"/api/v1/encounters/{ID}/advice/{ID}/picture",
    ),
    Asked("GET /api/v1/units/{unit}/pictures/{advice_id}", f"{UNIT}/pictures/{ID}", frozenset()),
    asked(
        "POST /api/v1/encounters/{encounter_id}/advice/{advice_id}/withdraw", DOCTOR,
        path=f"/api/v1/encounters/{ID}/advice/{ID}/withdraw",
    ),
    asked("GET /api/v1/rings", DOCTOR),
    asked("POST /api/v1/rings/{ring_id}/join", DOCTOR, path=f"/api/v1/rings/{ID}/join"),
    asked("POST /api/v1/rings/{ring_id}/decline", DOCTOR, path=f"/api/v1/rings/{ID}/decline"),
    asked(
        "GET /api/v1/encounters/{encounter_id}/room", DOCTOR,
        path=f"/api/v1/encounters/{ID}/room",
    ),
    asked(
        "GET /api/v1/encounters/{encounter_id}/voices", DOCTOR,
        path=f"/api/v1/encounters/{ID}/voices",
    ),
    asked(
        "GET /api/v1/encounters/{encounter_id}/record", DOCTOR,
        path=f"/api/v1/encounters/{ID}/record",
    ),
    asked(
        "POST /api/v1/encounters/{encounter_id}/texts", DOCTOR,
        path=f"/api/v1/encounters/{ID}/texts", json={"text": "hello"},
    ),
    asked("GET /api/v1/directory", DOCTOR),
    asked(
        "POST /api/v1/encounters/{encounter_id}/rings", DOCTOR,
        path=f"/api/v1/encounters/{ID}/rings", json={"username": "chen"},
    ),
    asked(
        "POST /api/v1/encounters/{encounter_id}/guests", DOCTOR,
        path=f"/api/v1/encounters/{ID}/guests", json={"name": "Dr Guest"},
    ),
    asked(
        "GET /api/v1/encounters/{encounter_id}/guests", DOCTOR,
        path=f"/api/v1/encounters/{ID}/guests",
    ),
    asked(
        "POST /api/v1/encounters/{encounter_id}/guests/{guest_id}/revoke", DOCTOR,
        path=f"/api/v1/encounters/{ID}/guests/{ID}/revoke",
    ),
    Asked("POST /api/v1/guest", "/api/v1/guest", EVERYBODY, json={}, open=True),
    Asked("DELETE /api/v1/guest", "/api/v1/guest", EVERYBODY, open=True),
    Asked("GET /api/v1/guest", "/api/v1/guest", frozenset()),
    asked("GET /api/v1/hospitals", *Role),
    asked("GET /api/v1/handoffs", DOCTOR, OPERATOR),
    asked(
        "GET /api/v1/encounters/{encounter_id}/handoffs", DOCTOR,
        path=f"/api/v1/encounters/{ID}/handoffs",
    ),
    asked(
        "GET /api/v1/encounters/{encounter_id}/document", DOCTOR,
        path=f"/api/v1/encounters/{ID}/document?handover_id={ID}",
    ),
    asked(
        "POST /api/v1/media/tokens", DOCTOR,
        json={"unit": "A-001", "camera": "front", "action": "play"},
    ),
    asked(
        "GET /api/v1/media/units/{unit}/cameras", DOCTOR, path="/api/v1/media/units/A-001/cameras"
    ),
)  # fmt: skip
MEDIA_ENDS: Final = "/api/v1/media/{end}/"
"""WHIP and WHEP obey a bearer token alone; see tests/hub/media."""


async def _none_stands(_grants: Collection[str]) -> Collection[str]:
    return ()


def test_every_route_has_its_line() -> None:
    clock = FakeClock()
    media = MediaClient(token="-" * 32)
    app = routes_alone(
        media=media,
        lasting=Lasting(media, clock, _none_stands),
        tokens=MediaTokens(secret="-" * 32, ttl_s=60, clock=clock),
        media_settings=MediaSettings(),
    )
    routes = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if not path.startswith(MEDIA_ENDS)
    }
    assert {one.route for one in TABLE} == routes


@pytest.mark.parametrize("one", TABLE, ids=lambda one: f"{one.route} {one.path}")
async def test_a_route_is_open_to_its_roles_and_to_nobody_else(stand: Stand, one: Asked) -> None:
    method = one.route.split(" ")[0]
    for role in (SIGNED_OUT, *Role):
        got = (await stand.ask(method, one.path, role=role, json=one.json)).status_code
        if one.open:
            assert got not in {401, 403}, role
        elif role is SIGNED_OUT:
            assert got == 401
        elif role in one.may:
            assert got not in {401, 403}, role
            assert got != 500, role  # 503: what stands behind it is not running
        else:
            assert got == 403, role


async def test_a_refusal_stands_in_the_audit_and_one_who_is_nobody_does_not(stand: Stand) -> None:
    await stand.ask("GET", "/api/v1/audit", role=Role.CREW)
    await stand.ask("GET", "/api/v1/audit")
    entries = (await stand.ask("GET", "/api/v1/audit", role=ADMIN)).json()["entries"]
    refused = [entry for entry in entries if entry["outcome"] == "refused"]
    assert [(entry["actor"], entry["action"]) for entry in refused] == [("crew", "audit.read")]


async def test_a_refusal_is_kept_though_no_column_holds_what_was_asked_for(stand: Stand) -> None:
    asked_for = "/api/v1/units/A-001/recordings/%00?offset=0"
    answer = await stand.ask("PUT", asked_for, role=Role.CREW)
    assert answer.status_code == 403
    entries = (await stand.ask("GET", "/api/v1/audit", role=ADMIN)).json()["entries"]
    assert any("\N{REPLACEMENT CHARACTER}" in entry["subject"] for entry in entries)


async def test_another_sites_page_changes_nothing(stand: Stand) -> None:
    headers = {"origin": "https://elsewhere.example"}
    answer = await stand.ask(
        "POST", "/api/v1/encounters", role=DOCTOR, json={"unit": "A-001"}, headers=headers
    )
    assert answer.status_code == 403
    assert (await stand.ask("GET", "/api/v1/encounters", role=DOCTOR)).json()["encounters"] == []


async def test_while_the_database_refuses_the_answer_says_so_and_is_no_bug(stand: Stand) -> None:
    async with stand.clinic.pool.acquire() as connection:
        await connection.execute("ALTER TABLE session RENAME TO away")
        answer = await stand.ask("GET", "/api/v1/units", role=DOCTOR)
        await connection.execute("ALTER TABLE away RENAME TO session")
    assert answer.status_code == 503
    assert answer.json()["code"] == "storage"
    assert (await stand.ask("GET", "/api/v1/units", role=DOCTOR)).status_code == 200
