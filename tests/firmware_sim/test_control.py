"""The control socket: what it does, and what it refuses."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from firmware_sim.control import controllable, handler_of, request, socket_path
from firmware_sim.modem import LinkChange
from protocols.errors import ConfigError


@contextlib.asynccontextmanager
async def listening(run_dir: Path, changes: list[LinkChange]) -> AsyncIterator[Path]:
    async with controllable(
        run_dir=run_dir,
        unit="A-001",
        handlers={"link": handler_of(LinkChange, changes.append)},
        status=lambda: {"changes": len(changes)},
    ) as path:
        yield path


async def test_a_request_is_done_before_its_answer_and_the_socket_is_the_owners_alone(
    tmp_path: Path,
) -> None:
    changes: list[LinkChange] = []
    async with listening(tmp_path, changes) as path:
        status = await asyncio.to_thread(request, tmp_path, "A-001", "link", {"cut_s": 60})
        mode = path.stat().st_mode & 0o777

    assert changes == [LinkChange(cut_s=60)]
    assert status == {"changes": 1}
    assert mode == 0o600
    assert not path.exists()


async def test_a_deep_folder_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 8)
    async with listening(deep, []) as path:
        assert len(str(path)) > 200
        assert await asyncio.to_thread(request, deep, "A-001", "status", {}) == {"changes": 0}


@pytest.mark.parametrize(
    ("op", "fields", "said"),
    [
        ("link", {"loss_pct": 300}, "loss_pct"),
        ("link", {"speed": 1}, "speed"),
        ("camera", {}, "camera"),
        ("link", {"cut_s": "x" * 70_000}, "answer"),
    ],
)
async def test_what_it_cannot_do_it_refuses_and_says_why(
    tmp_path: Path, op: str, fields: dict[str, object], said: str
) -> None:
    changes: list[LinkChange] = []
    async with listening(tmp_path, changes):
        with pytest.raises(ConfigError, match=said):
            await asyncio.to_thread(request, tmp_path, "A-001", op, fields)
        after = await asyncio.to_thread(request, tmp_path, "A-001", "status", {})

    assert after == {"changes": 0}
    assert changes == []


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b"{}\n", b'"op"\n', b"\xff\n"])
async def test_a_line_that_is_no_request_gets_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's whole path may be longer than a socket's name may
    async with listening(tmp_path, []) as path:
        reader, writer = await asyncio.open_unix_connection(path.name)
        writer.write(line)
        answer = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()

    assert answer["ok"] is False


async def test_a_second_simulator_of_a_unit_is_refused_and_a_dead_ones_socket_is_taken_over(
    tmp_path: Path,
) -> None:
    async with listening(tmp_path, []):
        with pytest.raises(ConfigError, match="runs already"):
            async with listening(tmp_path, []):
                pass
    socket_path(tmp_path, "A-001").touch()
    async with listening(tmp_path, []):
        assert await asyncio.to_thread(request, tmp_path, "A-001", "status", {}) == {"changes": 0}


def test_no_simulator_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no simulator"):
        request(tmp_path, "A-001", "status", {})
