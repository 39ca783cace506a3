"""When the hub has all that a vehicle has accepted: what a journal says of itself, and the wait.

An agent that was killed over a damaged journal reads it only when it is up again, and then begins a
new one, or makes it whole; until then the damaged file may still be read, and says what nobody will
deliver, or too little. So an account counts only once it is seen to be written to.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.journal.salvage import is_salvaged
from edge_agent.journal.schema import files_set_aside, journal_id
from protocols.errors import FleetError
from protocols.ids import JournalId
from protocols.link.streams import UP

_LOOK_S: Final = 0.5


class Standing(NamedTuple):
    """How far one stream is, and how far the hub has it."""

    last: int
    watermark: int


@dataclass(frozen=True, slots=True)
class Account:
    """What a journal says of its streams to the hub."""

    journal: JournalId
    streams: Mapping[str, Standing]

    def is_after(self, before: "Account") -> bool:
        """Whether it is the same journal, and somebody has written to it since."""
        return self.journal == before.journal and any(
            stream not in before.streams or standing.last > before.streams[stream].last
            for stream, standing in self.streams.items()
        )

    def lacking(self, due: "Account") -> list[str]:
        """Return, for a person, what of `due` this account does not say to be at the hub."""
        return [
            f"{stream} {was.last}"
            for stream, was in due.streams.items()
            if stream not in self.streams or self.streams[stream].watermark < was.last
        ]


def read_account(journal: Path) -> Account | None:
    """Return the account of the journal in this file; None: not to be read now.

    Also None while there is a journal set aside that is still being salvaged.
    """
    if any(not is_salvaged(aside) for aside in files_set_aside(journal)):
        return None
    try:
        file = sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=5)
        with contextlib.closing(file):
            identity = journal_id(file)
            rows = file.execute("SELECT stream, last_seq, watermark FROM stream").fetchall()
    except (sqlite3.Error, TypeError):  # a file cut off may hold no identity
        return None
    return Account(
        identity, {name: Standing(last, mark) for name, last, mark in rows if name in UP}
    )


async def until_calm(read: Callable[[], Account | None], *, within_s: float) -> None:
    """Wait until the hub has all that `read` says now.

    Raises:
        FleetError: it takes longer than `within_s`; says what is lacking.
    """
    before: Account | None = None
    due: Account | None = None
    lacking = ["nobody writes to the journal, or it is being salvaged"]
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        found = read()
        if found is not None and due is not None and found.journal == due.journal:
            lacking = found.lacking(due)
            if not lacking:
                return
        elif found is not None:
            is_alive = before is not None and found.is_after(before)
            before, due = found, found if is_alive else None
        await asyncio.sleep(_LOOK_S)
    raise FleetError(reason=f"something still waits: {', '.join(lacking)}")
