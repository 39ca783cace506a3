"""Run a program that ends when the process that started it ends, however that ended.

`python -m goldenhour.tether PARENT PROGRAM [ARGUMENT…]` asks the kernel for SIGTERM at its parent's
death (prctl, PR_SET_PDEATHSIG), which survives the exec that follows. Source: prctl(2).
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Tether this process to its parent and become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        sys.exit(f"goldenhour: cannot tether to the parent: {os.strerror(ctypes.get_errno())}.")
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    os.execvp(program[0], program)  # noqa: S606 -- the caller's own program


if __name__ == "__main__":
    main()
