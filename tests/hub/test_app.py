"""The hub as a program: what it needs to start, what it survives, and what it leaves behind."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2
import pytest

from tests.running.program import Running, failing, running
from tests.until import until


def settings(folder: Path, **changes: str) -> dict[str, str]:
    base = {"DATA_DIR": str(folder / "hub"), "HTTP__PORT": "0", "MQTT__PORT": "0"}
    return {f"GOLDENHOUR_HUB_{name}": value for name, value in (base | changes).items()}


@contextlib.asynccontextmanager
async def hub(folder: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[Running]:
    chosen = settings(folder) if environment is None else environment
    async with running("hub", "run", environment=chosen, log=folder / "hub.log") as program:
        yield program


async def healthy(program: Running, *, within_s: float = 45) -> None:
    """Wait until every part works."""
    url = program.ready["http_url"]
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as http, asyncio.timeout(within_s):
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                if (await http.get(f"{url}/healthz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


@pytest.mark.timeout(150)
async def test_it_leaves_no_process_and_keeps_its_secrets_to_itself(tmp_path: Path) -> None:
    async with hub(tmp_path) as program:
        await healthy(program)
        assert len(program.descendants()) >= 4  # database, broker, media, ingest
        assert await program.stop() == 0
    assert program.left_behind() == set()
    folder = tmp_path / "hub"
    assert folder.stat().st_mode & 0o066 == 0  # PostgreSQL's user may pass, nobody may look
    for secret in folder.glob("*secret*"):
        assert secret.stat().st_mode & 0o077 == 0
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o066 == 0, path
    words = {path.read_text().strip() for path in folder.glob("*secret*")}
    assert words
    assert not any(word in program.log.read_text() for word in words)


@pytest.mark.timeout(150)
async def test_who_is_let_in_by_command_is_put_out_by_command(tmp_path: Path) -> None:
    word, credential = tmp_path / "password", tmp_path / "A-001.json"
    word.write_text("correct horse battery")
    person = ("--role", "doctor", "--password-file", str(word))
    unit = ("--profile", "ambulance", "--call-sign", "Y1", "--out", str(credential))
    answers: list[int] = []
    async with hub(tmp_path) as program:

        async def say(*words: str) -> int:
            log = tmp_path / "command.log"
            status, _ = await failing("hub", *words, environment=settings(tmp_path), log=log)
            return status

        async def may_come_in() -> tuple[int, int]:
            url = program.ready["http_url"]
            entry = {"username": "chen", "password": word.read_text()}
            secret = json.loads(credential.read_text())["password"]
            wanted = {"unit": "A-001", "camera": "front", "action": "publish"}
            async with httpx2.AsyncClient(trust_env=False, timeout=10, base_url=url) as http:
                signed_in = await http.post("/api/v1/session", json=entry)
                http.cookies.clear()
                basic = ("A-001", secret)
                given = await http.post("/api/v1/media/tokens", json=wanted, auth=basic)
                return signed_in.status_code, given.status_code

        answers += [
            await say("account", "add", "chen", *person),
            await say("enrol", "A-001", *unit),
        ]
        assert await may_come_in() == (200, 200)
        answers += [await say("account", "disable", "chen"), await say("revoke", "A-001")]
        assert await may_come_in() == (401, 401)
        assert answers == [0, 0, 0, 0]
        assert await say("account", "disable", "nobody") == 1
        assert await say("revoke", "A-009") == 1


@pytest.mark.timeout(200)
@pytest.mark.parametrize("part", ["media", "nats-server", "postgres", "hub.ingest"])
async def test_a_part_that_is_killed_comes_back(tmp_path: Path, part: str) -> None:
    async with hub(tmp_path) as program:
        await healthy(program)
        killed = program.child_named(part)
        os.kill(killed, signal.SIGKILL)
        await until(lambda: killed not in program.descendants(), within_s=45)
        await healthy(program)
        assert program.process.returncode is None
    assert program.left_behind() == set()


@pytest.mark.timeout(150)
async def test_a_hub_that_is_killed_takes_its_parts_with_it_and_starts_again(
    tmp_path: Path,
) -> None:
    async with hub(tmp_path) as program:
        await healthy(program)
        await program.stop(signal.SIGKILL)
        await until(lambda: not program.left_behind(), within_s=30)
    async with hub(tmp_path) as again:
        await healthy(again)


async def test_a_port_in_use_is_one_sentence_and_status_78(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for name in ("HTTP__PORT", "MQTT__PORT"):
            status, said = await failing(
                *("hub", "run"),
                environment=settings(tmp_path, **{name: port}),
                log=tmp_path / f"{name}.log",
            )
            assert status == 78, said
            [sentence] = [line for line in said.splitlines() if line.startswith("goldenhour: ")]
            assert port in sentence
            assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("HTTP__PORT", "70000", "http.port"),
        ("HTTP__PROT", "80", "PROT"),
        ("TLS__MODE", "perhaps", "tls.mode"),
        ("DATA_DIR", "/proc/nowhere", "/proc/nowhere"),
        ("HANDOFF__HOSPITALS_FILE", "/nowhere.json", "/nowhere.json"),
    ],
)
async def test_a_broken_setting_is_one_sentence_and_status_78(
    tmp_path: Path, name: str, value: str, word: str
) -> None:
    status, said = await failing(
        *("hub", "run"),
        environment=settings(tmp_path, **{name: value}),
        log=tmp_path / "hub.log",
    )
    assert status == 78, said
    [sentence] = [line for line in said.splitlines() if line.startswith("goldenhour: ")]
    assert word in sentence
    assert "Traceback" not in said


async def test_off_loopback_without_tls_it_refuses_to_start(tmp_path: Path) -> None:
    status, said = await failing(
        *("hub", "run"),
        environment=settings(tmp_path, HTTP__HOST="0.0.0.0", TLS__MODE="off"),  # noqa: S104 -- refused
        log=tmp_path / "hub.log",
    )
    assert status == 78
    assert "TLS" in said


@pytest.mark.timeout(150)
async def test_off_loopback_it_speaks_tls_alone_by_its_own_authority(tmp_path: Path) -> None:
    environment = settings(tmp_path, HTTP__HOST="0.0.0.0", MQTT__HOST="0.0.0.0")  # noqa: S104 -- with TLS
    async with hub(tmp_path, environment) as program:
        ca = tmp_path / "hub" / "tls" / "ca.pem"
        trusting = ssl.create_default_context(cafile=str(ca))
        port = int(program.ready["http_url"].rpartition(":")[2])
        async with httpx2.AsyncClient(trust_env=False, verify=trusting) as http:
            answer = await http.get(f"https://localhost:{port}/healthz")
            assert answer.status_code in {200, 503}
        async with httpx2.AsyncClient(trust_env=False) as strict:
            with pytest.raises(httpx2.ConnectError):
                await strict.get(f"https://localhost:{port}/healthz")
        mqtt = int(program.ready["mqtt"]["port"])
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", mqtt, ssl=trusting, server_hostname="localhost"
        )
        writer.close()
        await writer.wait_closed()
        assert reader is not None
    for private in (tmp_path / "hub" / "tls").glob("*key*"):
        assert private.stat().st_mode & 0o077 == 0
