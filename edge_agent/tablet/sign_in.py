"""Who holds the tablet: a name, and the vehicle's PIN. In memory, so that it needs no hub."""

import re
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocols.clock import Clock
from protocols.errors import ConfigError, SignInError, TooManyTriesError
from protocols.runtime.files import PRIVATE, write_whole

_PIN: Final = re.compile(r"[0-9]{4,12}")
_PIN_DIGITS: Final = 6
_TRIES: Final = 8
_TRIES_WINDOW_S: Final = 60.0
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
        self._wrong: deque[float] = deque(maxlen=_TRIES)

    def open(self, name: str, pin: str) -> str:
        """Return the token of a new session.

        Raises:
            TooManyTriesError: eight wrong PINs within a minute.
            SignInError: it is not the PIN.
        """
        now_s = self._clock.monotonic_s()
        if len(self._wrong) == _TRIES and now_s - self._wrong[0] < _TRIES_WINDOW_S:
            raise TooManyTriesError(wait_s=round(_TRIES_WINDOW_S - (now_s - self._wrong[0])))
        if not secrets.compare_digest(pin.encode(), self._pin.encode()):
            self._wrong.append(now_s)
            raise SignInError(reason="wrong PIN")
        self._wrong.clear()
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
