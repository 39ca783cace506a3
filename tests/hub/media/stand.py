"""A hub's media as a test meets it: the real process, the real routes, on loopback."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import uvicorn
from fastapi import FastAPI, Request

from hub.media import (
    Claims,
    Lasting,
    MediaPrincipal,
    MediaProcess,
    MediaSettings,
    MediaTokens,
    SourceId,
    media_router,
)
from protocols.errors import AccessError, ConflictError
from protocols.ids import UnitId
from protocols.runtime.clock import SystemClock

SECRET = "x" * 40


@dataclass(frozen=True)
class Somebody:
    """Signed in by the header `x-user`, or by HTTP Basic with the password `right`.

    `unit:<id>` publishes its own, `doctor` plays all.
    """

    subject: str

    @property
    def grant(self) -> str:
        return f"grant of {self.subject}"

    def may_publish(self, unit: UnitId) -> bool:
        return self.subject == f"unit:{unit}"

    def may_play(self, unit: UnitId) -> bool:
        return bool(unit) and self.subject == "doctor"


async def authorise(request: Request) -> Somebody | None:
    user = request.headers.get("x-user")
    if user:
        return Somebody(user)
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    unit, _, word = base64.b64decode(encoded).decode().partition(":")
    return Somebody(f"unit:{unit}") if word == "right" else None


@dataclass
class Stand:
    process: MediaProcess
    http: httpx2.AsyncClient
    port: int
    app: FastAPI
    lasting: Lasting
    looks: list[Claims] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """Grants that no longer stand."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def token(
        self, action: str, unit: str = "amb-1", camera: str = "patient", *, user: str = ""
    ) -> str:
        user = user or (f"unit:{unit}" if action == "publish" else "doctor")
        answer = await self.http.post(
            "/api/v1/media/tokens",
            json={"unit": unit, "camera": camera, "action": action},
            headers={"x-user": user},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    async def camera(self, unit: str = "amb-1", camera: str = "patient") -> dict[str, object]:
        answer = await self.http.get(
            f"/api/v1/media/units/{unit}/cameras", headers={"x-user": "doctor"}
        )
        assert answer.status_code == 200, answer.text
        found = [view for view in answer.json() if view["camera"] == camera]
        return found[0] if found else {}

    async def is_live(self) -> bool:
        """Say whether pictures of the usual camera arrive."""
        return bool((await self.camera()).get("live"))


@asynccontextmanager
async def stand(settings: MediaSettings | None = None) -> AsyncIterator[Stand]:
    settings = settings or MediaSettings(udp_ports="0")
    process = MediaProcess(settings, log_level="INFO")
    tokens = MediaTokens(secret=SECRET, ttl_s=settings.token_ttl_s, clock=SystemClock())
    app = FastAPI()
    looks: list[Claims] = []
    gone: set[str] = set()

    async def standing(grants: Collection[str]) -> Collection[str]:
        return set(grants) - gone

    async def talking(_request: Request, who: MediaPrincipal, source: SourceId) -> SourceId:
        if who.subject == "stranger":
            raise AccessError(action="room.talk")
        if who.subject == "passer-by":
            raise ConflictError(reason="join the room first")
        return source

    lasting = Lasting(process.client, SystemClock(), standing)

    async def looked(claims: Claims) -> None:
        looks.append(claims)

    app.include_router(
        media_router(
            client=process.client,
            tokens=tokens,
            settings=settings,
            authorise=authorise,
            looked=looked,
            lasting=lasting,
            talking=talking,
        )
    )
    running = asyncio.create_task(process.run())
    try:
        async with asyncio.timeout(30):
            healthy = asyncio.create_task(process.wait_healthy())
            await asyncio.wait([running, healthy], return_when=asyncio.FIRST_COMPLETED)
        async with (
            serving(app) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
        ):
            yield Stand(process, http, port, app, lasting, looks, gone)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await process.close()


@asynccontextmanager
async def serving(app: FastAPI, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serve `app` on an ephemeral port."""
    with socket.create_server((host, 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
        )
        task = asyncio.create_task(server._serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task
