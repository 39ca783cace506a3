"""A crew's tablet on a socket, over a vehicle whose clock is ours."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from edge_agent.hub_http import HubAccess
from edge_agent.tablet.feed import TabletFeed
from edge_agent.tablet.routes import tablet_app
from edge_agent.tablet.sign_in import SignIn
from edge_agent.tablet.state import Vehicle
from edge_agent.uplink import LinkLoad, LinkStatus
from edge_agent.voice import VoiceDesk
from protocols.errors import NotFoundError
from protocols.http.server import HttpServer
from tests.edge_agent.cab import UNIT, Cab, cab

PIN: Final = "123456"
SESSION_S: Final = 3600.0


class Tablet:
    """A crew's tablet; `client` has entered the PIN, `nobody` has not."""

    def __init__(self, vehicle: Cab) -> None:
        self.vehicle = vehicle
        clock = vehicle.vehicle_clock
        self.sign_in = SignIn(PIN, clock, session_s=SESSION_S)
        self.state = Vehicle(
            unit=UNIT,
            call_sign="Yuexiu 1",
            profile="ambulance",
            clock=clock,
            run=vehicle.run,
            scores=vehicle.scores,
            alarms=vehicle.alarms,
            orders=vehicle.orders,
            link=LinkStatus,
            devices=list,
            cameras=list,
            shutter=self.shutter,
            voice=VoiceDesk(
                HubAccess(http_url="http://127.0.0.1:9", unit=UNIT, password=""),
                encounter=lambda: vehicle.run.state.encounter_id,
                load=LinkLoad,
                moves=lambda: False,
                clock=clock,
            ),
        )
        self.shutters: list[tuple[str, bool]] = []
        self.feed = TabletFeed(self.state)
        vehicle.journal.on_append(self.feed.appended)
        self.server = HttpServer(host="127.0.0.1", port=0)
        self.app = tablet_app(
            self.state,
            journal=vehicle.journal,
            feed=self.feed,
            sign_in=self.sign_in,
            clock=clock,
        )
        url = f"http://127.0.0.1:{self.server.port}"
        self.client = httpx2.AsyncClient(base_url=url, trust_env=False)
        self.nobody = httpx2.AsyncClient(base_url=url, trust_env=False)

    async def shutter(self, camera: str, *, is_shut: bool) -> None:
        if camera != "patient":
            raise NotFoundError(what="camera", camera=camera)
        self.shutters.append((camera, is_shut))

    @contextlib.asynccontextmanager
    async def screen(self, **headers: str) -> AsyncIterator[ClientConnection]:
        """Open the live feed as the crew."""
        token = self.client.cookies.get("gh_tablet")
        async with connect(
            f"ws://127.0.0.1:{self.server.port}/api/v1/live",
            additional_headers={"cookie": f"gh_tablet={token}", **headers},
            proxy=None,
        ) as socket:
            yield socket


@contextlib.asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Tablet]:
    """A tablet's server over a vehicle in `folder`, with one client that has entered the PIN."""
    async with cab(folder) as vehicle:
        made = Tablet(vehicle)
        tasks = [
            asyncio.create_task(made.server.run(made.app)),
            asyncio.create_task(made.feed.run()),
        ]
        await made.server.wait_ready()
        entered = await made.client.post("/api/v1/session", json={"name": "Chen", "pin": PIN})
        assert entered.status_code == 200
        try:
            yield made
        finally:
            await made.client.aclose()
            await made.nobody.aclose()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
