"""Errors as problem+json (RFC 9457), with `code`, `message`, `facts` and `trace_id` of our own."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from protocols.errors import (
    AccessError,
    ConflictError,
    FleetError,
    LocalProtocolError,
    NotFoundError,
    RemoteProtocolError,
    RequestError,
    SignInError,
    StorageError,
    TooManyTriesError,
)

log = logging.getLogger(__name__)

Refused = Callable[[Request, AccessError], Awaitable[None]]
"""Told of each request that was refused for want of a right."""

_TITLES: Final = {
    400: "Bad request",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible now",
    413: "Too large",
    422: "Not understood",
    429: "Too many tries",
    500: "The server failed",
    503: "Not available now",
}


_STATUS: Final[tuple[tuple[type[FleetError], int], ...]] = (
    (SignInError, 401),
    (TooManyTriesError, 429),
    (AccessError, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (RequestError, 422),
    (RemoteProtocolError, 422),
    (LocalProtocolError, 422),
    (StorageError, 503),
)
"""The first that fits; what is absent is the hub's own failure."""


def status_of(error: FleetError) -> int:
    """Return the HTTP status that says what `error` says."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(
    status: int, code: str, message: str, facts: dict[str, str | float] | None = None
) -> JSONResponse:
    """Return the response; its `trace_id` is in the log if the server failed."""
    trace_id = secrets.token_hex(8)
    if status >= 500:  # noqa: PLR2004 -- RFC 9110, server errors
        log.error("api.failed", extra={"trace_id": trace_id, "error": code})
    body = {
        "type": f"urn:goldenhour:problem:{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "message": message,
        "facts": facts or {},
        "trace_id": trace_id,
    }
    headers = {"Retry-After": "60"} if status == 429 else None  # noqa: PLR2004
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def install(
    app: FastAPI, *, refused: Refused | None = None, away: Iterable[type[Exception]] = ()
) -> None:
    """Have every error of `app` leave in the one shape; `away`: what its store raises when away."""

    async def fleet(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, FleetError):
            raise error
        if refused is not None and isinstance(error, AccessError):
            await refused(request, error)
        return problem(status_of(error), error.code, str(error), error.facts)

    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:120]
        detail = f"{where}: {first['msg']}"[:240]
        return problem(422, RequestError.code, detail, {"field": where})

    async def http(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        return problem(error.status_code, f"http.{error.status_code}", str(error.detail)[:200])

    async def bug(_request: Request, error: Exception) -> JSONResponse:
        log.error("api.bug", exc_info=error)
        return problem(500, "bug", "the server failed; nothing is known to be lost")

    for kind in away:
        app.add_exception_handler(kind, _store_away)
    app.add_exception_handler(FleetError, fleet)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, bug)


async def _store_away(_request: Request, error: Exception) -> JSONResponse:
    reason = "the database is away; nothing has changed: try again"
    return problem(503, StorageError.code, reason, {"error": type(error).__name__})
