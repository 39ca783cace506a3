"""Who holds the tablet: a name, and the vehicle's PIN. In memory, so that it needs no hub."""

import logging
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocols.clock import Clock
from protocols.errors import ConfigError, SignInError
from protocols.http.tries import Tries
from protocols.runtime.files import PRIVATE, write_whole

log = logging.getLogger(__name__)

_PIN: Final = re.compile(r"[0-9]{4,12}")
_PIN_DIGITS: Final = 6
_TRIES: Final = 8
_ALL_TRIES: Final = 32
"""Of all addresses together: at that pace a PIN of six digits stands for three weeks."""

_SESSIONS: Final = 32


@dataclass(frozen=True, slots=True)
class CrewMember:
    """One who signed in, and until when (monotonic)."""

    name: str
    until_s: float


class SignIn:
    """The sessions of one tablet."""

    def __init__(self, pin: str, clock: Clock, *, session_s: float) -> None:
        self._pin = pin
        self._clock = clock
        self._session_s = session_s
        self._sessions: OrderedDict[str, CrewMember] = OrderedDict()
        self._tries = Tries(clock, most=_TRIES)
        self._all_tries = Tries(clock, most=_ALL_TRIES)

    def open(self, name: str, pin: str, *, address: str) -> str:
        """Return the token of a new session for who asks from `address`.

        Raises:
            TooManyTriesError: too many wrong PINs from there, or from everywhere, within a minute.
            SignInError: it is not the PIN.
        """
        self._tries.count(address)
        self._all_tries.count("")
        if not secrets.compare_digest(pin.encode(), self._pin.encode()):
            log.warning("tablet.wrong_pin", extra={"address": address})
            raise SignInError(reason="wrong PIN")
        self._tries.forget(address)
        self._all_tries.forgive("")
        now_s = self._clock.monotonic_s()
        token = secrets.token_urlsafe(32)
        self._sessions[token] = CrewMember(name, now_s + self._session_s)
        while len(self._sessions) > _SESSIONS:
            self._sessions.popitem(last=False)
        return token

    def who(self, token: str | None) -> CrewMember | None:
        """Return whose session it is, or None."""
        member = self._sessions.get(token or "")
        if member is None or self._clock.monotonic_s() >= member.until_s:
            return None
        return member

    def close(self, token: str | None) -> None:
        """End the session."""
        self._sessions.pop(token or "", None)


def read_or_make_pin(file: Path) -> str:
    """Return the PIN in `file`, made on first use, for its owner's eyes only.

    Raises:
        ConfigError: the file cannot be used, or holds no PIN.
    """
    try:
        if not file.exists():
            made = "".join(secrets.choice("0123456789") for _ in range(_PIN_DIGITS))
            write_whole(file, made.encode(), mode=PRIVATE)
        pin = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(reason="cannot use the file of the tablet's PIN", file=str(file)) from err
    if not _PIN.fullmatch(pin):
        raise ConfigError(reason="the tablet's PIN is not 4 to 12 digits", file=str(file))
    return pin
