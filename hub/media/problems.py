"""Errors of the media endpoints as problem+json (RFC 9457), with the headers that they call for."""

import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from hub.media.errors import MediaBusyError, MediaDownError, TokenError
from hub.media.failures import status_of
from protocols.errors import FleetError

_RETRY_AFTER_S: Final = "2"
_TITLES: Final = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    409: "Not possible now",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not carried",
    428: "Precondition required",
    502: "Media failed",
    503: "Not available now",
}
CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Accept-Patch, Retry-After",
}
"""Open to every origin: what these endpoints obey is a bearer token, which no browser adds by
itself."""


class StatusError(FleetError):
    """A request that HTTP itself forbids; nothing has changed. `status` is the answer."""

    code = "media.request"


class ProblemRoute(APIRoute):
    """A route whose errors leave as problem+json."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with its errors caught."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except FleetError as err:
                return problem(request, err)
            except RequestValidationError as err:
                where = err.errors()[0]["loc"]
                error = StatusError(
                    status=404 if where[0] == "path" else 422,
                    reason="no such place" if where[0] == "path" else "bad request",
                    field=".".join(str(part) for part in where),
                )
                return problem(request, error)

        return handler


def problem(request: Request, error: FleetError) -> Response:
    """Return `error` as a response."""
    facts = dict(error.facts)
    status = int(facts.pop("status", 0)) if isinstance(error, StatusError) else status_of(error)
    headers = dict(CORS)
    if isinstance(error, TokenError):
        detail = ', error="invalid_token"' if facts.get("reason") != "missing" else ""
        headers["WWW-Authenticate"] = f'Bearer realm="media"{detail}'
    if isinstance(error, MediaBusyError | MediaDownError):
        headers["Retry-After"] = _RETRY_AFTER_S
    content = {
        "type": "about:blank",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "code": error.code,
        "message": str(facts.get("reason", _TITLES.get(status, "Error"))),
        "facts": facts,
        "trace_id": getattr(request.state, "trace_id", None) or secrets.token_hex(8),
    }
    return JSONResponse(
        content, status_code=status, headers=headers, media_type="application/problem+json"
    )
