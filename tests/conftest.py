"""What every test shares: folders of this run alone, and Hypothesis the same in each run.

By default pytest keeps the folders of all runs under one, and each run that begins closes that one
to other users. The database, which as root runs as a user of its own, then panics in a run that is
still going on.

A property is tried on the same examples each time: a run that fails can be run again, and a slow
machine is no failure. The search for new ones is longer where `HYPOTHESIS_PROFILE=search`.
"""

import os
import shutil
import tempfile

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "same",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("search", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

_ROOT = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Give this run a root of its own; its workers share it."""
    if hasattr(config, "workerinput"):
        return
    config.stash[_ROOT] = tempfile.mkdtemp(prefix="goldenhour-tests-")
    os.environ["PYTEST_DEBUG_TEMPROOT"] = config.stash[_ROOT]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    if _ROOT in config.stash:
        shutil.rmtree(config.stash[_ROOT], ignore_errors=True)
