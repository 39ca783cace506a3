"""What can go wrong with a demo beside its settings."""

from typing import ClassVar

from protocols.errors import FleetError


class ProgramEndedError(FleetError):
    """A program of the demo ended by itself; all others were stopped."""

    code: ClassVar[str] = "demo.program_ended"


class NotReadyError(FleetError):
    """A part of the demo did not become healthy in time; everything was stopped."""

    code: ClassVar[str] = "demo.not_ready"
