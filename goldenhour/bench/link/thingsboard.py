"""ThingsBoard IoT Gateway and its SQLite storage, between the vehicle's broker and the hub's.

It takes in JSON from the vehicle's broker, keeps it in SQLite and sends it to the platform, whose
part the hub's broker plays: it answers the gateway's one question, for the platform's limits, with
"none", and takes in telemetry. A record travels as its bytes in base64, for the gateway knows JSON
alone. Its own statistics, remote shell and remote settings are off; a dead link is noticed after
ten seconds, not after two minutes.

It has many old dependencies and so an environment of its own; `make bench-peers` makes it.
Source: the gateway's documentation, general configuration and MQTT connector.
"""

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiomqtt

from goldenhour.bench.link.modems import modems
from goldenhour.bench.link.mosquitto import broker
from goldenhour.bench.link.peer import Feeder, Heard, PeerGround, from_broker, to_broker
from goldenhour.bench.link.traffic import Ambulance
from goldenhour.demo import ports
from protocols.clock import Clock
from protocols.errors import ConfigError
from protocols.link import Stream
from protocols.runtime.ports import free_ports

NAME: Final = "ThingsBoard Gateway"
HOME: Final = Path("var/peers/thingsboard")
_MODEM_HOST: Final = "127.0.1.4"
_TELEMETRY: Final = "v1/gateway/telemetry"
_ASKS: Final = "v1/devices/me/rpc/request/"
_ANSWERS: Final = "v1/devices/me/rpc/response/"
_LIMITS: Final[dict[str, Any]] = {"rateLimits": {}, "gatewayRateLimits": {}}
_KEY: Final = "frame"
_STAYS_HERE: Final = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""It asks its maker for updates; there is no such proxy, and so it reaches nobody."""
_FILTER: Final = "gh/+/+/+/up/+"
_START_S: Final = 90.0
_STOP_S: Final = 15.0
_PROBE_S: Final = 1.0


def executable() -> Path | None:
    """Return the gateway's program; None where it is not installed."""
    program = HOME.resolve() / "bin" / "thingsboard-gateway"
    return program if program.is_file() else None


@contextlib.asynccontextmanager
async def thingsboard(
    folder: Path, ambulance: Ambulance, clock: Clock
) -> AsyncIterator[PeerGround]:
    """Run the gateway between two brokers; it has been connected once, and its modem is cut.

    Raises:
        ConfigError: Mosquitto or the gateway is not installed, or the gateway did not come up.
    """
    vehicle_port, hub_port, modem_port = free_ports(ports.LOOPBACK, 3)
    heard = Heard()
    doors = {"main": (_MODEM_HOST, modem_port)}

    def take(payload: bytes, now_utc_us: int) -> None:
        for frame in frames_in(payload):
            heard.take(frame, now_utc_us)

    async with (
        broker(folder / "hub", hub_port),
        broker(folder / "vehicle", vehicle_port),
        _platform(hub_port),
        modems(doors, hub=(ports.LOOPBACK, hub_port), clock=clock) as ways,
        from_broker(hub_port, _TELEMETRY, take, clock),
        to_broker(vehicle_port, word=_Wording(clock)) as publish,
    ):
        ways.open()
        async with _gateway(folder / "gateway", vehicle_port, (_MODEM_HOST, modem_port)):
            feeder = Feeder(publish, ambulance, clock)
            await _works(feeder, heard, clock)
            ways.cut()
            yield PeerGround(name=NAME, feeder=feeder, heard=heard, modems=ways, clock=clock)


def frames_in(payload: bytes) -> list[bytes]:
    """Return the frames in a message of telemetry; what is none of ours is left out."""
    found: list[bytes] = []
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        for entries in json.loads(payload).values():
            for entry in entries:
                value = entry.get("values", entry).get(_KEY)
                if value is not None:
                    found.append(base64.b64decode(value))
    return found


