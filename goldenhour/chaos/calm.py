"""When the hub has all that a vehicle has accepted: what a journal says of itself, and the wait.

An agent that was killed over a damaged journal reads it only when it is up again, and then begins a
new one; until then the damaged file may still be read, and says what nobody will deliver. So an
account counts only of a journal that is still written to.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.journal.salvage import is_salvaged
from edge_agent.journal.schema import files_set_aside, journal_id
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

    def has(self, due: "Account") -> bool:
        """Whether all of `due` is at the hub; and this journal is it, and was written to since."""
        if self.journal != due.journal:
            return False
        return all(
            stream in self.streams and self.streams[stream].watermark >= was.last
            for stream, was in due.streams.items()
        ) and any(
            standing.last > due.streams[stream].last
            for stream, standing in self.streams.items()
            if stream in due.streams
        )


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


async def until_calm(read: Callable[[], Account | None]) -> None:
    """Wait until the hub has all that `read` says now; whoever calls sets the limit of it."""
    due: Account | None = None
    while True:
        found = read()
        if found is not None:
            if due is None or found.journal != due.journal:
                due = found
            elif found.has(due):
                return
        await asyncio.sleep(_LOOK_S)
