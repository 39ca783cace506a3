"""Hand-overs against somebody else's FHIR server, and against hospitals that misbehave."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hub.handoff import Hospital, Hospitals, read_hospitals
from hub.store import Pool
from protocols.errors import ConfigError
from protocols.ids import HospitalId
from protocols.link import Stream
from protocols.messages import (
    EncounterOpened,
    HandoffReceipt,
    HandoverRequest,
    HospitalsOrder,
    Message,
    PatientNote,
    Presence,
    VitalsReading,
)
from protocols.runtime.ports import free_port
from tests.hub.handoff.conftest import serving
from tests.hub.room import A1, Room, new_id, room
from tests.until import until

GZ = HospitalId("gz")
LONG = "医" * 120
GOOD = '{"hospital_id": "a", "name": "x", "fhir_url": "https://h"}'


def at(url: str, **more: Any) -> Hospitals:
    return {GZ: Hospital(hospital_id="gz", name="广州 First", fhir_url=url, **more)}


async def hand_over(here: Room) -> str:
    """Have a vehicle say what leads to a hand-over; return its id."""
    encounter_id, handover_id = new_id(), new_id()
    now_us = here.clock.utc_us()
    note = PatientNote(encounter_id=encounter_id, family_name="王", by="Li")
    asked = HandoverRequest(
        handover_id=handover_id, encounter_id=encounter_id, hospital_id="gz", signed_by="Li Lei",
        at_utc_us=now_us,
    )  # fmt: skip
    chart: list[Message] = [EncounterOpened(encounter_id=encounter_id), note]
    here.says(Stream.CHART, *chart, at_utc_us=now_us - 10_000_000)
    here.says(Stream.VITALS, VitalsReading(heart_rate_bpm=88.0), at_utc_us=now_us - 5_000_000)
    here.says(Stream.CHART, asked)
    return handover_id


async def stands(here: Room, handover_id: str, state: str, *, within_s: float = 20) -> str | None:
    """Wait until the hand-over is `state`; return its detail."""

    async def is_so() -> bool:
        found = await here.pool.fetchval(
            "SELECT state FROM handoff WHERE handover_id = $1", handover_id
        )
        return bool(found == state)

    await until(is_so, within_s=within_s)
    detail = await here.pool.fetchval(
        "SELECT detail FROM handoff WHERE handover_id = $1", handover_id
    )
    return None if detail is None else str(detail)


async def documents(base: str, handover_id: str) -> list[dict[str, Any]]:
    async with httpx2.AsyncClient() as http:
        found = (await http.get(f"{base}/Bundle?_count=200")).raise_for_status().json()
    return [
        entry["resource"]
        for entry in found.get("entry", [])
        if entry["resource"]["identifier"]["value"] == f"urn:uuid:{handover_id}"
    ]


async def receipts(here: Room) -> list[tuple[str, str | None]]:
    told = await here.told()
    return [(one.state, one.detail) for one in told if isinstance(one, HandoffReceipt)]


@pytest.mark.parametrize("method", ["put", "post"])
async def test_the_hospital_gets_the_document_and_the_vehicle_is_told(
    pool: Pool, hospital_url: str, method: str
) -> None:
    async with room(pool, at(hospital_url, send=method)) as here:
        handover_id = await hand_over(here)
        await stands(here, handover_id, "accepted")
        [bundle] = await documents(hospital_url, handover_id)
        kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
        assert kinds[0] == "Composition"
        assert "Observation" in kinds
        patient = bundle["entry"][1]["resource"]
        assert patient["name"] == [{"use": "usual", "family": "王"}]
        assert await receipts(here) == [("queued", None), ("accepted", None)]


async def test_a_hospital_that_is_away_gets_it_once_when_it_is_back(
    pool: Pool, tmp_path: Path
) -> None:
    port = free_port("127.0.0.1")
    async with room(pool, at(f"http://127.0.0.1:{port}/fhir")) as here:
        handover_id = await hand_over(here)

        async def is_tried() -> bool:
            return bool(await pool.fetchval("SELECT attempts FROM handoff"))

        await until(is_tried)
        with serving(tmp_path / "hospital", port) as base:
            await stands(here, handover_id, "accepted")
            assert len(await documents(base, handover_id)) == 1
        told = await receipts(here)
        assert [state for state, _ in told] == ["queued", "queued", "accepted"]
        assert told[0][1] is None
        assert "cannot be reached" in str(told[1][1])


async def test_a_restart_between_asking_and_sending_loses_nothing(
    pool: Pool, hospital_url: str
) -> None:
    async with room(pool, at("http://127.0.0.1:1/fhir")) as here:
        handover_id = await hand_over(here)
        await stands(here, handover_id, "queued")
    async with room(pool, at(hospital_url)) as after:
        await stands(after, handover_id, "accepted")
        assert len(await documents(hospital_url, handover_id)) == 1


@contextlib.asynccontextmanager
async def answering(answer: bytes, *, hold: bool = False) -> AsyncIterator[tuple[str, list[int]]]:
    """A hospital that gives every request the same answer; yields its base and a count."""
    asked = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            asked[0] += 1
            writer.write(answer)
            await writer.drain()
            if hold:
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir", asked
        server.close()


def http(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


async def test_a_refusal_is_final_and_says_why(pool: Pool) -> None:
    outcome = b'{"resourceType":"OperationOutcome","issue":[{"diagnostics":"no such ward"}]}'
    answer = http("422 Unprocessable", outcome)
    async with answering(answer) as (url, asked), room(pool, at(url)) as here:
        detail = await stands(here, await hand_over(here), "failed")
        assert detail == "HTTP 422: no such ward"
        assert (await receipts(here))[1:] == [("failed", "HTTP 422: no such ward")]
        assert asked == [1]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (http("503 Busy", b"<html>" + b"x" * 200_000), "HTTP 503"),
        (http("500 Oops", b'{"issue": "not a list"}'), "HTTP 500"),
        (b"nonsense\r\n\r\n", "cannot be reached"),
    ],
    ids=["html", "odd json", "not http"],
)
async def test_what_may_pass_is_tried_again(pool: Pool, answer: bytes, detail: str) -> None:
    async with answering(answer) as (url, asked), room(pool, at(url)) as here:
        handover_id = await hand_over(here)
        await until(lambda: asked[0] >= 2, within_s=20)
        assert str(await stands(here, handover_id, "queued")).startswith(detail)


async def test_a_hospital_that_never_answers_keeps_no_other_waiting(
    pool: Pool, hospital_url: str
) -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n", hold=True) as (slow, asked):
        slow_one = Hospital(hospital_id="slow", name="Slow", fhir_url=slow)
        async with room(pool, {**at(hospital_url), HospitalId("slow"): slow_one}) as here:
            first = await hand_over(here)
            await stands(here, first, "accepted")
            encounter_id = await pool.fetchval("SELECT encounter_id::text FROM handoff")
            ask = HandoverRequest(
                handover_id=new_id(), encounter_id=encounter_id, hospital_id="slow",
                signed_by="Li", at_utc_us=here.clock.utc_us(),
            )  # fmt: skip
            here.says(Stream.CHART, ask)
            await until(lambda: asked[0] >= 1)
            again = ask.model_copy(update={"handover_id": new_id(), "hospital_id": "gz"})
            here.says(Stream.CHART, again)
            await stands(here, again.handover_id, "accepted")


async def test_an_unknown_hospital_is_a_failure_that_says_so(pool: Pool) -> None:
    async with room(pool, {}) as here:
        assert "no such hospital" in str(await stands(here, await hand_over(here), "failed"))


async def test_a_unit_is_told_the_list_once_and_again_when_it_changes(pool: Pool) -> None:
    born = Presence(
        online=True, connection=new_id(), journal=new_id(), profile="ambulance", call_sign="Y1",
        software="x", since_utc_us=1,
    )  # fmt: skip

    async def lists(here: Room) -> list[list[str]]:
        told = [one for one in await here.told() if isinstance(one, HospitalsOrder)]
        return [[entry.name for entry in one.hospitals] for one in told]

    async with room(pool, at("http://127.0.0.1:1/fhir")) as here:
        here.handoff.heard_presence(A1, born)

        async def is_told() -> bool:
            return len(await lists(here)) == 1

        await until(is_told)
        here.handoff.heard_presence(A1, born)
    renamed = {GZ: Hospital(hospital_id="gz", name="Second", fhir_url="http://127.0.0.1:1")}
    async with room(pool, renamed) as here:
        here.handoff.heard_presence(A1, born)

        async def is_told_again() -> bool:
            return await lists(here) == [["广州 First"], ["Second"]]

        await until(is_told_again)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not JSON"),
        ('{"a": 1}', "is wrong"),
        ('[{"hospital_id": "a b", "name": "x", "fhir_url": "https://h"}]', "is wrong"),
        ('[{"hospital_id": "a", "name": "x", "fhir_url": "ftp://h"}]', "is wrong"),
        ('[{"hospital_id": "a", "name": "x", "fhir_url": "https://h", "tokn": 1}]', "is wrong"),
        ('[{"hospital_id":"a","name":"x","fhir_url":"https://h","token_file":"/no"}]', "not there"),
        ('[{"hospital_id": "a", "name": "x", "fhir_url": "http://h"}]', "is wrong"),
        ('[{"hospital_id": "a", "name": "x", "fhir_url": "https:///fhir"}]', "is wrong"),
        ('[{"hospital_id": "a", "name": "x", "fhir_url": "https://h:99999"}]', "is wrong"),
        ('[{"hospital_id": "a", "name": "x", "fhir_url": "https://[h"}]', "is wrong"),
        ('[{"hospital_id":"a","name":"x","fhir_url":"https://h","ca_file":"/no"}]', "not there"),
        (
            f'[{{"hospital_id":"a","name":"x","fhir_url":"https://h","ca_file":"{__file__}"}}]',
            "no certificate authority",
        ),
        (json.dumps([json.loads(GOOD) | {"hospital_id": f"h{i}"} for i in range(201)]), "too many"),
        (
            json.dumps(
                [json.loads(GOOD) | {"hospital_id": f"h{i}", "name": LONG} for i in range(200)]
            ),
            "too long",
        ),
        (f"[{GOOD}, {GOOD}]", "twice"),
    ],
)  # fmt: skip
def test_a_list_that_is_wrong_is_refused_in_one_sentence(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "hospitals.json"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_hospitals(file)
    assert said in str(caught.value.facts["reason"])


def test_a_list_that_is_right_is_read_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "hospitals.json"
    listed = [
        {"hospital_id": "b", "name": "市二", "fhir_url": "https://b.example/r4/"},
        {"hospital_id": "a", "name": "x", "fhir_url": "http://[::1]:8080/fhir", "send": "post"},
        {"hospital_id": "c", "name": "y", "fhir_url": "http://10.0.0.9", "insecure_http": True},
    ]
    file.write_text(json.dumps(listed))
    found = read_hospitals(file)
    assert list(found) == ["b", "a", "c"]
    assert found[HospitalId("b")].base_url == "https://b.example/r4"
    assert read_hospitals(None) == {}
    with pytest.raises(ConfigError, match="cannot read"):
        read_hospitals(tmp_path / "absent.json")
