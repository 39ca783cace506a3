"""No program of the demo outlives it, whichever way it ends."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from goldenhour.demo.children import Child, Children, Program
from goldenhour.demo.errors import ProgramEndedError
from protocols.errors import ConfigError

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER
PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
    " start_new_session=True)\n"
    "print('up', child.pid, flush=True); time.sleep(600)"
)


def python(name: str, code: str, *, patience_s: float = 5.0, revives: bool = False) -> Program:
    return Program(
        name=name,
        executable=sys.executable,
        arguments=("-c", code),
        environment={},
        patience_s=patience_s,
        revives=revives,
    )


async def said_up(child: Child) -> list[str]:
    async with asyncio.timeout(20):
        while not (words := child.log.read_text().split()) or words[0] != "up":
            assert child.process.returncode is None, child.log.read_text()
            await asyncio.sleep(0.02)
    return words


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while is_alive(pid):  # noqa: ASYNC110 -- the kernel sets no event
            await asyncio.sleep(0.02)


async def test_leaving_stops_every_program(tmp_path: Path) -> None:
    async with Children(logs=tmp_path) as children:
        started = [await children.start(python(name, SLEEPER)) for name in ("one", "two")]
        for child in started:
            await said_up(child)
    assert not any(is_alive(child.pid) for child in started)


async def test_a_program_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    async with Children(logs=tmp_path) as children:
        child = await children.start(python("stubborn", STUBBORN, patience_s=0.2))
        await said_up(child)
    assert child.process.returncode == -signal.SIGKILL


async def test_what_stands_on_others_is_stopped_before_them(tmp_path: Path) -> None:
    says_when = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('end', time.monotonic_ns())))\n"
        "print('up', flush=True); time.sleep(600)"
    )
    layers = {"hub": 0, "sim-1": 1, "agent-1": 2, "agent-2": 2, "sim-2": 1}
    logs: dict[str, Path] = {}
    async with Children(logs=tmp_path) as children:
        for name, layer in layers.items():
            child = await children.start(replace(python(name, says_when), layer=layer))
            logs[name] = child.log
            await said_up(child)
    ended = sorted(layers, key=lambda name: int(logs[name].read_text().split()[-1]))
    assert [layers[name] for name in ended] == [2, 2, 1, 1, 0]


async def test_what_a_program_left_behind_is_ended_too(tmp_path: Path) -> None:
    async with Children(logs=tmp_path) as children:
        child = await children.start(python("parent", PARENT))
        grandchild = int((await said_up(child))[1])
        assert is_alive(grandchild)
    await until_gone(grandchild)


async def test_a_program_dies_with_a_demo_that_was_killed(tmp_path: Path) -> None:
    starter = tmp_path / "demo.py"
    starter.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from goldenhour.demo.children import Children, Program\n"
        "async def start():\n"
        "    async with Children(logs=Path(sys.argv[1])) as children:\n"
        "        child = await children.start(Program(name='kept', executable=sys.executable,\n"
        f"            arguments=('-c', {SLEEPER!r}), environment={{}}))\n"
        "        while 'up' not in child.log.read_text(): await asyncio.sleep(0.02)\n"
        "        print(child.pid, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(start())\n"
    )
    demo = await asyncio.create_subprocess_exec(
        sys.executable, str(starter), str(tmp_path), stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert demo.stdout is not None
    async with asyncio.timeout(20):
        pid = int(await demo.stdout.readline())
    assert is_alive(pid)
    demo.kill()
    await demo.wait()
    await until_gone(pid)


async def test_a_program_s_own_words_say_why_it_ended(tmp_path: Path) -> None:
    speaks = "import sys; sys.exit('goldenhour: no such setting (variable X).')"
    async with Children(logs=tmp_path) as children:
        await children.start(python("hub", speaks))
        with pytest.raises(ProgramEndedError, match="hub: no such setting"):
            await children.watch()


async def test_a_program_with_a_wrong_setting_makes_the_demo_s_setting_wrong(
    tmp_path: Path,
) -> None:
    speaks = "import sys; print('goldenhour: no.', file=sys.stderr); sys.exit(78)"
    async with Children(logs=tmp_path) as children:
        await children.start(python("idle", SLEEPER))
        await children.start(python("hub", speaks))
        with pytest.raises(ConfigError):
            await children.watch()


async def test_an_agent_that_was_killed_is_started_again(tmp_path: Path) -> None:
    async with Children(logs=tmp_path) as children:
        first = await children.start(python("agent", SLEEPER, revives=True))
        await said_up(first)
        watching = asyncio.create_task(children.watch())
        os.kill(first.pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while (second := children.running[0]).pid == first.pid:  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0.02)
        assert is_alive(second.pid)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_program_that_ends_by_itself_is_not_started_again(tmp_path: Path) -> None:
    async with Children(logs=tmp_path) as children:
        await children.start(python("agent", "raise SystemExit(3)", revives=True))
        with pytest.raises(ProgramEndedError, match="status 3"):
            await children.watch()
