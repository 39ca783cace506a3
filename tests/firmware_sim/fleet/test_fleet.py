"""A fleet on the real broker, with every unit's own credential, through loss and restarts."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from firmware_sim.fleet import Broker, Credential, Fleet
from hub.access.secrets import machine_hash
from protocols.ids import UnitId
from protocols.link.streams import Stream
from protocols.runtime.clock import SystemClock
from protocols.runtime.ports import free_port
from tests.firmware_sim.fleet.committing import CommittingHub, broker_of, committing
from tests.until import until


def _credentials(count: int) -> tuple[Credential, ...]:
    return tuple(
        Credential(
            unit=f"L-{number:03d}",
            password=SecretStr(f"password-of-unit-{number}"),
            profile="patrol" if number % 3 == 0 else "ambulance",
            call_sign=f"Light {number}",
        )
        for number in range(1, count + 1)
    )


@contextlib.asynccontextmanager
async def driving(credentials: tuple[Credential, ...], port: int) -> AsyncIterator[Fleet]:
    fleet = Fleet(
        credentials=credentials,
        broker=Broker(host="127.0.0.1", port=port),
        clock=SystemClock(),
        seed=1,
    )
    ready = asyncio.Event()
    task = asyncio.create_task(fleet.run(ready.set))
    try:
        await asyncio.wait_for(ready.wait(), 20)
        yield fleet
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_unit_is_born_drives_and_says_goodbye(tmp_path: Path) -> None:
    units = _credentials(20)
    port = free_port("127.0.0.1")
    async with broker_of(tmp_path, units, port) as broker, committing(port, broker) as hub:
        async with driving(units, port) as fleet:
            await until(lambda: len(hub.presence) == 20, within_s=5)
            assert all(p.online and p.light for p in hub.presence.values())
            assert hub.presence["L-003"].profile == "patrol"
            await until(lambda: all(_positions(hub, unit.unit) >= 3 for unit in units), within_s=10)
            assert fleet.status()["connected"] == 20
            waits = fleet.waits.facts()
            assert 60 <= (waits["count"] or 0) <= sum(len(has) for has in hub.records.values())
            assert (waits["max_ms"] or 0) < 10_000
        await until(lambda: not any(p.online for p in hub.presence.values()), within_s=5)

    assert hub.doubled == 0


def _positions(hub: CommittingHub, unit: str) -> int:
    return sum(
        len(has) for (who, _, what), has in hub.records.items()
        if (who, what) == (unit, Stream.POSITION)
    )  # fmt: skip


async def test_a_hub_that_loses_frames_gets_them_again_and_has_no_hole(tmp_path: Path) -> None:
    units = _credentials(10)
    port = free_port("127.0.0.1")
    async with (
        broker_of(tmp_path, units, port) as broker,
        committing(port, broker) as hub,
        driving(units, port) as fleet,
    ):
        hub.lose_every = 3
        await until(lambda: hub.frames > 60, within_s=15)
        hub.lose_every = 0
        seen = {unit.unit: max(hub.of(unit.unit, Stream.POSITION)) for unit in units}
        await until(
            lambda: all(
                set(range(1, last + 1)) <= set(hub.of(unit, Stream.POSITION))
                for unit, last in seen.items()
            ),
            within_s=15,
        )
        assert fleet.counters.bad_acks == 0

    assert hub.doubled == 0


async def test_a_brokers_restart_loses_nothing_and_brings_all_back(tmp_path: Path) -> None:
    """The broker is killed under the fleet; another begins in its place with an empty memory."""
    units, port, hub = _credentials(10), free_port("127.0.0.1"), CommittingHub()
    async with contextlib.AsyncExitStack() as stack:
        broker = await stack.enter_async_context(broker_of(tmp_path, units, port))
        await stack.enter_async_context(committing(port, broker, hub))
        fleet = await stack.enter_async_context(driving(units, port))
        await until(lambda: hub.frames > 20, within_s=10)
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        await until(lambda: fleet.status()["connected"] == 0, within_s=15)
        before = max(hub.of("L-001", Stream.POSITION))
        (tmp_path / "fresh").mkdir()
        again = await stack.enter_async_context(broker_of(tmp_path / "fresh", units, port))
        await stack.enter_async_context(committing(port, again, hub))
        await until(lambda: fleet.status()["connected"] == 10, within_s=30)
        await until(
            lambda: all(len(hub.of(u.unit, Stream.POSITION)) > before + 3 for u in units),
            within_s=15,
        )
        for unit in units:
            has = hub.of(unit.unit, Stream.POSITION)
            assert sorted(has) == list(range(1, max(has) + 1))
    assert hub.doubled == 0


async def test_units_that_the_broker_refuses_are_counted_and_try_again_until_it_takes_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    units, port = _credentials(4), free_port("127.0.0.1")
    async with broker_of(tmp_path, units[:2], port) as broker:
        fleet = Fleet(
            credentials=units,
            broker=Broker(host="127.0.0.1", port=port),
            clock=SystemClock(),
            seed=1,
        )
        task = asyncio.create_task(fleet.run(lambda: None))
        try:
            await until(
                lambda: fleet.counters.refused >= 4 and fleet.counters.connected == 2, within_s=5
            )
            assert caplog.records == []
            await broker.write_users(
                [(UnitId(c.unit), machine_hash(c.password.get_secret_value())) for c in units]
            )
            await until(lambda: fleet.counters.connected == 4, within_s=20)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("count", [300])
async def test_three_hundred_units_in_one_process_keep_their_second(
    tmp_path: Path, count: int
) -> None:
    """By the command, as a process of its own: 5 s of positions from each within 7 s."""
    units = _credentials(count)
    path = tmp_path / "units.jsonl"
    await asyncio.to_thread(
        path.write_text,
        "\n".join(
            json.dumps({**u.model_dump(), "password": u.password.get_secret_value()}) for u in units
        ),
    )
    port = free_port("127.0.0.1")
    async with broker_of(tmp_path, units, port) as broker, committing(port, broker) as hub:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "goldenhour", "sim", "fleet", "--credentials", str(path)),
            *("--broker", f"127.0.0.1:{port}", "--run-dir", str(tmp_path / "run")),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        before = {unit.unit: _positions(hub, unit.unit) for unit in units}
        began_s = asyncio.get_running_loop().time()
        await until(
            lambda: all(_positions(hub, u) - n >= 5 for u, n in before.items()), within_s=20
        )
        took_s = asyncio.get_running_loop().time() - began_s
        process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(process.communicate(), 20)

    assert json.loads(line)["connected"] == count
    assert process.returncode == 0, err.decode()[-2000:]
    assert b"Traceback" not in err
    assert took_s < 9
    assert hub.doubled == 0
