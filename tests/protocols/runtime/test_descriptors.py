"""How many connections a process may have: raised where it may be, said where it may not."""

import resource
from collections.abc import Iterator

import pytest

from protocols.errors import ConfigError
from protocols.runtime.descriptors import allow_descriptors, most_descriptors

LOW, HIGH = 200, 400


@pytest.fixture(autouse=True)
def _limited() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (LOW, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _soft() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_the_limit_is_raised_to_what_is_wanted_and_never_lowered() -> None:
    allow_descriptors(HIGH)
    assert _soft() == HIGH
    allow_descriptors(LOW)
    assert _soft() == HIGH


def test_what_the_system_does_not_allow_is_said_with_both_numbers() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with pytest.raises(ConfigError) as refused:
        allow_descriptors(hard + 1)
    assert refused.value.facts["wanted"] == hard + 1
    assert refused.value.facts["allowed"] == hard
    assert _soft() == LOW


def test_as_many_as_there_may_be_are_the_hard_limit() -> None:
    assert most_descriptors() == _soft() > LOW
