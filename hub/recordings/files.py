"""The bytes of recordings: a file a segment, in a folder a unit. Whole, or `.part`.

How many bytes a part has says its size on the disk, and nothing else does. Ids are checked where
they come in (`TopicSafe`), so that none leaves its folder. Every method may wait for the disk.
"""

import hashlib
import os
import shutil
from pathlib import Path

from protocols.errors import StorageError
from protocols.ids import UnitId


class Files:
    """The recordings in `folder`, which leave `min_free_bytes` of the disk to others."""

    def __init__(self, folder: Path, *, min_free_bytes: int) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes

    def whole(self, unit: UnitId, segment: str) -> Path:
        """Return where the whole segment is."""
        return self._folder / unit / f"{segment}.mp4"

    def _part(self, unit: UnitId, segment: str) -> Path:
        return self._folder / unit / f"{segment}.part"

    def has(self, unit: UnitId, segment: str) -> int:
        """Return how many bytes are here of a segment that is not whole."""
        try:
            return self._part(unit, segment).stat().st_size
        except OSError:
            return 0

    def append(self, unit: UnitId, segment: str, piece: bytes) -> None:
        """Add `piece` at the end; it is on the disk once this returns.

        Raises:
            StorageError: the disk is full or refuses; what was there is still there.
        """
        part = self._part(unit, segment)
        try:
            part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if shutil.disk_usage(part.parent).free < self._min_free_bytes + len(piece):
                raise StorageError(reason="disk-full", unit=unit)
            before = self.has(unit, segment)
            try:
                with part.open("ab") as file:
                    file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                if part.exists():
                    os.truncate(part, before)
                raise
        except OSError as err:
            raise StorageError(reason="disk", detail=err.strerror or type(err).__name__) from err

    def finish(self, unit: UnitId, segment: str, sha256: str) -> bool:
        """Say whether the part has that digest; if so it is the whole from now on.

        Raises:
            StorageError: the disk refuses.
        """
        part = self._part(unit, segment)
        try:
            with part.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    return False
            part.replace(self.whole(unit, segment))
        except OSError as err:
            raise StorageError(reason="disk", detail=err.strerror or type(err).__name__) from err
        return True

    def remove(self, unit: UnitId, segment: str) -> None:
        """Have nothing of the segment."""
        for path in (self._part(unit, segment), self.whole(unit, segment)):
            path.unlink(missing_ok=True)
