"""The hub's pictures as the vehicle fetches them, piece by piece."""

import base64

import httpx2

from edge_agent.media.hub import HubAccess
from protocols.errors import BrokenError, LinkDownError

_TIMEOUT_S = 15.0


class HubPictures:
    """Asks with the unit's credential. One connection, reused."""

    def __init__(self, access: HubAccess) -> None:
        basic = base64.b64encode(f"{access.unit}:{access.password}".encode()).decode()
        self._path = f"/api/v1/units/{access.unit}/pictures"
        self._http = httpx2.AsyncClient(
            base_url=access.http_url,
            verify=access.tls if access.tls is not None else True,
            headers={"Authorization": f"Basic {basic}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    async def piece(self, order_id: str, offset: int) -> bytes:
        """Return some of a picture's bytes, from `offset` on.

        Raises:
            LinkDownError: the hub does not answer, or cannot serve now.
            BrokenError: it refuses; `status` says how.
        """
        try:
            answer = await self._http.get(f"{self._path}/{order_id}", params={"offset": offset})
        except httpx2.HTTPError as err:
            raise LinkDownError(reason=type(err).__name__) from err
        if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise LinkDownError(reason="hub cannot serve", status=answer.status_code)
        if not answer.is_success:
            raise BrokenError(reason="hub refuses", status=answer.status_code)
        return answer.content

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()
