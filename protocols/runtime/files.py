"""Files that are whole or not there: temporary in the same folder, fsync, rename."""

import os
import secrets
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600


def keep_private() -> None:
    """Have whatever this process and its children make be their user's alone, log or database."""
    os.umask(0o077)


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Put `data` at `path`; a reader, or a power cut, finds the old file or the new one.

    Raises:
        OSError: the disk refused; the old file stands.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_or_make_secret(path: Path, *, size_bytes: int = 32) -> str:
    """Return the secret kept at `path`, made on first use, readable by its owner alone.

    Raises:
        OSError: the folder cannot be read or written.
    """
    if not path.exists():
        write_whole(path, secrets.token_urlsafe(size_bytes).encode(), mode=PRIVATE)
    return path.read_text().strip()
