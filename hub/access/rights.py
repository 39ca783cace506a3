"""Rights: who may do what. Law: every right is in RIGHTS alone; what is absent is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocols.errors import AccessError
from protocols.ids import EncounterId, UnitId


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
    JOIN_ROOM = "room.join"  # be in a room, be rung, write to it
    INVITE = "room.invite"
    SEE_HANDOFFS = "handoff.see"  # which hospital has which unit's record, not what is in it
    ENROL_UNIT = "unit.enrol"
    MANAGE_ACCOUNTS = "account.manage"
    READ_AUDIT = "audit.read"


_R, _A = Role, Action

RIGHTS: Final[Mapping[Role, frozenset[Action]]] = {
    _R.CREW: frozenset({_A.SEE_FLEET}),
    _R.DOCTOR: frozenset(
        {
            _A.SEE_FLEET,
            _A.SEE_PATIENT,
            _A.OPEN_ENCOUNTER,
            _A.ADVISE,
            _A.SEE_HANDOFFS,
            _A.JOIN_ROOM,
            _A.INVITE,
        }
    ),
    _R.OPERATOR: frozenset({_A.SEE_FLEET, _A.SEE_HANDOFFS}),
    _R.ADMINISTRATOR: frozenset({_A.SEE_FLEET, _A.ENROL_UNIT, _A.MANAGE_ACCOUNTS, _A.READ_AUDIT}),
}


GUEST_RIGHTS: Final = frozenset({_A.SEE_PATIENT, _A.JOIN_ROOM})
"""What a guest link gives, in its one encounter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestOf:
    """The one encounter that a guest was let into, and since when its patient is in care."""

    encounter_id: EncounterId
    unit: UnitId
    since_utc_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who is signed in: a person, or a unit by its credential (`unit` is set)."""

    username: str
    display_name: str
    role: Role | None
    organisation: str
    unit: UnitId | None = None
    guest_of: GuestOf | None = None
    """A guest has the rights of `GUEST_RIGHTS`, and in this one encounter alone."""

    grant: str = ""
    """What the right rests on, as `Desk.standing` reads it; opens nothing by itself."""

    @property
    def subject(self) -> str:
        """Who it is, stable, as the audit names it."""
        return f"unit:{self.unit}" if self.unit else self.username

    def may(
        self, action: Action, *, unit: str | None = None, encounter_id: str | None = None
    ) -> bool:
        """Say whether they have the right; a unit has none of them.

        A role's rights are the same everywhere. A guest's hold where what is asked about, the
        `unit` or the `encounter_id`, is that of the one encounter, and nowhere else.
        """
        guest = self.guest_of
        if guest is not None:
            is_there = unit == guest.unit or encounter_id == guest.encounter_id
            return is_there and action in GUEST_RIGHTS
        return self.role is not None and action in RIGHTS[self.role]

    def may_publish(self, unit: UnitId) -> bool:
        """Say whether media of `unit` may be sent in: the unit itself."""
        return self.unit is not None and self.unit == unit

    def may_play(self, unit: UnitId) -> bool:
        """Say whether media of `unit` may be seen and heard."""
        return bool(unit) and self.may(Action.SEE_PATIENT, unit=unit)

    def require(
        self, action: Action, *, unit: str | None = None, encounter_id: str | None = None
    ) -> None:
        """Return if the right is there, as `may` says.

        Raises:
            AccessError: it is not; the refusal goes into the audit where the error is answered.
        """
        if not self.may(action, unit=unit, encounter_id=encounter_id):
            raise AccessError(action=action.value, actor=self.subject)