class _Wording:
    """Words a frame for the gateway, each with a millisecond of its own.

    Two values of one name and one millisecond are one to the gateway, and the earlier is lost.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_ms = 0

    def __call__(self, payload: bytes) -> bytes:
        self._last_ms = max(self._last_ms + 1, self._clock.utc_us() // 1000)
        text = base64.b64encode(payload).decode()
        return json.dumps({"ts": self._last_ms, _KEY: text}).encode()


async def _works(feeder: Feeder, heard: Heard, clock: Clock) -> None:
    """Return once a record has come through: then the gateway is up, and so is its subscription.

    Raises:
        ConfigError: none does.
    """
    began_s = clock.monotonic_s()
    while clock.monotonic_s() - began_s < _START_S:
        await feeder.alarm()
        await clock.sleep(_PROBE_S)
        if any(stream is Stream.ALARM for stream, _ in heard.at_utc_us):
            return
    raise ConfigError(reason="ThingsBoard Gateway did not come up")


@contextlib.asynccontextmanager
async def _platform(port: int) -> AsyncIterator[None]:
    """Answer the gateway's questions as a platform without limits does."""
    async with aiomqtt.Client(ports.LOOPBACK, port, identifier="platform") as client:
        await client.subscribe(f"{_ASKS}+", qos=1)

        async def answer() -> None:
            async for message in client.messages:
                number = message.topic.value.removeprefix(_ASKS)
                await client.publish(_ANSWERS + number, json.dumps(_LIMITS), qos=1)

        answering = asyncio.create_task(answer())
        try:
            yield
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)


@contextlib.asynccontextmanager
async def _gateway(
    folder: Path, vehicle_port: int, platform: tuple[str, int]
) -> AsyncIterator[None]:
    program = executable()
    if program is None:
        raise ConfigError(reason="ThingsBoard Gateway is not installed; `make bench-peers` does it")
    _write_settings(folder, vehicle_port, platform)
    with (folder / "out").open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            str(program),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **_STAYS_HERE, "TB_GW_CONFIG_DIR": f"{folder}/config/"},
        )
        try:
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


def _write_settings(folder: Path, vehicle_port: int, platform: tuple[str, int]) -> None:
    config = folder / "config"
    for name in ("config", "data", "logs"):
        (folder / name).mkdir(parents=True)
    general = {
        "thingsboard": {
            "host": platform[0], "port": platform[1], "keep_alive": 10, "remoteShell": False,
            "remoteConfiguration": False, "statistics": {"enable": False},
            "deviceFiltering": {"enable": False}, "minPackSendDelayMS": 50,
            "minPackSizeToSend": 500, "maxPayloadSizeBytes": 65_536, "qos": 1,
            "checkConnectorsConfigurationInSeconds": 600, "handleDeviceRenaming": False,
            "security": {"type": "accessToken", "accessToken": "vehicle"},
            "reportStrategy": {"type": "ON_RECEIVED"},
        },
        "storage": {
            "type": "sqlite", "data_file_path": f"{folder}/data/",
            "messages_ttl_in_days": 7, "max_read_records_count": 1000,
        },
        "grpc": {"enabled": False},
        "connectors": [
            {"type": "mqtt", "name": "vehicle", "configuration": "mqtt.json"},
        ],
    }  # fmt: skip
    connector = {
        "name": "vehicle", "logLevel": "INFO", "enableRemoteLogging": False,
        "broker": {
            "host": ports.LOOPBACK, "port": vehicle_port, "clientId": "gateway", "version": 4,
            "maxMessageNumberPerWorker": 10, "maxNumberOfWorkers": 100,
            "security": {"type": "anonymous"},
        },
        "mapping": [
            {
                "topicFilter": _FILTER, "subscriptionQos": 1,
                "converter": {
                    "type": "json",
                    "deviceInfo": {
                        "deviceNameExpressionSource": "constant",
                        "deviceNameExpression": "ambulance",
                        "deviceProfileExpressionSource": "constant",
                        "deviceProfileExpression": "default",
                    },
                    "sendDataOnlyOnChange": False, "timeout": 60_000, "attributes": [],
                    "timeseries": [{"type": "string", "key": _KEY, "value": f"${{{_KEY}}}"}],
                },
            },
        ],
    }  # fmt: skip
    (config / "tb_gateway.json").write_text(json.dumps(general, indent=1))
    (config / "mqtt.json").write_text(json.dumps(connector, indent=1))
    (config / "logs.json").write_text(json.dumps(_LOGS, indent=1))


_LOGS: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"level": "WARNING", "handlers": ["out"]},
}
"""One log, of warnings, in the place of its many."""
