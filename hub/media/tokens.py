"""Media tokens: short-lived bearer tokens that open one camera for one action.

A token is a JSON Web Token signed with HMAC-SHA256 (RFC 7515, RFC 7519). The header is fixed and
compared whole, so that no other algorithm can be named.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.media.backend import SourceId
from hub.media.errors import TokenError
from hub.media.sdp import Role
from protocols.clock import Clock
from protocols.ids import CameraId, TopicSafe, UnitId

_AUDIENCE: Final = "goldenhour-media"
_MOST_CHARS: Final = 2048
_SHORTEST_SECRET: Final = 32


class Claims(BaseModel):
    """What a token says: `sub` may do `act` with `camera` of `unit` until `exp` (UTC, seconds).

    Who may talk does so in an encounter, which stands for the camera.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    aud: Annotated[str, Field(pattern=f"^{_AUDIENCE}$")] = _AUDIENCE
    sub: Annotated[str, Field(min_length=1, max_length=256)]
    unit: TopicSafe
    camera: TopicSafe
    act: Annotated[str, Field(pattern="^(publish|play|talk)$")]
    exp: int
    grant: Annotated[str, Field(max_length=160)] = ""  # on what it was given; see `lasting`
    jti: Annotated[str, Field(min_length=8, max_length=64)]

    @property
    def source(self) -> SourceId:
        """The camera that the token opens."""
        return SourceId(UnitId(self.unit), CameraId(self.camera))


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, and when it ends."""

    token: str
    expires_utc_us: int


class MediaTokens:
    """Makes and checks tokens with one secret."""

    def __init__(self, *, secret: str, ttl_s: int, clock: Clock) -> None:
        if len(secret) < _SHORTEST_SECRET:
            raise ValueError("the secret is too short")
        self._key = secret.encode()
        self._ttl_s = ttl_s
        self._clock = clock

    def grant(self, *, subject: str, source: SourceId, action: Role, on: str = "") -> Granted:
        """Return a token that lets `subject` do `action` with `source`, from now on.

        `on` names what the right rests on: a session of the token ends when that does.
        """
        expires_s = self._clock.utc_us() // 1_000_000 + self._ttl_s
        claims = Claims(
            sub=subject,
            unit=source.unit,
            camera=source.camera,
            act=str(action),
            exp=expires_s,
            grant=on,
            jti=secrets.token_urlsafe(12),
        )
        signed = f"{_HEADER}.{_encode(claims.model_dump_json().encode())}"
        return Granted(f"{signed}.{self._sign(signed)}", expires_s * 1_000_000)

    def check(self, token: str, *, expired_too: bool = False) -> Claims:
        """Return what `token` says.

        Raises:
            TokenError: `reason` is malformed, signature or expired; `expired_too` lets the last
                pass, for what a token may still do with what it has begun.
        """
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if len(token) > _MOST_CHARS or header != _HEADER or not token.isascii():
            raise TokenError(reason="malformed")
        if not hmac.compare_digest(self._sign(signed), signature):
            raise TokenError(reason="signature")
        try:
            claims = Claims.model_validate_json(_decode(payload))
        except (ValueError, ValidationError) as err:
            raise TokenError(reason="malformed") from err
        if not expired_too and self._clock.utc_us() >= claims.exp * 1_000_000:
            raise TokenError(reason="expired")
        return claims

    def _sign(self, signed: str) -> str:
        return _encode(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


_HEADER: Final = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
