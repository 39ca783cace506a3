"""What every message body has in common, and how it becomes bytes."""

from enum import Enum
from typing import Any, ClassVar, Final, Literal, Self, get_args, get_origin

import cbor2
from pydantic import BaseModel, ConfigDict, ValidationError

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.link.frame import MAX_BODY_BYTES
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

    _has_texts: ClassVar[bool] = True

    fields_alone_decide: ClassVar[bool] = False
    """Of a model with a check of its own: that asks which fields are there, not what they say."""

    def to_body(self) -> bytes:
        """Return the CBOR map that travels; equal models give equal bytes.

        Raises:
            LocalProtocolError: it is longer than a reader takes; it would be sent again for ever.
        """
        body = cbor2.dumps(self.model_dump(mode="python", exclude_none=True), default=_plain)
        if len(body) > MAX_BODY_BYTES:
            raise LocalProtocolError(reason="body is too long", kind=self.kind, size=len(body))
        return body

    @classmethod
    def __pydantic_init_subclass__(cls, **_kwargs: Any) -> None:
        """See once whether a field of this model may hold any text."""
        cls._has_texts = any(_may_be_text(field.annotation) for field in cls.model_fields.values())

    @classmethod
    def check_texts(cls, fields: dict[str, Any]) -> None:
        """Refuse a text that no database's column of text can hold.

        Raises:
            RemoteProtocolError: reason `bad-body`.
        """
        if cls._has_texts and _holds_nul(fields):
            raise RemoteProtocolError(
                reason="bad-body", kind=cls.__name__, detail="text with a NUL character"
            )

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
        cls.check_texts(fields)
        try:
            return cls.__pydantic_validator__.validate_python(fields)  # type: ignore[no-any-return]
        except ValidationError as err:
            first = err.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RemoteProtocolError(
                reason="bad-body", kind=cls.__name__, field=where, detail=first["msg"][:120]
            ) from err


def _may_be_text(annotation: Any) -> bool:
    """Say whether a field of this type may hold text of the sender's choice; if in doubt, yes."""
    if annotation in {int, float, bool, bytes, type(None)} or get_origin(annotation) is Literal:
        return False
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return False
    inner = get_args(annotation)
    return (
        any(_may_be_text(each) for each in inner if isinstance(each, type) or get_args(each))
        if inner
        else True
    )


_NESTED: Final = frozenset({str, dict, list, tuple})


def _holds_nul(value: Any) -> bool:
    """Say whether a text in `value` has a character that no database column of text can hold."""
    if type(value) is str:
        return "\0" in value
    if type(value) is dict:
        if "\0" in "".join(map(str, value)):
            return True
        value = value.values()
    elif type(value) not in _NESTED:
        return False
    for each in value:  # noqa: SIM110 -- a generator costs more than the rest of it
        if type(each) in _NESTED and _holds_nul(each):
            return True
    return False


def _plain(_encoder: object, value: object) -> object:
    """Refuse what CBOR bodies may not hold; enums are already strings."""
    raise TypeError(f"{type(value).__name__} cannot travel in a body")
