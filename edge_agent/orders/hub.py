"""The hub's pictures as the vehicle fetches them, piece by piece."""

from typing import Final

from edge_agent.hub_http import HubAccess, HubHttp

_TIMEOUT_S: Final = 15.0


class HubPictures:
    """Asks with the unit's credential."""

    def __init__(self, access: HubAccess) -> None:
        self._path = f"/api/v1/units/{access.unit}/pictures"
        self._http = HubHttp(access, timeout_s=_TIMEOUT_S)

    async def piece(self, order_id: str, offset: int) -> bytes:
        """Return some of a picture's bytes, from `offset` on.

        Raises:
            LinkDownError: the hub does not answer, or cannot serve now.
            BrokenError: it refuses; `status` says how.
        """
        path = f"{self._path}/{order_id}"
        return (await self._http.ask("GET", path, params={"offset": offset})).content

    async def close(self) -> None:
        """Close the connection."""
        await self._http.close()
