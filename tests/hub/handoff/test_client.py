"""One attempt: what a hospital may do, and what it may not do to us."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import pytest

from hub.access.authority import credentials_for
from hub.handoff.client import send, without_words
from hub.handoff.hospitals import Hospital
from protocols.runtime.clock import SystemClock
from protocols.runtime.ports import free_port
from tests.hub.handoff.conftest import serving
from tests.hub.handoff.test_document import full_case, made

Serve = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
BUNDLE: Final[dict[str, Any]] = made(full_case())


def hospital(url: str, **more: Any) -> Hospital:
    return Hospital(hospital_id="h", name="H", fhir_url=url, **more)


@contextlib.asynccontextmanager
async def answered_by(serve: Serve) -> AsyncIterator[str]:
    """A server that reads one request whole, and leaves the answer to `serve`."""
    serving_now: list[asyncio.Task[None] | None] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving_now.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                line for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")
            ]
            body = await reader.readexactly(int(lengths[0].split(b":")[1]))
            await serve(head + body, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    async with asyncio.timeout(5):
        await asyncio.gather(*(task for task in serving_now if task is not None))


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def always(said: bytes) -> Serve:
    async def serve(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    return serve


def outcome(**issue: object) -> bytes:
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("200 OK", "accepted"),
        ("201 Created", "accepted"),
        ("202 Accepted", "accepted"),  # an integration engine has it, and answers for it
        ("204 No Content", "accepted"),
        ("302 Found", "again"),
        ("400 Bad", "refused"),
        ("401 Who", "again"),
        ("404 Not Found", "refused"),
        ("409 Conflict", "again"),
        ("412 Precondition", "refused"),
        ("413 Too Large", "refused"),
        ("422 No", "refused"),
        ("429 Slow", "again"),
        ("500 Oops", "again"),
        ("503 Busy", "again"),
    ],
)
async def test_the_status_decides_whether_to_try_again(status: str, verdict: str) -> None:
    async with answered_by(always(answer(status))) as url:
        found = await send(hospital(url), BUNDLE)
    assert found.verdict == verdict


async def test_a_redirect_is_not_followed_with_the_patient_in_hand() -> None:
    asked: list[bytes] = []

    async def other(request: bytes, writer: asyncio.StreamWriter) -> None:
        asked.append(request)
        writer.write(answer("201 Created"))

    async with answered_by(other) as elsewhere:
        moved = answer("307 Moved", b"", f"Location: {elsewhere}/Bundle/x")
        async with answered_by(always(moved)) as url:
            assert (await send(hospital(url), BUNDLE)).verdict == "again"
    assert asked == []


async def test_no_more_is_read_of_an_endless_answer_than_the_beginning() -> None:
    sent = 0

    async def endless(_request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 200_000_000:
            writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
            await writer.drain()
            sent += 0x8000

    async with answered_by(endless) as url:
        found = await send(hospital(url), BUNDLE)
    assert (found.verdict, found.detail) == ("refused", "HTTP 400")
    assert sent < 20_000_000  # what the sockets' buffers swallow


async def test_an_answer_that_drips_ends_when_the_attempt_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hub.handoff.client.ATTEMPT_S", 0.4)

    async def drip(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\n")
        while True:
            writer.write(b"X-Wait: 1\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with answered_by(drip) as url, asyncio.timeout(5):
        found = await send(hospital(url), BUNDLE)
    assert (found.verdict, found.detail) == ("again", "no answer within 0.4 s")


async def test_an_answer_is_never_unpacked() -> None:
    """A short answer may unpack to gigabytes."""
    packed = gzip.compress(outcome(diagnostics="x"))
    async with answered_by(always(answer("400 Bad", packed, "Content-Encoding: gzip"))) as url:
        assert (await send(hospital(url), BUNDLE)).detail == "HTTP 400"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (outcome(code="invalid", diagnostics="no such ward"), "HTTP 400 invalid: no such ward"),
        (outcome(code="invalid", details={"text": "床位 full"}), "HTTP 400 invalid: 床位 full"),
        (outcome(code="Patient Wang"), "HTTP 400"),
        (outcome(diagnostics="a\x00b\ud800c\n"), "HTTP 400: a b c "),
        (outcome(diagnostics=7, details=[]), "HTTP 400"),
        (b"<html>Sorry</html>", "HTTP 400"),
        (b'{"issue": {}}', "HTTP 400"),
        (b"[" * 60_000, "HTTP 400"),
        (b"\xff\xfe\x00", "HTTP 400"),
        (b"", "HTTP 400"),
    ],
)
async def test_what_a_refusal_says_is_kept_as_far_as_it_can_be_stored(
    body: bytes, detail: str
) -> None:
    async with answered_by(always(answer("400 Bad", body))) as url:
        assert (await send(hospital(url), BUNDLE)).detail == detail


async def test_a_long_refusal_is_cut() -> None:
    body = outcome(code="invalid", diagnostics="long " * 2_000)
    async with answered_by(always(answer("400 Bad", body))) as url:
        detail = (await send(hospital(url), BUNDLE)).detail
    assert detail is not None
    assert len(detail) == 160
    assert without_words(detail) == "HTTP 400 invalid"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/fhir", "http://localhost:1", "https://127.0.0.1:1", "http://[::1]:1/r4"],
)
async def test_a_hospital_that_is_not_there_is_tried_again(url: str) -> None:
    found = await send(hospital(url), BUNDLE)
    assert found.verdict == "again"
    assert str(found.detail).startswith("cannot be reached")


@pytest.mark.parametrize("held", [b"\xff\xfe", "钥匙".encode(), b"a\r\nX-Evil: 1", None])
async def test_a_token_that_cannot_be_used_is_another_try_and_never_a_crash(
    tmp_path: Path, held: bytes | None
) -> None:
    file = tmp_path / "token"
    if held is not None:
        file.write_bytes(held)
    async with answered_by(always(answer("201 Created"))) as url:
        assert (await send(hospital(url, token_file=file), BUNDLE)).verdict == "again"


@pytest.mark.parametrize("method", ["put", "post"])
async def test_a_reply_that_was_lost_leaves_the_document_there_once(
    hospital_url: str, method: str
) -> None:
    """The hospital has it, and the answer did not arrive: the hub cannot but send again."""
    port = urlsplit(hospital_url).port
    assert port is not None
    forwarded: list[bytes] = []

    async def losing(request: bytes, _writer: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        forwarded.append((await reader.readuntil(b"\r\n")).split()[1])
        writer.close()
        await writer.wait_closed()

    bundle = made(full_case())
    async with answered_by(losing) as url:
        lost = await send(hospital(url, send=method), bundle)
    assert (lost.verdict, forwarded) == ("again", [b"201"])
    for _ in range(2):
        assert (await send(hospital(hospital_url, send=method), bundle)).verdict == "accepted"
    async with httpx2.AsyncClient() as http:
        found = (await http.get(f"{hospital_url}/Bundle?_count=500")).json()
    there = [
        entry["resource"]["id"]
        for entry in found["entry"]
        if entry["resource"]["identifier"] == bundle["identifier"]
    ]
    assert len(there) == 1


async def test_the_record_travels_by_tls_with_the_hospital_s_token(tmp_path: Path) -> None:
    keys = credentials_for(tmp_path / "ca", ("127.0.0.1",), now_utc_us=SystemClock().utc_us())
    token = tmp_path / "token"
    token.write_text("not-yet\n")
    port = free_port("127.0.0.1")
    secured = {
        "tls_certfile": str(keys.certificate),
        "tls_keyfile": str(keys.key),
        "server_auth": {"types": ["bearer"], "tokens": ["the-token"]},
    }
    with serving(tmp_path / "hospital", port, authority=keys.ca, **secured) as base:
        there = hospital(base, token_file=token, ca_file=keys.ca)
        early = await send(there, BUNDLE)
        assert (early.verdict, without_words(early.detail)) == ("again", "HTTP 401 login")
        token.write_text("the-token\n")  # a new token needs no restart
        assert (await send(there, BUNDLE)).verdict == "accepted"
        stranger = await send(hospital(base, token_file=token), BUNDLE)
        assert (stranger.verdict, stranger.detail) == ("again", "cannot be reached: ConnectError")
