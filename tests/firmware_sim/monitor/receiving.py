"""A receiver of monitor messages made of an independent library: hl7's MLLP server and parser."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import hl7
import hl7.mllp
import numpy as np

from firmware_sim.monitor.signals import Samples


@dataclass
class Receiver:
    """What came in. `mute` counts down: so many messages are taken and the connection cut."""

    port: int = 0
    messages: list[Any] = field(default_factory=list)
    connections: int = 0
    cut_after: list[int] = field(default_factory=list)
    answer: str = "AA"

    def distinct(self) -> list[Any]:
        """Return the messages without those that were sent again."""
        seen: dict[str, Any] = {}
        for message in self.messages:
            seen.setdefault(str(message.segment("MSH")[10]), message)
        return list(seen.values())

    def numbers(self) -> list[dict[str, str]]:
        """Return code name → text for each message of numbers."""
        return [
            {component(obx, 3, 2): str(obx[5]) for obx in message.segments("OBX")
             if str(obx[2]) == "NM"}
            for message in self.distinct()
            if component(message.segment("OBR"), 4, 1) == "182777000"
        ]  # fmt: skip


def component(segment: Any, index: int, part: int) -> str:
    """Return component `part` (from 1) of field `index` (from 1)."""
    return str(segment[index]).split("^")[part - 1]


def signals(receiver: Receiver) -> dict[str, Samples]:
    """Return every waveform by code name, put together by the sample index of its channel."""
    parts: dict[str, dict[int, list[int]]] = defaultdict(dict)
    for message in receiver.distinct():
        if component(message.segment("OBR"), 4, 1) != "69121":
            continue
        first: dict[str, int] = {}
        for obx in message.segments("OBX"):
            name, place = component(obx, 3, 2), str(obx[4])
            if name == "GH_SAMPLE_INDEX":
                first[place.removesuffix(".0")] = int(str(obx[5]))
            elif str(obx[2]) == "NA":
                at = first[place.rpartition(".")[0]]
                parts[name][at] = [int(v) for v in str(obx[5]).split("^")]
    return {
        name: np.array([v for at in sorted(blocks) for v in blocks[at]], np.int32)
        for name, blocks in parts.items()
    }


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listen on a free port until the block ends."""
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: hl7.mllp.HL7StreamReader, writer: hl7.mllp.HL7StreamWriter) -> None:
        receiver.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                message = await reader.readmessage()
                receiver.messages.append(message)
                if receiver.cut_after and len(receiver.messages) == receiver.cut_after[0]:
                    receiver.cut_after.pop(0)
                    break
                writer.writemessage(message.create_ack(receiver.answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, hl7.mllp.InvalidBlockError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await hl7.mllp.start_hl7_server(
        serve, host="127.0.0.1", port=0, encoding="utf-8", limit=2**20
    )
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
