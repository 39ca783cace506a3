"""The demo's folder: one demo at a time, what a second start finds again, and who may read it."""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocols.errors import ConfigError
from protocols.runtime.files import PRIVATE, write_whole


@dataclass(frozen=True, slots=True)
class Folder:
    """Where everything of one demo lives."""

    root: Path

    @property
    def hub(self) -> Path:
        """The hub's data."""
        return self.root / "hub"

    @property
    def logs(self) -> Path:
        """Each program's output."""
        return self.root / "logs"

    @property
    def sim(self) -> Path:
        """The simulators' control sockets."""
        return self.root / "sim"

    @property
    def hospital(self) -> Path:
        """The reference hospital's data."""
        return self.root / "hospital"

    @property
    def hospitals_file(self) -> Path:
        """The hospitals that the hub hands over to."""
        return self.root / "hospitals.json"

    @property
    def fleet_credentials(self) -> Path:
        """The light units' credentials, one a line."""
        return self.root / "units" / "light.jsonl"

    @property
    def card(self) -> Path:
        """Addresses and accounts of the demo; for its owner's eyes only."""
        return self.root / "demo.json"

    def unit(self, unit: str) -> Path:
        """One vehicle's data."""
        return self.root / "units" / unit

    def credential(self, unit: str) -> Path:
        """One vehicle's credential."""
        return self.unit(unit) / "credential.json"

    def pin(self, unit: str) -> Path:
        """The PIN of one vehicle's tablet."""
        return self.unit(unit) / "pin"

    def read_card(self) -> dict[str, Any]:
        """Return what an earlier demo noted here; empty if there was none.

        Raises:
            ConfigError: the file is there and is not what a demo writes.
        """
        if not self.card.exists():
            return {}
        try:
            found = json.loads(self.card.read_text())
        except ValueError as err:
            raise ConfigError(reason=f"{self.card} is damaged; remove it or the folder") from err
        return dict(found)

    def write_card(self, card: dict[str, Any]) -> None:
        """Note addresses and accounts."""
        text = json.dumps(card, indent=1, ensure_ascii=False)
        write_whole(self.card, text.encode(), mode=PRIVATE)


@contextlib.contextmanager
def opened(root: Path) -> Iterator[Folder]:
    """Hold the folder for one demo, making it where it is missing.

    Raises:
        ConfigError: another demo holds it, or it cannot be made.
    """
    folder = Folder(root.resolve())
    try:
        for path in (folder.root, folder.logs, folder.sim, folder.hub):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder.root / "lock").open("w")
    except OSError as err:
        raise ConfigError(reason=f"cannot use the folder {root}: {err.strerror}") from err
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                reason=f"another demo is running in {folder.root}; stop it, or name another "
                "folder with --data"
            ) from None
        yield folder
