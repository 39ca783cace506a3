"""A part of the demo is waited for by asking it, and named where it does not become well."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from goldenhour.demo.children import Child, Children, Program
from goldenhour.demo.errors import NotReadyError, ProgramEndedError
from goldenhour.demo.health import answers, said_ready, until

SAYS = (
    "import time; print('{\"event\": \"starting\"}', flush=True); print('{\"rea', end='');"
    ' print(\'dy": true, "port": 7}\', flush=True); time.sleep(600)'
)


def python(code: str, *, ends: bool = False) -> Program:
    return Program(
        name="part", executable=sys.executable, arguments=("-c", code), environment={},
        patience_s=0.2, ends=ends,
    )  # fmt: skip


@pytest.fixture
async def children(tmp_path: Path) -> AsyncIterator[Children]:
    async with Children(logs=tmp_path) as running:
        yield running


@pytest.fixture
async def silent(children: Children) -> Child:
    return await children.start(python("import time; time.sleep(600)"))


async def test_a_program_is_ready_once_it_says_so(children: Children) -> None:
    said = await said_ready(await children.start(python(SAYS)), within_s=20)
    assert said == {"ready": True, "port": 7}


async def test_what_an_earlier_run_said_does_not_count(children: Children) -> None:
    await said_ready(await children.start(python(SAYS)), within_s=20)
    again = await children.start(python("import time; time.sleep(600)"))
    with pytest.raises(NotReadyError):
        await said_ready(again, within_s=0.5)


async def test_a_part_that_is_too_late_is_named_with_its_log_and_what_it_lacked(
    silent: Child,
) -> None:
    async def lacks() -> str | None:
        return "no position of A-001"

    with pytest.raises(NotReadyError) as late:
        await until(lacks, part="the city", child=silent, within_s=0.3)
    assert "the city was not ready within 0.3 s: no position of A-001" in str(late.value)
    assert late.value.facts["log"] == str(silent.log)


async def test_an_address_is_well_when_it_answers_200_and_not_before(silent: Child) -> None:
    answered: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answered.append(503 if len(answered) < 2 else 200)
        writer.write(b"HTTP/1.1 %d X\r\nConnection: close\r\n\r\n" % answered[-1])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/healthz"
    await answers(url, part="the hub", child=silent, within_s=10)
    assert answered == [503, 503, 200]

    server.close()
    await server.wait_closed()
    with pytest.raises(NotReadyError, match="does not answer"):
        await answers(url, part="the hub", child=silent, within_s=0.5)


async def test_a_program_that_ends_is_completed_or_says_why_not(children: Children) -> None:
    await children.complete(python("pass", ends=True))
    assert children.running == ()
    speaks = "import sys; sys.exit('goldenhour: the name is taken.')"
    with pytest.raises(ProgramEndedError, match="the name is taken"):
        await children.complete(python(speaks, ends=True))
