"""The vehicle under test: the agent's own journal and uplink, fed with a full ambulance's traffic.

`python -m goldenhour.bench.link.vehicle SETUP` reads the JSON file SETUP (see `Setup`), says
`{"ready": true}` and then does what each line of JSON asks: `{"n": 1, "op": "fill", …}`. Each is
answered by one line with the same `n`, once it is done; several may be under way.

| op | does | answers |
| --- | --- | --- |
| `fill` | accepts `seconds` of traffic at once, captured just before now | `records`, `bytes`, `marks`: each stream's last seq |
| `play` | accepts live traffic from now on | |
| `alarms` | accepts an alarm about every `every_s` from now on; 0 ends it | |
| `joined`, `left` | | once a session stands, or none does |
| `drained` | | `at_s`: when the hub's word came that it has all up to `marks` |
| `document` | accepts a 12-lead document | `took_s` until the hub's word that it has it, `bytes` |
| `made` | | `made`: stream, seq and captured time of what was live since the last `made` |
| `status` | | what the hub lacks: `waiting_records`, and of those `backlog_records` of before this session |

Times `at_s` are the machine's monotonic clock, which all processes share.
"""  # noqa: E501 -- a table

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from edge_agent.hub_time import HubTime
from edge_agent.journal import Journal, JournalSettings, Row, open_journal
from edge_agent.journal.settings import trace_of
from edge_agent.uplink import BrokerAccess, Uplink
from edge_agent.uplink.dial import Door
from edge_agent.uplink.inbox import OrderInbox
from edge_agent.uplink.settings import read_credential
from edge_agent.uplink.trace import Trace
from edge_agent.vehicle_clock import VehicleClock
from goldenhour.bench.link.setup import Setup
from goldenhour.bench.link.traffic import Ambulance, Made
from goldenhour.demo.city import Recordings
from protocols.clock import Clock, ClockSource
from protocols.ids import Seq, UnitId
from protocols.link import Stream
from protocols.link.streams import UP
from protocols.messages import Alarm, AlarmPriority, Message, Presence
from protocols.runtime.clock import SystemClock

SOFTWARE: Final = "goldenhour bench link"
WATCHED: Final = (Stream.ALARM, Stream.VITALS)
"""The streams whose live records are told by `made`."""

_ERROR_US: Final = 50_000
_AT_ONCE: Final = 2_000
_LOOK_S: Final = 0.01


