"""The MQTT client id of a unit: the same at every connection, and known to the unit alone.

A broker that meets a client id again ends the connection that had it before (MQTT 3.1.1, 3.1.4),
whoever has come. So a unit keeps one id, to push its own dead connection aside, and nobody else
can tell it: it is derived from the unit's password.
"""

import hmac
from typing import Final

from protocols.ids import UnitId

_PURPOSE: Final = "mqtt-client-id"
_DIGITS: Final = 16


def client_id(unit: UnitId, password: str, *, path: str | None = None) -> str:
    """Return `unit`'s client id on `path` (None: its first)."""
    purpose = f"{_PURPOSE}:{path or ''}"
    secret = hmac.digest(password.encode(), purpose.encode(), "sha256").hex()[:_DIGITS]
    return f"{unit}-{secret}"
