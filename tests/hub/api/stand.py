"""The hub's API on a real socket over a real database, asked by people who are signed in."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from hub.access.desk import Desk
from hub.access.rights import Role
from hub.access.secrets import Passwords, new_token, token_digest
from hub.api.application import Parts, build_api
from hub.handoff import Handoff
from hub.media import Lasting, MediaClient, MediaSettings, MediaTokens
from hub.recordings import Recordings
from hub.store import Pool, accounts
from protocols.http.server import HttpServer
from tests.hub.consult.clinic import Clinic, opened
from tests.hub.handoff.seeded import Fixed

PASSWORD: Final = "correct horse battery"  # noqa: S105 -- of nobody
SESSION_S: Final = 3600


class Stand:
    """One hub's API; `role` None asks without having signed in."""

    def __init__(self, clinic: Clinic, folder: Path) -> None:
        self.clinic = clinic
        self.clock = clinic.clock
        self.desk = Desk(clinic.pool, clinic.clock, session_s=SESSION_S)
        self.tokens: dict[Role, str] = {}
        self.server = HttpServer(host="127.0.0.1", port=0)
        handoff = Handoff(
            clinic.pool,
            clinic.clock,
            orders=clinic.orders,
            feed=clinic.feed,
            consult=clinic.consult,
            hospitals={},
            rng=Fixed(),
        )
        secret = "-" * 32
        media = MediaClient(token=secret)
        parts = Parts(
            clock=clinic.clock,
            pool=clinic.pool,
            desk=self.desk,
            fleet=clinic.fleet,
            feed=clinic.feed,
            consult=clinic.consult,
            handoff=handoff,
            lasting=Lasting(media, clinic.clock, self.desk.standing),
            recordings=Recordings(
                clinic.pool, clinic.clock, folder, keep_days=30, min_free_bytes=0
            ),
            health=_well,
            addresses={"mqtt": {}, "http_url": self.url, "ca_pem": None},
            origins=frozenset({"https://wall.example"}),
            session_s=SESSION_S,
        )
        self.app = build_api(
            parts,
            media=media,
            tokens=MediaTokens(secret=secret, ttl_s=60, clock=clinic.clock),
            media_settings=MediaSettings(),
        )
        self._http = httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def add_people(self) -> None:
        """Add one person of each role, named after it, and open a session for each."""
        hashed = await Passwords().hash(PASSWORD)
        now_us = self.clock.utc_us()
        for role in Role:
            account = accounts.Account(
                username=role.value,
                display_name=role.value,
                role=role,
                organisation="First Hospital",
                password_argon2=hashed,
            )
            await accounts.add(self.clinic.pool, account, replace=False, now_utc_us=now_us)
            self.tokens[role] = token = new_token()
            await accounts.open_session(
                self.clinic.pool,
                token_digest(token),
                role.value,
                now_utc_us=now_us,
                expires_utc_us=now_us + SESSION_S * 1_000_000,
            )

    def cookie(self, role: Role | None) -> dict[str, str]:
        return {} if role is None else {"cookie": f"gh_session={self.tokens[role]}"}

    async def ask(  # noqa: PLR0913 -- what a request is made of
        self,
        method: str,
        path: str,
        *,
        role: Role | None = None,
        headers: dict[str, str] | None = None,
        json: object = None,
        content: bytes | AsyncIterator[bytes] | None = None,
    ) -> httpx2.Response:
        self._http.cookies.clear()
        return await self._http.request(
            method,
            path,
            json=json,
            content=content,
            headers={**self.cookie(role), **(headers or {})},
        )

    async def sign_in(self, username: str, password: str) -> httpx2.Response:
        return await self.ask(
            "POST", "/api/v1/session", json={"username": username, "password": password}
        )

    @contextlib.asynccontextmanager
    async def screen(
        self, role: Role | None, *, token: str | None = None, origin: str | None = None
    ) -> AsyncIterator[ClientConnection]:
        """Open the live feed."""
        headers = self.cookie(role) if token is None else {"cookie": f"gh_session={token}"}
        url = f"ws://127.0.0.1:{self.server.port}/api/v1/live"
        async with connect(
            url,
            additional_headers={**headers, **({"Origin": origin} if origin else {})},
            proxy=None,
            max_queue=None,
        ) as socket:
            yield socket

    async def close(self) -> None:
        await self._http.aclose()


@contextlib.asynccontextmanager
async def standing(pool: Pool) -> AsyncIterator[Stand]:
    async with opened(pool) as clinic, AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stand = Stand(clinic, Path(folder))
        await stand.add_people()
        serving = asyncio.create_task(stand.server.run(stand.app))
        try:
            await stand.server.wait_ready()
            yield stand
        finally:
            await stand.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def _well() -> dict[str, bool]:
    return {"database": True}
