"""What every test shares: folders of this run alone.

By default pytest keeps the folders of all runs under one, and each run that begins closes that one
to other users. The database, which as root runs as a user of its own, then panics in a run that is
still going on.
"""

import os
import shutil
import tempfile

import pytest

_ROOT = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Give this run a root of its own."""
    config.stash[_ROOT] = tempfile.mkdtemp(prefix="goldenhour-tests-")
    os.environ["PYTEST_DEBUG_TEMPROOT"] = config.stash[_ROOT]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(config.stash[_ROOT], ignore_errors=True)
