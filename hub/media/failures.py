"""Errors of media as HTTP statuses, and as JSON between the two processes. Pure."""

from typing import Final

from hub.media.errors import (
    MediaBusyError,
    MediaDownError,
    OfferRefusedError,
    StaleSessionError,
    TokenError,
)
from hub.media.wire import Failure
from protocols.errors import (
    AccessError,
    ConflictError,
    FleetError,
    MediaError,
    NotFoundError,
    RemoteProtocolError,
)

STATUSES: Final[dict[type[FleetError], int]] = {
    RemoteProtocolError: 400,
    TokenError: 401,
    AccessError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    StaleSessionError: 412,
    OfferRefusedError: 422,
    MediaBusyError: 503,
    MediaDownError: 503,
    MediaError: 502,
}
_BY_CODE: Final = {kind.code: kind for kind in STATUSES}


def status_of(error: FleetError) -> int:
    """Return the HTTP status for `error`, by its nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return 500


def failure_of(error: FleetError) -> Failure:
    """Return `error` as it crosses the process's edge."""
    return Failure(code=error.code, facts=error.facts)


def error_of(failure: Failure) -> FleetError:
    """Return the error that crossed the edge; an unknown code becomes a `MediaError`."""
    return _BY_CODE.get(failure.code, MediaError)(**failure.facts)
