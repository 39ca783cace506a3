"""Every error this system raises on purpose; anything else is a bug and is not caught.

The tree is ordered by what the reader must do: fix us, drop the peer's message, wait, ask a
person, degrade, or stop. docs/FAILURE-MODES.md has one row for each `code`.
"""

from typing import ClassVar, Final

EXIT_CONFIG: Final = 78
"""Exit status for a broken configuration. Source: sysexits.h, EX_CONFIG."""


class FleetError(Exception):
    """Root of the tree.

    `code` is dotted and stable: it is logged, sent on the wire and matched by the web apps.
    `facts` are the values a reader needs; the message is made from them, never parsed.
    """

    code: ClassVar[str] = "fleet"

    def __init__(self, **facts: str | float) -> None:
        self.facts = facts
        super().__init__(" ".join([self.code, *(f"{k}={v!r}" for k, v in facts.items())]))


class LocalProtocolError(FleetError):
    """We asked for something the protocol forbids; state is unchanged, fix the caller."""

    code = "protocol.local"


class RemoteProtocolError(FleetError):
    """The peer sent something the protocol forbids; drop it, count it, keep the link.

    The fact `reason` is one of a small closed set, so that it can label a counter.
    """

    code = "protocol.remote"


class TransportError(FleetError):
    """A connection could not carry a message; nothing was lost that a journal holds."""

    code = "transport"


class LinkDownError(TransportError):
    """No path to the peer at present; wait, the supervisor tries again."""

    code = "transport.link_down"


class ClosedError(TransportError):
    """We closed the connection ourselves; stop using it."""

    code = "transport.closed"


class BrokenError(TransportError):
    """The peer broke the connection or refused it; connect afresh."""

    code = "transport.broken"


class StorageError(FleetError):
    """The disk or the database refused; the caller still owns what it wanted stored."""

    code = "storage"


class JournalFullError(StorageError):
    """Nothing of lower value is left to shed; the caller still owns the record."""

    code = "storage.journal_full"


class StoreCorruptError(StorageError):
    """A store failed its integrity check; it was set aside whole, nothing was overwritten."""

    code = "storage.corrupt"


class IngestError(FleetError):
    """An ingest worker ended; another begins, vehicles send again what was not acknowledged."""

    code = "ingest"


class AccessError(FleetError):
    """The actor has no right to this; nothing was shown or changed, the refusal is audited."""

    code = "access.denied"


class SignInError(AccessError):
    """Nobody is signed in here, or the name and password do not go together; nothing was shown."""

    code = "access.sign_in"


class TooManyTriesError(AccessError):
    """Too many wrong passwords; the account is untouched, wait a minute."""

    code = "access.too_many_tries"


class RequestError(FleetError):
    """A request is not of its form; nothing has changed."""

    code = "request.invalid"


class DoseError(RequestError):
    """An order of a drug is not one that the formulary allows; nothing was sent or corrected."""

    code = "request.dose"


class NotFoundError(FleetError):
    """No such thing, or none that this actor may know of."""

    code = "not_found"


class ConflictError(FleetError):
    """The thing is in a state that forbids the request; nothing has changed."""

    code = "conflict"


class MediaError(FleetError):
    """Audio or video failed; telemetry is untouched, the picture degrades."""

    code = "media"


class HandoffError(FleetError):
    """A hospital's endpoint refused or did not answer; the document waits in the outbox."""

    code = "handoff"


class ConfigError(FleetError):
    """A setting is missing, misspelt or impossible; the program ends with status 78."""

    code = "config"


class ServiceLostError(FleetError):
    """An essential service failed past its restart budget; the program must end."""

    code = "runtime.service_lost"
