"""The housekeeper: decides when the journal needs room, and has it made (see `room`)."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from edge_agent.journal import room, rows
from edge_agent.journal.accepted import Accepted
from edge_agent.journal.disk import Disk
from edge_agent.journal.inbox import forget_old_orders
from edge_agent.journal.settings import JournalSettings
from protocols.clock import Clock
from protocols.errors import StorageError
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream
from protocols.messages import Gap

log = logging.getLogger(__name__)

_FULL: Final = 0.95  # of the largest size: room is made before a commit has to wait for it


class Housekeeper:
    """Frees what the hub has, and sheds the least valuable where that is not enough."""

    def __init__(
        self, disk: Disk, accepted: Accepted, settings: JournalSettings, clock: Clock
    ) -> None:
        self._disk = disk
        self._accepted = accepted
        self._settings = settings
        self._clock = clock

    async def tidy(self) -> None:
        """Free what the hub has and the tablet no longer needs; shed what is too old or much.

        Raises:
            StorageError: the file refused.
        """
        settings = self._settings
        before_us = self._clock.utc_us() - int(settings.keep_acknowledged_s * 1e6)
        await self._free(before_us)
        while await self._shed(room.Retention(int(settings.keep_unsent_s * 1e6))):
            pass
        while await self._is_short() and await self.make_room():
            pass
        await self._disk.run(lambda file: room.give_back(file, self._disk.path))
        await self._disk.run(forget_old_orders)
        await self._disk.keep_tail()

    async def make_room(self) -> bool:
        """Give up the least valuable there is; False with nothing left to give up."""
        try:
            if await self._free(self._clock.utc_us()) or await self._shed(None):
                await self._disk.run(room.bring_home)
                return True
        except StorageError as err:
            log.error("journal.no_room", extra={"error": err.code})  # noqa: TRY400 -- refused next
            return False
        log.error("journal.full", extra={"file": self._disk.path.name})
        return False

    async def give_up(self, stream: Stream, damaged: Sequence[int]) -> None:
        """Delete records of `stream` that cannot be read any more, and declare each run of them.

        Raises:
            StorageError: the file refused; what was deleted is declared.
        """
        runs = SeqRanges()
        for seq in damaged:
            runs.add(seq, seq)
        for first, last in runs:
            gap = Gap(stream=stream, first_seq=first, last_seq=last, reason="damaged")
            declare = partial(
                room.give_up,
                accounts=self._accepted.accounts,
                gap=gap,
                now_utc_us=self._clock.utc_us(),
            )
            declaration = await self._disk.run(declare)
            if declaration is None:
                continue  # another reader was first
            self._accepted.shed(gap, declaration)
            facts = {"stream": stream.value, "first_seq": first, "last_seq": last}
            log.error("journal.damaged_records", extra=facts)

    async def open_reserve(self) -> bool:
        """Whether there was a reserve, which is now open."""
        try:
            return await self._disk.run(lambda file: room.open_reserve(file, self._disk.path))
        except StorageError:
            return True  # opened, though the log could not be brought home

    async def _is_short(self) -> bool:
        used = await self._disk.run(rows.size_bytes)
        if used > _FULL * self._settings.largest_bytes:
            return True
        return room.disk_free_bytes(self._disk.path) < self._settings.least_free_bytes

    async def _free(self, before_utc_us: int) -> int:
        accounts = self._accepted.accounts
        return await self._disk.run(lambda file: room.free(file, accounts, before_utc_us))

    async def _shed(self, retention: room.Retention | None) -> bool:
        """Shed one run and declare it, in one transaction; False where there is nothing to shed."""
        accounts, now_us = self._accepted.accounts, self._clock.utc_us()
        done = await self._disk.run(
            lambda file: room.shed(file, accounts, retention, now_utc_us=now_us)
        )
        if done is None:
            return False
        gap, declaration = done
        self._accepted.shed(gap, declaration)
        log.warning(
            "journal.shed",
            extra={
                "stream": gap.stream.value, "first_seq": gap.first_seq, "last_seq": gap.last_seq,
                "reason": gap.reason,
            },
        )  # fmt: skip
        return True
