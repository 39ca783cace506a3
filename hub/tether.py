"""Run a child that ends when the hub ends, however that ended.

`python hub/tether.py PARENT SIGNAL USER PROGRAM [ARGUMENT…]` becomes PROGRAM, as USER (`-`: as it
is), after asking the kernel for SIGNAL at its parent's death. Taking another user clears that wish,
so the order matters; the exec that follows keeps it. Source: prctl(2), PR_SET_PDEATHSIG.
"""

import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def tethered(
    *command: str, on_death: signal.Signals = signal.SIGTERM, user: str | None = None
) -> tuple[str, ...]:
    """Return `command` (its program by full path) with what ties it to this process."""
    this = str(Path(__file__))
    words = (str(os.getpid()), str(int(on_death)), user or "-")
    return (sys.executable, "-I", "-S", this, *words, *command)


def _main() -> None:
    parent, number, user = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    program = sys.argv[4:]
    if user != "-":
        entry = pwd.getpwnam(user)
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, number) != 0:
        sys.exit(f"hub: cannot tether to the parent: {os.strerror(ctypes.get_errno())}.")
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 -- the caller's own program


if __name__ == "__main__":
    _main()
