"""Mosquitto's own bridge, its queue on the disk: a broker on the vehicle and one at the hub.

It is set as kindly as its manual allows: its queue has no bound (by default all but 1,000 messages
of an outage are thrown away), a dead link is noticed after five seconds, and it connects again a
second later. Source: mosquitto.conf(5), 2.0.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from goldenhour.bench.link.modems import modems
from goldenhour.bench.link.peer import Feeder, Heard, PeerGround, from_broker, to_broker
from goldenhour.bench.link.traffic import Ambulance
from goldenhour.demo import ports
from protocols.clock import Clock
from protocols.errors import ConfigError
from protocols.runtime.ports import free_ports

NAME: Final = "Mosquitto bridge"
TOPIC: Final = "gh/#"
_MODEM_HOST: Final = "127.0.1.3"
_START_S: Final = 20.0
_STOP_S: Final = 10.0


def executable() -> str | None:
    """Return where Mosquitto is; None where it is not installed."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextlib.asynccontextmanager
async def mosquitto(folder: Path, ambulance: Ambulance, clock: Clock) -> AsyncIterator[PeerGround]:
    """Run the two brokers; the bridge's modem is cut.

    Raises:
        ConfigError: Mosquitto is not installed.
    """
    vehicle_port, hub_port, modem_port = free_ports(ports.LOOPBACK, 3)
    bridge = (
        f"connection hub\naddress {_MODEM_HOST}:{modem_port}\ntopic {TOPIC} out 1\n"
        "cleansession false\nremote_clientid vehicle\nnotifications false\ntry_private false\n"
        "bridge_protocol_version mqttv311\nkeepalive_interval 5\nrestart_timeout 1\n"
    )
    heard = Heard()
    doors = {"main": (_MODEM_HOST, modem_port)}
    async with (
        broker(folder / "hub", hub_port),
        modems(doors, hub=(ports.LOOPBACK, hub_port), clock=clock) as ways,
        broker(folder / "vehicle", vehicle_port, more=bridge),
        from_broker(hub_port, TOPIC, heard.take, clock),
        to_broker(vehicle_port) as publish,
    ):
        yield PeerGround(
            name=NAME, feeder=Feeder(publish, ambulance, clock), heard=heard, modems=ways,
            clock=clock,
        )  # fmt: skip


@contextlib.asynccontextmanager
async def broker(folder: Path, port: int, *, more: str = "") -> AsyncIterator[None]:
    """Run a broker that keeps its queues in `folder`; `more` is added to its settings.

    Raises:
        ConfigError: Mosquitto is not installed, or ended at once.
    """
    program = executable()
    if program is None:
        raise ConfigError(reason="Mosquitto is not installed; on Debian: apt-get install mosquitto")
    settings = _written(folder, port, more)
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, "-c", str(settings), stdout=log, stderr=log
        )
        try:
            async with asyncio.timeout(_START_S):
                await _listens(process, port)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _written(folder: Path, port: int, more: str) -> Path:
    folder.mkdir(parents=True)
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} {ports.LOOPBACK}\nallow_anonymous true\npersistence true\n"
        f"persistence_location {folder}/\nautosave_interval 5\nmax_queued_messages 0\n"
        + ("user root\n" if os.geteuid() == 0 else "")
        + more
    )
    return settings


async def _listens(process: asyncio.subprocess.Process, port: int) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection(ports.LOOPBACK, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise ConfigError(reason="Mosquitto ended at once", status=process.returncode)
