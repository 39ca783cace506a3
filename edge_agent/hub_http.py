"""The hub's HTTP as the vehicle uses it: by its own credential, with two ways to fail."""

import base64
import ssl
from dataclasses import dataclass
from typing import Any

import httpx2

from protocols.errors import BrokenError, LinkDownError
from protocols.ids import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAccess:
    """How the unit reaches and proves itself to the hub."""

    http_url: str
    unit: UnitId
    password: str
    tls: ssl.SSLContext | None = None  # verifies the hub; None on plain HTTP


class HubHttp:
    """Asks the hub. One connection, reused."""

    def __init__(self, access: HubAccess, *, timeout_s: float) -> None:
        basic = base64.b64encode(f"{access.unit}:{access.password}".encode()).decode()
        self._http = httpx2.AsyncClient(
            base_url=access.http_url,
            verify=access.tls if access.tls is not None else True,
            headers={"Authorization": f"Basic {basic}"},
            timeout=timeout_s,
            trust_env=False,
        )

    async def ask(self, method: str, path: str, **asked: Any) -> httpx2.Response:
        """Return the hub's answer; `asked`: what httpx takes, a header of the same name first.

        Raises:
            LinkDownError: the hub does not answer, or cannot serve now.
            BrokenError: it refuses; `status` says how.
        """
        try:
            answer = await self._http.request(method, path, **asked)
        except httpx2.HTTPError as err:
            raise LinkDownError(reason=type(err).__name__) from err
        if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise LinkDownError(reason="hub cannot serve", status=answer.status_code)
        if not answer.is_success:
            raise BrokenError(reason="hub refuses", status=answer.status_code)
        return answer

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()
