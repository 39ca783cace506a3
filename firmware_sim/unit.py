"""One full vehicle's devices and modem, in one process."""

import json
import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from firmware_sim import recordings
from firmware_sim.control import controllable, handler_of
from firmware_sim.gnss import PLACES, GnssFaultRequest, GnssReceiver, LogSource, NmeaSource
from firmware_sim.gnss import drive_source as modelled_drive
from firmware_sim.modem import LinkChange, Modem, ModemSetup
from firmware_sim.monitor import (
    Identity,
    MonitorFaultRequest,
    MonitorSetup,
    Pacing,
    PatientMonitor,
    eui64_of,
    open_record,
)
from firmware_sim.monitor.signals import WaveSource
from firmware_sim.witness import Witness
from protocols.clock import Clock
from protocols.errors import ConfigError
from protocols.ids import UnitId
from protocols.runtime.cancel import to_the_end
from protocols.runtime.supervise import Service, supervise

if TYPE_CHECKING:
    from firmware_sim.camera import RtspCamera

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GnssOptions:
    """`log` replays a captured log; else the recorded drive, else (or `model`) a seeded one."""

    port: int | None = 0
    terminal: Path | None = None
    log: Path | None = None
    speed_factor: float = 1.0
    loop: bool = True
    model: bool = False
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorOptions:
    """`ecg`: a WFDB record or DICOM file, `model`, or None for the recordings at hand.

    With `ecg_step_uv`, such a file is digitised anew at so many microvolts per bit.
    """

    host: str
    port: int
    ecg: str | None = None
    ecg_step_uv: float | None = None
    waves_every_s: float = 0.256
    course: str = "chest-pain"
    pressure_every_s: float = 120.0
    pacing: Literal["live", "replay"] = "live"
    loop: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOptions:
    """`source`: a file, `/dev/video0`, `synthetic`, or None for the recording at hand."""

    port: int = 0
    host: str = "127.0.0.1"
    source: str | None = None
    timecode: bool = False
    bitrate_bps: int = 800_000
    width: int | None = None
    fps: int | None = None  # of a made scene; None: 15


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOptions:
    """A whole vehicle; a part that is None is not there."""

    unit: UnitId
    seed: int
    recordings: Path = recordings.FOLDER
    run_dir: Path | None = None
    witness: Path | None = None
    gnss: GnssOptions | None = None
    monitor: MonitorOptions | None = None
    camera: CameraOptions | None = None
    more_cameras: Mapping[str, CameraOptions] = field(default_factory=dict)  # by name
    modem: ModemSetup | None = None
    second_modem: ModemSetup | None = None


class PathChange(LinkChange):
    """A change to one of the vehicle's two modems; with no `path`, to each that it has."""

    path: Literal["first", "second"] | None = None


MODEMS: Final = {"first": "modem", "second": "second-modem"}
"""What each path's modem is called in the status."""


def seed_of(unit: str) -> int:
    """Return the seed of a unit that was given none: the same on every run."""
    return zlib.crc32(unit.encode()) & 0xFFFF


async def run_unit(
    options: UnitOptions, *, clock: Clock, on_ready: Callable[[dict[str, Any]], None]
) -> None:
    """Run the devices until cancelled; `on_ready` is told the real ports once all listen.

    Raises:
        ConfigError: a file is missing, a port is in use.
    """
    async with AsyncExitStack() as stack:
        services: list[Service] = []
        witness = stack.enter_context(Witness(options.witness, clock)) if options.witness else None
        status: dict[str, Callable[[], dict[str, object]]] = {}
        handlers = {}
        modems: dict[str, Modem] = {}
        for path, setup in (("first", options.modem), ("second", options.second_modem)):
            if setup is None:
                continue
            modem = modems[path] = Modem(setup=setup, clock=clock)
            await modem.start()
            stack.push_async_callback(modem.close)
            name = MODEMS[path]
            services.append(Service(name=name, run=modem.run, essential=True))
            status[name] = modem.status
        if modems:
            handlers["link"] = handler_of(PathChange, lambda change: change_link(modems, change))
        if options.gnss is not None:
            receiver = await gnss_of(options, options.gnss, clock, witness)
            stack.push_async_callback(receiver.close)
            services.append(Service(name="gnss", run=receiver.run, essential=False))
            status["gnss"] = receiver.status
            handlers["gnss"] = handler_of(GnssFaultRequest, receiver.break_on_purpose)
        if options.monitor is not None:
            monitor = monitor_of(options, options.monitor, clock, witness)
            services.append(Service(name="monitor", run=monitor.run, essential=False))
            status["monitor"] = monitor.status
            handlers["monitor"] = handler_of(MonitorFaultRequest, monitor.break_on_purpose)
        if options.camera is not None:
            from firmware_sim.camera import CameraFaultRequest  # noqa: PLC0415 -- extra `video`

            camera = await camera_of(options, options.camera, clock)
            stack.push_async_callback(camera.close)
            services.append(Service(name="camera", run=camera.run, essential=False))
            status["camera"] = camera.status
            handlers["camera"] = handler_of(CameraFaultRequest, camera.break_on_purpose)
        for name, more in options.more_cameras.items():
            extra = await camera_of(options, more, clock, name=f"{options.unit} {name}")
            stack.push_async_callback(extra.close)
            services.append(Service(name=f"camera-{name}", run=extra.run, essential=False))
            status[f"camera-{name}"] = extra.status

        def report() -> dict[str, object]:
            return {"unit": options.unit, **{name: ask() for name, ask in status.items()}}

        ready: dict[str, Any] = dict(report())
        if options.run_dir is not None:
            control = controllable(
                run_dir=options.run_dir, unit=options.unit, handlers=handlers, status=report
            )
            ready["control"] = str(await stack.enter_async_context(control))
        on_ready(ready)
        await supervise(services, clock)


