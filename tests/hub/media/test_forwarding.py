"""What one peer publishes, others see: real peers, the real process, loopback."""

import asyncio
from itertools import pairwise

from tests.hub.media.peers import Publisher, SignallingError, Viewer
from tests.hub.media.stand import Stand
from tests.until import until


async def test_a_viewer_decodes_what_a_publisher_sends(hub: Stand) -> None:
    publisher = Publisher(hub.http, await hub.token("publish"))
    await publisher.publish(audio=True)
    await publisher.connected()
    viewer = await joined(hub)

    await viewer.pictures(20)

    levels = viewer.levels[-20:]
    steps = {later - earlier for earlier, later in pairwise(levels)}
    assert steps & {9, 10}, levels  # 8 of 219 grey levels a frame
    assert max(levels) - min(levels) > 50
    assert viewer.sounds > 20
    camera = await hub.camera()
    assert (camera["live"], camera["width"], camera["height"]) == (True, 320, 180)
    assert camera["viewers"] == 1
    await viewer.leave()
    await publisher.leave()


async def test_nothing_is_left_of_peers_that_have_left(hub: Stand) -> None:
    publisher = Publisher(hub.http, await hub.token("publish"))
    await publisher.publish()
    await publisher.connected()
    first = await joined(hub)
    await first.pictures(1)
    await first.leave()
    before = await hub.process.client.counts()

    for _ in range(8):
        viewers = await asyncio.gather(*(joined(hub) for _ in range(3)))
        await asyncio.gather(*(viewer.pictures(1) for viewer in viewers))
        await asyncio.gather(*(viewer.leave() for viewer in viewers))

    async def is_as_before() -> bool:
        now = await hub.process.client.counts()
        return (now.sessions, now.tasks, now.descriptors) == (
            before.sessions,
            before.tasks,
            before.descriptors,
        )

    await until(is_as_before)
    await publisher.leave()


async def joined(hub: Stand) -> Viewer:
    """Return a viewer of the camera, which may be about to be published."""
    while True:
        viewer = Viewer(hub.http, await hub.token("play"))
        try:
            await viewer.play()
        except SignallingError as err:
            assert err.response.status_code == 404  # noqa: PT017
            await viewer.pc.close()
            await asyncio.sleep(0.02)
            continue
        await viewer.connected()
        return viewer
