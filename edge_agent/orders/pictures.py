"""Pictures that doctors sent: fetched by what their orders say of them, kept as files for a day.

Law: a picture is shown only if it is, to the byte, the one that the order names. An order arrives
by the link and waits for nothing; its picture follows over HTTP, so that no picture stands before
a drug on a thin link. What arrived of it is kept while the agent runs: after an outage the rest
follows. What the hub no longer has, or what is not what was named, is lost, and is said to be.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal

from edge_agent.backoff import Backoff
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import (
    BrokenError,
    LinkDownError,
    LocalProtocolError,
    NotFoundError,
    StorageError,
)
from protocols.jpeg import read_jpeg
from protocols.messages import Picture
from protocols.runtime.files import PRIVATE, write_whole

log = logging.getLogger(__name__)

Standing = Literal["here", "coming", "lost"]
Fetch = Callable[[str, int], Awaitable[bytes]]
Arrived = Callable[[str], Awaitable[None]]

MOST: Final = 50
"""Kept at once, some 2 MiB; the oldest goes first."""

_GONE: Final = frozenset({403, 404, 410, 422})


class Pictures:
    """`run` fetches what is wanted; the rest says what is here."""

    def __init__(self, folder: Path, *, clock: VehicleClock, backoff: Backoff) -> None:
        self._folder, self._clock, self._backoff = folder, clock, backoff
        self._named: dict[str, Picture] = {}
        self._standing: dict[str, Standing] = {}
        self._begun: tuple[str, bytes] = ("", b"")
        self._wake = asyncio.Event()
        self._is_down = False

    def want(self, order_id: str, picture: Picture) -> None:
        """Know of a picture; it is fetched unless it is here."""
        self._named[order_id] = picture
        self._standing[order_id] = "coming"
        while len(self._named) > MOST:
            self.forget(next(iter(self._named)))
        self._wake.set()

    def forget(self, order_id: str) -> None:
        """Have nothing of a picture."""
        self._standing.pop(order_id, None)
        if self._named.pop(order_id, None) is not None:
            self._path(order_id).unlink(missing_ok=True)

    def standing(self, order_id: str) -> Standing:
        """Return whether a picture can be shown."""
        return self._standing.get(order_id, "lost")

    def jpeg(self, order_id: str) -> bytes:
        """Return a picture.

        Raises:
            NotFoundError: it is not here.
        """
        data = self._read(order_id)
        if data is None:
            raise NotFoundError(what="picture", order_id=order_id[:64])
        return data

    def tidy(self) -> None:
        """Remove what no order names: it is of before the agent began."""
        for path in self._folder.glob("*.jpg"):
            if path.stem not in self._named:
                path.unlink(missing_ok=True)

    async def run(self, fetch: Fetch, arrived: Arrived) -> None:
        """Fetch what is wanted until cancelled.

        `arrived` is told of each before it is shown; perhaps again after a restart.
        """
        while True:
            order_id = next((one for one, how in self._standing.items() if how == "coming"), None)
            if order_id is None:
                await self._wake.wait()
                self._wake.clear()
                continue
            try:
                if await self._bring(order_id, self._named[order_id], fetch):
                    await arrived(order_id)
                    self._shown(order_id)
                self._backoff.reset()
                self._note_down(None)
            except (LinkDownError, BrokenError, StorageError) as err:
                self._note_down(err.code)
                await self._clock.sleep(self._backoff.next_s())

    # -- inside ---------------------------------------------------------------------------------

    def _shown(self, order_id: str) -> None:
        if order_id in self._named:
            self._standing[order_id] = "here"

    async def _bring(self, order_id: str, picture: Picture, fetch: Fetch) -> bool:
        """Fetch a picture; return whether it is here, for otherwise there is none.

        Raises:
            LinkDownError, BrokenError, StorageError: not now; what has arrived is kept.
        """
        if await asyncio.to_thread(self._read, order_id) is not None:
            return True
        begun_for, data = self._begun
        if begun_for != order_id:
            data = b""
        while len(data) < picture.size_bytes:
            try:
                piece = await fetch(order_id, len(data))
            except BrokenError as err:
                if err.facts.get("status") not in _GONE:
                    raise
                return self._lose(order_id, "refused")
            if not piece or len(data) + len(piece) > picture.size_bytes:
                return self._lose(order_id, "size")
            data += piece
            self._begun = (order_id, data)
        self._begun = ("", b"")
        if not _is(picture, data):
            return self._lose(order_id, "other")
        try:
            await asyncio.to_thread(self._write, order_id, data)
        except OSError as err:
            raise StorageError(reason="disk", detail=err.strerror or type(err).__name__) from err
        if order_id not in self._named:  # forgotten meanwhile
            self._path(order_id).unlink(missing_ok=True)
            return False
        return True

    def _lose(self, order_id: str, reason: str) -> bool:
        self._begun = ("", b"")
        if order_id in self._named:
            self._standing[order_id] = "lost"
        log.warning("pictures.lost", extra={"order": order_id, "reason": reason})
        return False

    def _write(self, order_id: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self._path(order_id), data, mode=PRIVATE)

    def _read(self, order_id: str) -> bytes | None:
        picture = self._named.get(order_id)
        if picture is None:
            return None
        try:
            data = self._path(order_id).read_bytes()
        except OSError:
            return None
        return data if _is(picture, data) else None

    def _path(self, order_id: str) -> Path:
        return self._folder / f"{order_id}.jpg"

    def _note_down(self, code: str | None) -> None:
        if code is not None and not self._is_down:
            log.warning("pictures.wait", extra={"error": code})
        if code is None and self._is_down:
            log.info("pictures.go_on")
        self._is_down = code is not None


def _is(picture: Picture, data: bytes) -> bool:
    """Say whether `data` is the picture that was named, and one that can be shown as it is."""
    if hashlib.sha256(data).hexdigest() != picture.sha256:
        return False
    try:
        jpeg = read_jpeg(data)
    except LocalProtocolError:
        return False
    size = (jpeg.width_px, jpeg.height_px)
    return jpeg.data == data and size == (picture.width_px, picture.height_px)