class Vehicle:
    """Accepts traffic and answers what it is asked."""

    def __init__(  # noqa: PLR0913 -- the parts it joins
        self,
        journal: Journal,
        uplink: Uplink,
        ambulance: Ambulance,
        *,
        clock: Clock,
        group: asyncio.TaskGroup,
        seed: int,
    ) -> None:
        self._journal, self._uplink, self._ambulance = journal, uplink, ambulance
        self._clock, self._group = clock, group
        self._rng = random.Random(seed)  # noqa: S311 -- when alarms come, to be repeated
        self._filled_s = 0.0  # so much of the traffic was filled in
        self._made: list[tuple[str, int, int]] = []
        self._alarms_every_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` done beside everything else."""
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """End whatever is under way."""
        for task in self._tasks:
            task.cancel()

    async def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked and return the answer."""
        ops: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "fill": self._fill, "play": self._play, "alarms": self._alarms,
            "joined": self._joined, "left": self._left, "drained": self._drained,
            "document": self._document, "made": self._take_made, "status": self._status,
        }  # fmt: skip
        return {"n": asked["n"], **await ops[asked["op"]](asked)}

    async def _fill(self, asked: dict[str, Any]) -> dict[str, Any]:
        seconds = float(asked["seconds"])
        begin_s, self._filled_s = self._filled_s, self._filled_s + seconds
        origin_us = self._clock.utc_us() - round(self._filled_s * 1e6)
        told = self._ambulance.between(begin_s, self._filled_s, origin_utc_us=origin_us)
        rows = (_row(one, origin_us) for one in told)
        records = size = 0
        while part := list(islice(rows, _AT_ONCE)):
            await self._journal.append_again(part)
            records += len(part)
            size += sum(len(row.body) for row in part)
        marks = {stream.value: self._uplink.sender.newest(stream) for stream in UP}
        return {"records": records, "bytes": size, "marks": marks}

    async def _play(self, _asked: dict[str, Any]) -> dict[str, Any]:
        self.begin(self._live())
        return {}

    async def _live(self) -> None:
        began_s, begin_s = self._clock.monotonic_s(), self._filled_s
        origin_us = self._clock.utc_us() - round(begin_s * 1e6)
        told = self._ambulance.between(begin_s, float("inf"), origin_utc_us=origin_us)
        for one in told:
            wait_s = one.due_s - begin_s - (self._clock.monotonic_s() - began_s)
            if wait_s > 0:
                await self._clock.sleep(wait_s)
            at_us = origin_us + round(one.captured_s * 1e6)
            self.begin(self._accept_live(one.stream, one.message, at_us))

    async def _alarms(self, asked: dict[str, Any]) -> dict[str, Any]:
        is_first = not self._alarms_every_s
        self._alarms_every_s = float(asked["every_s"])
        if is_first and self._alarms_every_s:
            self.begin(self._raise_alarms())
        return {}

    async def _raise_alarms(self) -> None:
        number = 0
        while every_s := self._alarms_every_s:
            await self._clock.sleep(every_s * self._rng.uniform(0.5, 1.5))
            number += 1
            alarm = Alarm(
                alarm_id=f"bench-{number}", code="monitor.limit.hr", priority=AlarmPriority.HIGH,
                state="raised", value=131.0, limit=130.0,
            )  # fmt: skip
            self.begin(self._accept_live(Stream.ALARM, alarm, self._clock.utc_us()))

    async def _joined(self, _asked: dict[str, Any]) -> dict[str, Any]:
        await self._until(lambda: self._uplink.is_connected)
        return {"at_s": self._clock.monotonic_s()}

    async def _left(self, _asked: dict[str, Any]) -> dict[str, Any]:
        await self._until(lambda: not self._uplink.is_connected)
        return {"at_s": self._clock.monotonic_s()}

    async def _drained(self, asked: dict[str, Any]) -> dict[str, Any]:
        sender = self._uplink.sender
        marks = {Stream(name): int(seq) for name, seq in asked["marks"].items()}
        await self._until(
            lambda: all(sender.held(stream).watermark >= seq for stream, seq in marks.items())
        )
        return {"at_s": self._clock.monotonic_s()}

    async def _document(self, _asked: dict[str, Any]) -> dict[str, Any]:
        document = self._ambulance.document()
        began_s = self._clock.monotonic_s()
        seq = await self._accept(Stream.WAVEFORM, document, self._clock.utc_us() - 10_000_000)
        sender = self._uplink.sender
        await self._until(lambda: sender.has(Stream.WAVEFORM, seq))
        return {"took_s": self._clock.monotonic_s() - began_s, "bytes": len(document.data)}

    async def _take_made(self, _asked: dict[str, Any]) -> dict[str, Any]:
        made, self._made = self._made, []
        return {"made": made}

    async def _status(self, _asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "backlog_records": self._uplink.sender.backlog_waiting(),
            "waiting_records": sum(self._uplink.sender.waiting(stream) for stream in UP),
            "sent_bytes": self._uplink.sent_bytes,
        }

    async def _accept(self, stream: Stream, message: Message, captured_utc_us: int) -> int:
        return await self._journal.append(
            stream, message, captured_utc_us=captured_utc_us, clock=ClockSource.GNSS,
            clock_error_us=_ERROR_US,
        )  # fmt: skip

    async def _accept_live(self, stream: Stream, message: Message, captured_utc_us: int) -> None:
        seq = await self._accept(stream, message, captured_utc_us)
        if stream in WATCHED:
            self._made.append((stream.value, seq, captured_utc_us))

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._clock.sleep(_LOOK_S)


def _row(one: Made, origin_us: int) -> Row:
    """Return a record for the journal; its seq is given there."""
    return Row(
        stream=one.stream, seq=Seq(0), captured_utc_us=origin_us + round(one.captured_s * 1e6),
        clock=ClockSource.GNSS, clock_error_us=_ERROR_US, body=one.message.to_body(),
    )  # fmt: skip


@asynccontextmanager
async def _running(setup: Setup) -> AsyncIterator[Vehicle]:
    clock, rng = SystemClock(), random.Random(setup.seed)  # noqa: S311 -- to be repeated
    credential = read_credential(Path(setup.credential))
    played = Recordings(
        ecg=setup.ecg, ecg_step_uv=setup.ecg_step_uv, waves_every_s=setup.waves_every_s
    )
    ambulance = Ambulance(played)
    async with (
        open_journal(Path(setup.journal), JournalSettings(), clock) as journal,
        asyncio.TaskGroup() as group,
    ):
        since_us = clock.utc_us()

        def describe(connection: str, online: bool) -> Presence:  # noqa: FBT001 -- as `Describe`
            return Presence(
                online=online, connection=connection, journal=journal.id, profile="ambulance",
                call_sign=credential.unit, software=SOFTWARE, since_utc_us=since_us,
            )  # fmt: skip

        password = credential.password.get_secret_value()
        uplink = Uplink(
            journal,
            OrderInbox(journal, clock, HubTime(VehicleClock(clock))),
            BrokerAccess(unit=UnitId(credential.unit), password=password, tls=None),
            [(name, Door(host, port)) for name, host, port in setup.doors],
            describe=describe,
            clock=clock,
            rng=rng,
            trace=Trace(trace_of(journal.path), clock),
        )
        services = [group.create_task(journal.run()), group.create_task(uplink.run())]
        vehicle = Vehicle(journal, uplink, ambulance, clock=clock, group=group, seed=setup.seed)
        yield vehicle
        vehicle.stop()
        for service in services:
            service.cancel()


async def _run(setup: Setup) -> None:
    asked = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(asked), sys.stdin
    )
    async with _running(setup) as vehicle:

        async def answer(line: bytes) -> None:
            _say(await vehicle.answer(json.loads(line)))

        _say({"ready": True})
        while line := await asked.readline():
            vehicle.begin(answer(line))


def _say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)  # noqa: T201 -- to the one who started it


def main() -> None:
    """Run until the standard input ends."""
    asyncio.run(_run(Setup(**json.loads(Path(sys.argv[1]).read_text()))))


if __name__ == "__main__":
    main()
