"""The demo's people: made at the first start with passwords of their own, found again later."""

import secrets
from collections.abc import Mapping
from typing import Any, Final, Literal

from goldenhour.demo.city import FULL_UNITS, Account

_Role = Literal["doctor", "operator", "administrator"]

_PEOPLE: Final[tuple[tuple[str, _Role, str, str], ...]] = (
    ("operator", "operator", "Operator Huang", "Guangzhou 120"),
    ("doctor", "doctor", "Dr Chen", "Reference Hospital"),
    ("cardiologist", "doctor", "Dr Wang", "Reference Hospital"),
    ("admin", "administrator", "Administrator", "Guangzhou 120"),
)
_PASSWORD_BYTES: Final = 9
_PIN_DIGITS: Final = 6


def accounts_of(card: Mapping[str, Any]) -> tuple[Account, ...]:
    """Return the accounts that `card` remembers, new ones where it does not."""
    known = {one["username"]: one["password"] for one in card.get("accounts", ())}
    return tuple(
        Account(
            username=username,
            role=role,
            display_name=display_name,
            organisation=organisation,
            password=known.get(username) or secrets.token_urlsafe(_PASSWORD_BYTES),
        )
        for username, role, display_name, organisation in _PEOPLE
    )


def pins_of(card: Mapping[str, Any]) -> dict[str, str]:
    """Return the tablets' PINs by unit, those that `card` remembers first."""
    known = {one["unit"]: one["pin"] for one in card.get("units", ())}
    return {
        full.unit: known.get(full.unit) or f"{secrets.randbelow(10**_PIN_DIGITS):0{_PIN_DIGITS}}"
        for full in FULL_UNITS
    }
