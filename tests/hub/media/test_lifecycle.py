"""Peers that never come, come twice, or come all at once; a process that dies."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from hub.media import MediaProcess, MediaSettings
from hub.media.wire import ProcessConfig
from protocols.errors import EXIT_CONFIG, ConfigError, MediaError
from tests.hub.media.offers import PLAY
from tests.hub.media.peers import Publisher, Viewer, loopback_offered
from tests.hub.media.stand import Stand, stand
from tests.until import until

WHEP = "/api/v1/media/whep/amb-1/patient"


async def published(hub: Stand) -> Publisher:
    publisher = Publisher(hub.http, await hub.token("publish"))
    await publisher.publish()
    await publisher.connected()
    await until(hub.is_live)
    return publisher


async def watching(hub: Stand) -> Viewer:
    viewer = Viewer(hub.http, await hub.token("play"))
    await viewer.play()
    await viewer.connected()
    return viewer


async def test_a_viewer_that_never_comes_is_freed() -> None:
    settings = MediaSettings(udp_ports="0", connect_timeout_s=1)
    with loopback_offered():
        async with stand(settings) as hub:
            await never_comes(hub)


async def never_comes(hub: Stand) -> None:
    publisher = await published(hub)
    before = await hub.process.client.counts()
    headers = {
        "Authorization": f"Bearer {await hub.token('play')}",
        "Content-Type": "application/sdp",
    }
    for _ in range(3):
        answer = await hub.http.post(WHEP, content=PLAY, headers=headers)
        assert answer.status_code == 201
    assert (await hub.process.client.counts()).sessions == before.sessions + 3

    async def is_as_before() -> bool:
        now = await hub.process.client.counts()
        return (now.sessions, now.tasks, now.descriptors) == (
            before.sessions,
            before.tasks,
            before.descriptors,
        )

    await until(is_as_before, within_s=8)
    assert await hub.is_live()
    await publisher.leave()


async def test_a_session_ends_when_the_right_to_it_does(hub: Stand) -> None:
    publisher = await published(hub)
    viewer = await watching(hub)
    await viewer.pictures(3)
    await hub.lasting.look()
    assert (await hub.process.client.counts()).viewers == 1

    hub.gone.add("grant of doctor")
    await hub.lasting.look()
    assert (await hub.process.client.counts()).viewers == 0
    assert await hub.is_live()

    hub.gone.add("grant of unit:amb-1")
    await hub.lasting.look()
    assert (await hub.process.client.counts()).publishers == 0
    assert (await viewer.end()).status_code == 404
    assert (await publisher.end()).status_code == 404
    await viewer.pc.close()
    await publisher.pc.close()


async def test_the_newest_publisher_takes_over_and_viewers_stay(hub: Stand) -> None:
    first = await published(hub)
    viewer = await watching(hub)
    await viewer.pictures(3)

    second = await published(hub)

    await viewer.pictures(15)
    counts = await hub.process.client.counts()
    assert (counts.publishers, counts.takeovers, counts.viewers) == (1, 1, 1)

    async def first_is_told() -> bool:
        return first.pc.connectionState == "closed"

    await until(first_is_told)
    await viewer.leave()
    await second.leave()


async def test_a_second_publisher_that_never_comes_disturbs_nobody(hub: Stand) -> None:
    publisher = await published(hub)
    viewer = await watching(hub)
    headers = {
        "Authorization": f"Bearer {await hub.token('publish')}",
        "Content-Type": "application/sdp",
    }
    offer = PLAY.replace("a=recvonly", "a=sendonly")
    answer = await hub.http.post(WHEP.replace("whep", "whip"), content=offer, headers=headers)
    assert answer.status_code == 201
    await viewer.pictures(10)
    assert (await hub.process.client.counts()).takeovers == 0
    await viewer.leave()
    await publisher.leave()


async def test_many_who_join_at_once_cost_few_key_frames_and_all_see(hub: Stand) -> None:
    publisher = await published(hub)
    before = publisher.picture.idr_asked

    viewers = await asyncio.gather(*(watching(hub) for _ in range(6)))
    await asyncio.gather(*(viewer.pictures(1, within_s=3) for viewer in viewers))

    counts = await hub.process.client.counts()
    assert publisher.picture.idr_asked - before <= 4
    assert counts.keyframe_questions >= 6
    await asyncio.gather(*(viewer.leave() for viewer in viewers))
    await publisher.leave()


async def test_a_viewer_of_a_source_that_pauses_waits_for_it(hub: Stand) -> None:
    publisher = await published(hub)
    await publisher.leave()

    viewer = await watching(hub)
    assert (await hub.camera())["live"] is False
    back = await published(hub)
    await viewer.pictures(5)

    await viewer.leave()
    await back.leave()


async def test_while_the_process_is_away_requests_are_503_and_it_comes_back() -> None:
    process = MediaProcess(MediaSettings(udp_ports="0"))
    running = asyncio.create_task(process.run())
    await process.wait_healthy()
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(MediaError):
        await running
    with pytest.raises(MediaError) as down:
        await process.client.counts()
    assert down.value.code == "media.down"

    again = asyncio.create_task(process.run())
    await process.wait_healthy()
    assert process.pid != pid
    assert (await process.client.counts()).sessions == 0
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    await process.close()


async def test_a_process_that_is_stopped_leaves_nothing_running() -> None:
    process = MediaProcess(MediaSettings(udp_ports="0"))
    running = asyncio.create_task(process.run())
    await process.wait_healthy()
    pid = process.pid
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await process.close()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_the_process_ends_when_the_hub_dies() -> None:
    config = ProcessConfig(settings=MediaSettings(udp_ports="0"), token=SecretStr("t" * 32))
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hub.media",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(config.model_dump_json().encode() + b"\n")
    assert b"media.ready" in await child.stdout.readline()
    child.stdin.close()
    async with asyncio.timeout(10):
        assert await child.wait() == 0


async def test_impossible_settings_end_the_process_with_one_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "no-such-file"
    settings = MediaSettings(turn_url="turn:127.0.0.1", turn_credential_file=missing)
    process = MediaProcess(settings)
    with pytest.raises(ConfigError):
        await process.run()
    await process.close()

    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hub.media",
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await child.communicate(b'{"nonsense": 1}\n')
    assert child.returncode == EXIT_CONFIG
    assert said.count(b"\n") == 1


async def test_the_hub_itself_loads_no_codec() -> None:
    """Aiortc and FFmpeg live in the media process; the hub's own stays small."""
    script = "import sys, hub.media; sys.exit('aiortc' in sys.modules or 'av' in sys.modules)"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await child.wait() == 0