def change_link(modems: Mapping[str, Modem], change: PathChange) -> None:
    """Take `change` into force at the modem that it names, or at all.

    Raises:
        ConfigError: the vehicle has no second modem.
    """
    if change.path is not None and change.path not in modems:
        raise ConfigError(reason="the vehicle has no such modem", path=change.path)
    plain = LinkChange.model_validate(change.model_dump(exclude={"path"}))
    for path, modem in modems.items():
        if change.path in {None, path}:
            modem.change(plain)


async def gnss_of(
    options: UnitOptions, gnss: GnssOptions, clock: Clock, witness: Witness | None
) -> GnssReceiver:
    """Return the unit's receiver, listening."""
    home = PLACES[options.seed % 12]  # the inner city
    source: NmeaSource | None = None
    if gnss.log is not None:
        source = LogSource(gnss.log, factor=gnss.speed_factor, loop=gnss.loop)
    elif not gnss.model:
        source = recordings.car_drive(options.recordings, to=home, seed=options.seed)
    source = source or modelled_drive(seed=options.seed, home=home)
    receiver = GnssReceiver(
        source=source, clock=clock, seed=options.seed, host=gnss.host, port=gnss.port,
        terminal=gnss.terminal, witness=witness,
    )  # fmt: skip
    await receiver.start()
    return receiver


def monitor_of(
    options: UnitOptions, monitor: MonitorOptions, clock: Clock, witness: Witness | None
) -> PatientMonitor:
    """Return the unit's patient monitor."""
    waves: list[WaveSource] = []
    if monitor.ecg is None:
        found: Sequence[WaveSource | None] = (
            recordings.twelve_lead(),
            recordings.finger_pulse(options.recordings),
        )
        waves = [wave for wave in found if wave is not None]
    elif monitor.ecg != "model":
        waves = list(open_record(monitor.ecg, loop=monitor.loop, ecg_step_uv=monitor.ecg_step_uv))
    identity = Identity(
        eui64=eui64_of(options.seed), bed=options.unit, patient_id=f"SIM-{options.seed:05d}",
        patient_name="模拟^患者",
    )  # fmt: skip
    setup = MonitorSetup(
        identity=identity,
        seed=options.seed,
        course=monitor.course,
        waves=waves,
        pressure_every_s=monitor.pressure_every_s,
        waves_every_s=monitor.waves_every_s,
        pacing=Pacing(monitor.pacing),
    )
    return PatientMonitor(
        setup=setup, host=monitor.host, port=monitor.port, clock=clock, witness=witness
    )


async def camera_of(
    options: UnitOptions, camera: CameraOptions, clock: Clock, *, name: str | None = None
) -> "RtspCamera":
    """Return a camera of the unit, listening; `name` stands in a made scene."""
    from firmware_sim.camera import (  # noqa: PLC0415 -- extra `video`
        FileScene,
        FrameSource,
        RtspCamera,
        open_frames,
    )

    source: FrameSource | None = None
    if camera.source is None:
        file = recordings.carphone_file(options.recordings)
        if file is not None:
            source = FileScene(file, label=recordings.CARPHONE.title, width=camera.width)
    source = source or open_frames(
        camera.source or "synthetic",
        name=name or options.unit,
        width=camera.width,
        fps=camera.fps,
    )
    served = RtspCamera(
        source=source, clock=clock, seed=options.seed, host=camera.host, port=camera.port,
        bitrate_bps=camera.bitrate_bps, timecode=camera.timecode,
    )  # fmt: skip
    try:
        await served.start()
    except BaseException:
        await to_the_end(served.close())
        raise
    return served


def ready_line(ready: dict[str, Any]) -> str:
    """Return the line that a unit's simulator prints once it is ready."""
    return json.dumps({"ready": True, **ready}, ensure_ascii=False, default=str)
