"""Health checks of the demo's parts: each is asked again and again until it is well or too late."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx2

from goldenhour.demo.children import Child, last_lines
from goldenhour.demo.errors import NotReadyError

_EVERY_S: Final = 0.1

Check = Callable[[], Awaitable[str | None]]
"""Returns what is still missing, in words; None: it is well."""


async def until(check: Check, *, part: str, child: Child, within_s: float) -> None:
    """Return once `check` finds nothing missing any more.

    Raises:
        NotReadyError: it still did after `within_s`; says what, and names the log of `child`.
    """
    missing: str | None = "it did not answer"
    try:
        async with asyncio.timeout(within_s):
            while (missing := await check()) is not None:  # noqa: ASYNC110 -- no event: asked again
                await asyncio.sleep(_EVERY_S)
    except TimeoutError:
        raise NotReadyError(
            reason=f"{part} was not ready within {within_s:g} s: {missing}", log=str(child.log)
        ) from None


async def said_ready(child: Child, *, within_s: float) -> dict[str, Any]:
    """Return the line in which a program says that it is ready, once it has.

    Raises:
        NotReadyError: it has not within `within_s`.
    """
    found: dict[str, Any] = {}

    async def look() -> str | None:
        for line in last_lines(child):
            said = _object(line)
            if said.get("ready") is True:
                found.update(said)
                return None
        return "it has not said that it is"

    await until(look, part=child.program.name, child=child, within_s=within_s)
    return found


async def answers(url: str, *, part: str, child: Child, within_s: float) -> None:
    """Return once `url` answers 200.

    Raises:
        NotReadyError: it has not within `within_s`.
    """
    async with httpx2.AsyncClient(timeout=within_s) as client:

        async def look() -> str | None:
            try:
                answer = await client.get(url)
            except httpx2.HTTPError as err:
                return f"{url} does not answer ({type(err).__name__})"
            return None if answer.is_success else f"{url} answers {answer.status_code}"

        await until(look, part=part, child=child, within_s=within_s)


def _object(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line) if line.startswith("{") else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
