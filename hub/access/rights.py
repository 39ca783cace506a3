"""Rights: who may do what. Law: every right is in RIGHTS alone; what is absent is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocols.errors import AccessError
from protocols.ids import UnitId


class Role(StrEnum):
    """Wire and table strings: add, never rename."""

    CREW = "crew"
    DOCTOR = "doctor"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What can be allowed. Dotted, as it stands in the audit."""

    SEE_FLEET = "fleet.see"  # units, positions, status, time nodes, links
    SEE_PATIENT = "patient.see"  # vitals, waveforms, chart, scores, video
    OPEN_ENCOUNTER = "encounter.open"
    ADVISE = "encounter.advise"
    SEE_HANDOFFS = "handoff.see"  # which hospital has which unit's record, not what is in it
    ENROL_UNIT = "unit.enrol"
    MANAGE_ACCOUNTS = "account.manage"
    READ_AUDIT = "audit.read"


_R, _A = Role, Action

RIGHTS: Final[Mapping[Role, frozenset[Action]]] = {
    _R.CREW: frozenset({_A.SEE_FLEET}),
    _R.DOCTOR: frozenset(
        {_A.SEE_FLEET, _A.SEE_PATIENT, _A.OPEN_ENCOUNTER, _A.ADVISE, _A.SEE_HANDOFFS}
    ),
    _R.OPERATOR: frozenset({_A.SEE_FLEET, _A.SEE_HANDOFFS}),
    _R.ADMINISTRATOR: frozenset({_A.SEE_FLEET, _A.ENROL_UNIT, _A.MANAGE_ACCOUNTS, _A.READ_AUDIT}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who is signed in: a person, or a unit by its credential (`unit` is set)."""

    username: str
    display_name: str
    role: Role | None
    organisation: str
    unit: UnitId | None = None
    grant: str = ""
    """What the right rests on, as `Desk.standing` reads it; opens nothing by itself."""

    @property
    def subject(self) -> str:
        """Who it is, stable, as the audit names it."""
        return f"unit:{self.unit}" if self.unit else self.username

    def may(self, action: Action) -> bool:
        """Say whether the role has the right; a unit has none of them."""
        return self.role is not None and action in RIGHTS[self.role]

    def may_publish(self, unit: UnitId) -> bool:
        """Say whether media of `unit` may be sent in: the unit itself."""
        return self.unit is not None and self.unit == unit

    def may_play(self, unit: UnitId) -> bool:
        """Say whether media of `unit` may be seen and heard."""
        return bool(unit) and self.may(Action.SEE_PATIENT)

    def require(self, action: Action) -> None:
        """Return if the right is there.

        Raises:
            AccessError: it is not; the refusal goes into the audit where the error is answered.
        """
        if not self.may(action):
            raise AccessError(action=action.value, actor=self.subject)
