"""Encounters, advice and hand-overs over HTTP: what is answered, to whom, and what is noted."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx2
import pytest

from hub.access.desk import Desk
from hub.access.rights import Role
from hub.access.secrets import new_token, token_digest
from hub.api.application import Parts, build_api
from hub.handoff import Handoff, Hospital
from hub.media import Lasting, MediaClient, MediaSettings, MediaTokens
from hub.recordings import Recordings
from hub.store import Pool, accounts, handoffs
from protocols.ids import HospitalId
from protocols.messages import EncounterClosed, EncounterOpened, HandoverRequest, PatientNote
from tests.hub.consult.clinic import DOCTOR, Clinic, new_id, opened
from tests.hub.handoff.seeded import Fixed
from tests.hub.vehicle import NOON_US

Y, ASKED, NOBODYS = (f"00000000-0000-4000-8000-{number:012d}" for number in range(3))
FIRST: Final = Hospital(
    hospital_id="first", name="市一 First", fhir_url="https://fhir.first.example/r4"
)


class Api:
    """The hub's API over a clinic, asked by people who are signed in."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        handoff = Handoff(
            clinic.pool,
            clinic.clock,
            orders=clinic.orders,
            feed=clinic.feed,
            consult=clinic.consult,
            hospitals={HospitalId("first"): FIRST},
            rng=Fixed(),
        )
        secret = "-" * 32
        media = MediaClient(token=secret)
        desk = Desk(clinic.pool, clinic.clock, session_s=3600)
        parts = Parts(
            clock=clinic.clock,
            pool=clinic.pool,
            desk=desk,
            fleet=clinic.fleet,
            feed=clinic.feed,
            consult=clinic.consult,
            handoff=handoff,
            lasting=Lasting(media, clinic.clock, desk.standing),
            recordings=Recordings(
                clinic.pool, clinic.clock, Path("never-used"), keep_days=1, min_free_bytes=0
            ),
            health=_well,
            addresses={},
            origins=frozenset(),
            session_s=3600,
        )
        self._app = build_api(
            parts,
            media=media,
            tokens=MediaTokens(secret=secret, ttl_s=1, clock=clinic.clock),
            media_settings=MediaSettings(),
        )
        self._cookies: dict[Role | None, str] = {None: ""}

    async def sign_in(self) -> None:
        """Open a session for one person of each role."""
        for role in Role:
            name = DOCTOR.username if role is Role.DOCTOR else role.value
            account = accounts.Account(
                username=name,
                display_name=name,
                role=role,
                organisation="First Hospital",
                password_argon2="-",  # noqa: S106 -- nobody signs in with it
            )
            await accounts.add(self.clinic.pool, account, replace=False, now_utc_us=NOON_US)
            token = new_token()
            await accounts.open_session(
                self.clinic.pool,
                token_digest(token),
                name,
                now_utc_us=NOON_US,
                expires_utc_us=NOON_US + 10**12,
            )
            self._cookies[role] = f"gh_session={token}"

    async def ask(
        self, method: str, path: str, json: object = None, *, role: Role | None = Role.DOCTOR
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self._app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as http:
            return await http.request(
                method, f"/api/v1{path}", json=json, headers={"cookie": self._cookies[role]}
            )


async def _well() -> dict[str, bool]:
    return {}


@pytest.fixture
async def api(pool: Pool) -> AsyncIterator[Api]:
    """An API over a clinic with a patient who was handed over."""
    async with opened(pool) as clinic:
        made = Api(clinic)
        await made.sign_in()
        await clinic.hear(EncounterOpened(encounter_id=Y), at_s=1)
        await clinic.hear(PatientNote(encounter_id=Y, family_name="王", by="Chen"), at_s=2)
        await clinic.hear(
            HandoverRequest(
                handover_id=ASKED,
                encounter_id=Y,
                hospital_id="first",
                signed_by="Chen",
                at_utc_us=NOON_US,
            ),
            at_s=3,
        )
        yield made


ADVICE: Final = {"text": "Aspirin 300 mg"}
CLINICAL: Final = [
    ("GET", "/encounters", None),
    ("POST", "/encounters", {"unit": "A-001"}),
    ("GET", f"/encounters/{Y}", None),
    ("GET", f"/encounters/{Y}/advice", None),
    ("POST", f"/encounters/{Y}/advice", ADVICE),
    ("GET", f"/encounters/{Y}/handoffs", None),
    ("GET", f"/encounters/{Y}/document", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CLINICAL)
async def test_what_is_clinical_is_the_doctors_alone(
    api: Api, method: str, path: str, body: object
) -> None:
    for role in (Role.CREW, Role.OPERATOR, Role.ADMINISTRATOR):
        refused = await api.ask(method, path, body, role=role)
        assert (refused.status_code, refused.json()["code"]) == (403, "access.denied"), role
        assert "王" not in refused.text
    assert (await api.ask(method, path, body, role=None)).status_code == 401
    assert (await api.ask(method, path, body)).is_success
    refusals = await api.clinic.pool.fetch("SELECT actor FROM audit WHERE outcome = 'refused'")
    assert [row["actor"] for row in refusals] == ["crew", "operator", "administrator"]
    assert await api.clinic.pool.fetchval("SELECT count(*) FROM advice") == (body is ADVICE)


async def test_an_encounter_is_opened_once_and_noted(api: Api) -> None:
    first = await api.ask("POST", "/encounters", {"unit": "A-002"})
    again = await api.ask("POST", "/encounters", {"unit": "A-002"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["opened_by"] == DOCTOR.username
    assert (await api.ask("POST", "/encounters", {"unit": "A-999"})).status_code == 404
    noted = await api.clinic.pool.fetchval(
        "SELECT count(*) FROM audit WHERE action = 'encounter.open' AND actor = 'li'"
    )
    assert noted == 2


async def test_one_encounter_shows_patient_times_advice_and_hand_overs(api: Api) -> None:
    await api.ask("POST", f"/encounters/{Y}/advice", ADVICE)
    whole = (await api.ask("GET", f"/encounters/{Y}")).json()
    assert whole["patient"]["family_name"] == "王"
    assert [one["text"] for one in whole["advice"]] == [ADVICE["text"]]
    assert [one["handover_id"] for one in whole["handoffs"]] == [ASKED]
    assert (whole["state"], whole["nodes"], whole["closed_utc_us"]) == ("open", [], None)


async def test_encounters_are_listed_by_state_and_unit(api: Api) -> None:
    async def ids(query: str) -> list[str]:
        found = (await api.ask("GET", f"/encounters?{query}")).json()["encounters"]
        return [one["encounter_id"] for one in found]

    await api.clinic.hear(EncounterClosed(encounter_id=Y), at_s=9)
    other = (await api.ask("POST", "/encounters", {"unit": "A-002"})).json()["encounter_id"]
    assert await ids("") == [other]
    assert await ids("state=closed") == [Y]
    assert sorted(await ids("state=all")) == sorted([Y, other])
    assert await ids("state=all&unit=A-001") == [Y]
    assert (await api.ask("GET", "/encounters?state=lost")).status_code == 422


async def test_advice_is_answered_whole_and_needs_an_open_encounter(api: Api) -> None:
    given = await api.ask(
        "POST", f"/encounters/{Y}/advice", {"text": "阿司匹林\n300 mg", "valid_for_s": 60}
    )
    assert given.status_code == 201
    advice = given.json()
    assert (advice["state"], advice["text"], advice["by"]) == ("sent", "阿司匹林\n300 mg", "li")
    assert advice["expires_utc_us"] - advice["given_utc_us"] == 60_000_000
    assert (await api.ask("GET", f"/encounters/{Y}/advice")).json() == [advice]
    await api.clinic.hear(EncounterClosed(encounter_id=Y), at_s=9)
    refused = await api.ask("POST", f"/encounters/{Y}/advice", ADVICE)
    assert refused.status_code == 409


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/encounters/{Y}/advice", {"text": ""}, 422),
        (f"/encounters/{Y}/advice", {"text": " \n"}, 422),
        (f"/encounters/{Y}/advice", {"text": "a\x00b"}, 422),
        (f"/encounters/{Y}/advice", {"text": "x" * 2001}, 422),
        (f"/encounters/{Y}/advice", {"text": "x", "valid_for_s": 0}, 422),
        (f"/encounters/{Y}/advice", {"text": "x", "valid_for_s": 1e9}, 422),
        (f"/encounters/{Y}/advice", {"text": "x", "by": "Dr Who"}, 422),
        (f"/encounters/{NOBODYS}/advice", ADVICE, 404),
        ("/encounters/1/advice", ADVICE, 422),
        ("/encounters", {"unit": "A 1"}, 422),
    ],
)
async def test_a_request_that_is_not_of_its_form_changes_nothing(
    api: Api, path: str, body: object, status: int
) -> None:
    refused = await api.ask("POST", path, body)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert await api.clinic.pool.fetchval("SELECT count(*) FROM advice") == 0


async def test_who_looked_at_a_patient_is_in_the_audit(api: Api) -> None:
    for path in ("", "/advice", "/handoffs", "/document"):
        assert (await api.ask("GET", f"/encounters/{Y}{path}")).is_success
    rows = await api.clinic.pool.fetch(
        "SELECT actor, subject, facts::jsonb ->> 'what' AS what FROM audit"
        " WHERE action = 'patient.see' ORDER BY number"
    )
    assert [tuple(row) for row in rows] == [
        ("li", "A-001", what) for what in ("encounter", "advice", "handoffs", "document")
    ]


async def test_the_document_is_fhir_and_there_only_for_a_hand_over(api: Api) -> None:
    answer = await api.ask("GET", f"/encounters/{Y}/document?handover_id={ASKED}")
    assert answer.headers["content-type"] == "application/fhir+json"
    assert (answer.json()["resourceType"], answer.json()["id"]) == ("Bundle", ASKED)
    for query in (f"?handover_id={new_id()}",):
        assert (await api.ask("GET", f"/encounters/{Y}/document{query}")).status_code == 404
    other = (await api.ask("POST", "/encounters", {"unit": "A-002"})).json()["encounter_id"]
    assert (await api.ask("GET", f"/encounters/{other}/document")).status_code == 404


async def test_an_operator_sees_that_a_hand_over_failed_and_nothing_of_the_patient(
    api: Api,
) -> None:
    async with api.clinic.pool.acquire() as connection:
        await handoffs.tried(
            connection,
            ASKED,
            state="failed",
            detail="HTTP 422 invariant: Patient 王 is a duplicate",
            next_try_utc_us=NOON_US,
            now_utc_us=NOON_US,
        )
    [line] = (await api.ask("GET", "/handoffs?state=failed", role=Role.OPERATOR)).json()
    assert (line["unit"], line["hospital_id"], line["attempts"]) == ("A-001", "first", 1)
    assert (line["detail"], line["encounter_id"]) == ("HTTP 422 invariant", None)
    [line] = (await api.ask("GET", "/handoffs?state=failed")).json()
    assert "王" in line["detail"]
    assert (await api.ask("GET", "/handoffs?state=queued")).json() == []
    assert (await api.ask("GET", "/handoffs", role=Role.CREW)).status_code == 403


async def test_everybody_who_is_signed_in_sees_the_hospitals_and_nobody_their_addresses(
    api: Api,
) -> None:
    for role in Role:
        found = await api.ask("GET", "/hospitals", role=role)
        assert found.json() == [{"hospital_id": "first", "name": "市一 First"}]
    assert (await api.ask("GET", "/hospitals", role=None)).status_code == 401
