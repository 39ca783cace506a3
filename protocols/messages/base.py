"""What every message body has in common, and how it becomes bytes."""

from typing import Any, Self

import cbor2
from pydantic import BaseModel, ConfigDict, ValidationError

from protocols.errors import RemoteProtocolError
from protocols.link.wire import load_map


class Message(BaseModel):
    """A record's body: a CBOR map whose `kind` says which model it is.

    Unknown fields are ignored here and kept in the stored bytes, so an older hub reads a newer
    agent. `None` is "not measured" and is left out on the wire.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, allow_inf_nan=False, extra="ignore", hide_input_in_errors=True
    )

    kind: str

    def to_body(self) -> bytes:
        """Return the CBOR map that travels; equal models give equal bytes."""
        return cbor2.dumps(self.model_dump(mode="python", exclude_none=True), default=_plain)

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Return the message in `body`.

        Raises:
            RemoteProtocolError: reason `not-cbor` or `bad-body`, with what is wrong.
        """
        return cls.from_fields(load_map(body))

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Return the message in a decoded body.

        Raises:
            RemoteProtocolError: reason `bad-body`, with the first field that is wrong.
        """
        if _holds_nul(fields):
            raise RemoteProtocolError(
                reason="bad-body", kind=cls.__name__, detail="text with a NUL character"
            )
        try:
            return cls.model_validate(fields)
        except ValidationError as err:
            first = err.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RemoteProtocolError(
                reason="bad-body", kind=cls.__name__, field=where, detail=first["msg"][:120]
            ) from err


def _holds_nul(value: Any) -> bool:
    """Say whether a text in `value` has a character that no database column of text can hold."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(_holds_nul, value)) or any(map(_holds_nul, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_nul, value))


def _plain(_encoder: object, value: object) -> object:
    """Refuse what CBOR bodies may not hold; enums are already strings."""
    raise TypeError(f"{type(value).__name__} cannot travel in a body")
