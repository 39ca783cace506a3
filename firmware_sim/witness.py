"""The witness: what a vehicle's devices said and were answered, kept apart from whoever listened.

One JSON object a line, in order: `{"at": …, "id": …, "message": …}` when a monitor sends a report,
`{"at": …, "id": …, "answer": "AA"}` when it is answered, `{"at": …, "sentence": …}` for each intact
sentence of the GNSS receiver. `at` is UTC in microseconds by this machine's clock, which is taken
to be right. A line is in the file before the device goes on.
"""

import json
from pathlib import Path
from typing import Any, Self

from protocols.clock import Clock
from protocols.errors import ConfigError


class Witness:
    """Appends to a file until it is closed."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open it.

        Raises:
            ConfigError: the file cannot be written.
        """
        self._clock = clock
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as err:
            raise ConfigError(reason="cannot write what the devices say", path=str(path)) from err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()

    def sent(self, control_id: str, message: str) -> None:
        """Note that a report leaves; one that is sent again is noted again."""
        self._note(id=control_id, message=message)

    def answered(self, control_id: str, code: str) -> None:
        """Note what a report was answered: AA is "it is safe with me"."""
        self._note(id=control_id, answer=code)

    def said(self, sentence: bytes) -> None:
        """Note a sentence of the GNSS receiver."""
        self._note(sentence=sentence.decode("ascii", "replace").strip())

    def _note(self, **facts: Any) -> None:
        facts = {"at": self._clock.utc_us()} | facts
        self._file.write(json.dumps(facts, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._file.flush()
