"""File descriptors: every connection takes one, and a shell's usual limit is 1,024."""

import resource
from typing import Final

from protocols.errors import ConfigError

SPARE_DESCRIPTORS: Final = 64
"""For a program's files, pipes and sockets beside what it counts."""


def allow_descriptors(wanted: int) -> None:
    """See that this process, and those that it starts, may have `wanted` descriptors open.

    Raises:
        ConfigError: the system allows fewer (`ulimit -Hn`, or `LimitNOFILE=` of a service).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise ConfigError(
            reason="this process may not have so many files and connections open;"
            " raise its hard limit (ulimit -Hn, LimitNOFILE=)",
            wanted=wanted,
            allowed=hard,
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_descriptors() -> int | None:
    """Raise the limit as far as the system lets it; return what it then is, None for no limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return None if hard == resource.RLIM_INFINITY else hard
