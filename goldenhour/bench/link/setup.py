"""What the vehicle under test is told at its start."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the vehicle is told at its start; `doors`: name, host and port of each path."""

    journal: str
    credential: str
    doors: list[tuple[str, str, int]]
    ecg: str | None = None
    ecg_step_uv: float | None = None
    waves_every_s: float = 1.0
    seed: int = 1

    def to_json(self) -> str:
        """Return it as the file's text."""
        return json.dumps(asdict(self))
