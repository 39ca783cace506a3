"""`goldenhour bench`: parse, measure, print; no logic lives here."""

import asyncio
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldenhour.exits import EXIT_FAILED

if TYPE_CHECKING:
    from goldenhour.bench.figures import Figure

AsJson = Annotated[bool, typer.Option("--json", help="Only the line of JSON.")]
Picture = Annotated[
    Path | None, typer.Option("--picture", help="Also draw the result: a file, SVG.")
]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="""Measure, print the figures, and hold them against their bars.

    Example: goldenhour bench latency --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """,
)


@app.command("latency")
def latency(
    *,
    seconds: Annotated[float, typer.Option(min=5, help="How long to measure.")] = 60,
    units: Annotated[int, typer.Option(min=0, help="Light units beside the full ones.")] = 40,
    as_json: AsJson = False,
) -> None:
    """Measure how old live vital signs are when a doctor sees them, in a demo of its own.

    Example: goldenhour bench latency --seconds 30 --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.city import running_city  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.latency import measure  # noqa: PLC0415

    async def run() -> "list[Figure]":
        with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
            async with running_city(Path(folder) / "demo", light_units=units) as card:
                return await measure(card, duration_s=seconds)

    _print("latency", asyncio.run(run()), as_json=as_json)


@app.command("bandwidth")
def bandwidth(  # noqa: PLR0913 -- the options that a person may give
    *,
    seconds: Annotated[float, typer.Option(min=2, help="How long to measure.")] = 60,
    ecg: Annotated[
        str | None, typer.Option(help="WFDB record (no ending). Default: the recording at hand.")
    ] = None,
    ecg_step: Annotated[
        float | None, typer.Option(min=0.1, max=100, help="Digitise it anew, µV per bit.")
    ] = None,
    waves_every: Annotated[
        float, typer.Option(min=0.05, max=1, help="Seconds between the monitor's waveforms.")
    ] = 1.0,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a fully instrumented ambulance sends, and the same records by other means.

    Example: goldenhour bench bandwidth --ecg ptb/s0010_re --ecg-step 5 --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.bandwidth import measure, picture  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415
    from goldenhour.demo.city import Recordings  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        played = Recordings(ecg=ecg, ecg_step_uv=ecg_step, waves_every_s=waves_every)
        figures = asyncio.run(measure(Path(folder) / "city", played=played, duration_s=seconds))
    if draw is not None:
        draw.write_text(picture(figures, f"{seconds:g} s on {machine()}"))
    _print("bandwidth", figures, as_json=as_json)


@app.command("ecg")
def ecg(
    *,
    record: Annotated[
        list[Path] | None,
        typer.Option(help="WFDB record (no ending); may come again. Always: the one at hand."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=2, help="Of each record, at most.")] = 20,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure how short ECGs become, block by block as they travel, beside FLAC and zstd -19.

    Example: goldenhour bench ecg --record ptb/s0010_re --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.ecg import figures, measure, picture  # noqa: PLC0415 -- quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415

    cells = measure(record or [], seconds=seconds)
    if draw is not None:
        draw.write_text(picture(cells, f"up to {seconds:g} s on {machine()}"))
    _print("ecg", figures(cells), as_json=as_json)


@app.command("outage")
def outage(
    *,
    seconds: Annotated[float, typer.Option(min=5, help="How long the link is cut.")] = 300,
    patience: Annotated[
        float, typer.Option(min=10, help="How long to wait for the missed film, s.")
    ] = 900,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Cut a vehicle's link, and measure what is back when, and whether the missed film is whole.

    Example: goldenhour bench outage --seconds 300 --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.machine import machine  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.outage import measure, picture  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        figures = asyncio.run(measure(Path(folder) / "city", cut_s=seconds, patience_s=patience))
    if draw is not None:
        draw.write_text(picture(figures, f"cut for {seconds:g} s, {machine()}"))
    _print("outage", figures, as_json=as_json)


@app.command("journal")
def journal(
    *,
    records: Annotated[int, typer.Option(min=100, help="How many, each way.")] = 20_000,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure how fast a vehicle's journal accepts durably, beside plain SQLite on the same disk.

    Example: goldenhour bench journal --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage.
    """
    from goldenhour.bench.journal import measure, picture  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        figures = asyncio.run(measure(Path(folder), records=records))
    if draw is not None:
        draw.write_text(picture(figures, f"{records} records on {machine()}"))
    _print("journal", figures, as_json=as_json)


@app.command("fleet")
def fleet(
    *,
    units: Annotated[int, typer.Option(min=2, max=20_000, help="Light units, at most.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=2, help="How long to measure all of them.")] = 600,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure thousands of units at one hub: their acknowledgements, what one costs, what grows.

    Fleets of 100 and 1,000 come before the whole one; the broker is killed under the 1,000.

    Example: goldenhour bench fleet --units 1000 --seconds 60 --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.fleet import measure, picture  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        figures = asyncio.run(measure(Path(folder) / "city", units=units, duration_s=seconds))
    if draw is not None:
        draw.write_text(picture(figures, f"{seconds:g} s on {machine()}"))
    _print("fleet", figures, as_json=as_json)


class LinkPart(StrEnum):
    """A part of `bench link`."""

    THIN = "thin"
    OUTAGE = "outage"
    DOCUMENT = "document"
    PATHS = "paths"


@app.command("link")
def link(  # noqa: PLR0913 -- the options that a person may give
    *,
    part: Annotated[
        list[LinkPart] | None, typer.Option(help="Only this; may be given several times.")
    ] = None,
    scale: Annotated[
        float,
        typer.Option(min=0.01, max=1, help="Less than 1: smaller backlogs, shorter, for function."),
    ] = 1.0,
    ecg: Annotated[
        str | None, typer.Option(help="WFDB record (no ending). Default: the recording at hand.")
    ] = None,
    ecg_step: Annotated[
        float, typer.Option(min=0.1, max=100, help="Digitise it anew, µV per bit.")
    ] = 5.0,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure the link under a full ambulance's traffic, beside what others would use.

    thin: two hours of backlog over 64 kbit/s and 300 ms. outage: ten minutes over 1 Mbit/s.
    document: a 12-lead of ten seconds with 5 % loss. paths: two, each dead for a sixth of the time.
    Mosquitto's bridge, and ThingsBoard IoT Gateway (make bench-peers), get the first two as well.

    Example: goldenhour bench link --part outage --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.link import PARTS, measure, picture  # noqa: PLC0415 -- quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415
    from goldenhour.demo.city import Recordings  # noqa: PLC0415

    played = Recordings(ecg=ecg, ecg_step_uv=ecg_step, waves_every_s=1.0)
    played.check()
    chosen = [one for one in PARTS if not part or one in part]

    def say(text: str) -> None:
        typer.echo(text, err=True)

    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        figures = asyncio.run(
            measure(Path(folder), parts=chosen, scale=scale, played=played, say=say)
        )
    if draw is not None:
        draw.write_text(picture(figures, machine()))
    _print("link", figures, as_json=as_json)


@app.command("ingest")
def ingest(
    *,
    frames: Annotated[int, typer.Option(min=200, help="How many a round.")] = 100_000,
    units: Annotated[int, typer.Option(min=1, max=5_000, help="How many send them.")] = 100,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure durable ingest: how many frames a second a hub takes in, commits and acknowledges.

    Beside it, on the same machine, a bare loop that only receives and stores, and what one would
    write at first: an INSERT a message.

    Example: goldenhour bench ingest --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.ingest import measure, picture  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        figures = asyncio.run(measure(Path(folder), frames=frames, units=units))
    if draw is not None:
        draw.write_text(picture(figures, f"{frames} frames a round on {machine()}"))
    _print("ingest", figures, as_json=as_json)


@app.command("glass")
def glass(
    *,
    seconds: Annotated[float, typer.Option(min=5, help="How long to look on, each way.")] = 60,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure how old the picture is that a doctor sees, how soon it is there, what loss does.

    A camera of 720 lines and 30 pictures a second, by way of vehicle and hub, in a browser.

    Example: goldenhour bench glass --seconds 30 --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.glass import measure, picture  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        figures = asyncio.run(measure(Path(folder) / "city", duration_s=seconds))
    if draw is not None:
        draw.write_text(picture(figures, f"{seconds:g} s on {machine()}"))
    _print("glass", figures, as_json=as_json)


@app.command("ladder")
def ladder(
    *,
    seconds: Annotated[float, typer.Option(min=20, help="How long at each rate.")] = 45,
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure what video gives up as a link thins to 48 kbit/s, and what vital signs notice.

    Example: goldenhour bench ladder --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.ladder import measure, picture  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
        figures = asyncio.run(measure(Path(folder) / "city", phase_s=seconds))
    if draw is not None:
        draw.write_text(picture(figures, f"{seconds:g} s at each rate, on {machine()}"))
    _print("ladder", figures, as_json=as_json)


@app.command("blur")
def blur(
    *,
    pictures: Annotated[int, typer.Option(min=20, help="How many.")] = 90,
    recordings: Annotated[Path, typer.Option(help="Folder of the recordings.")] = Path(
        "var/recordings"
    ),
    models: Annotated[Path, typer.Option(help="Folder of the face model.")] = Path("var/models"),
    draw: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Measure what it costs to hide faces before a picture is encoded, and what it misses.

    Example: goldenhour bench blur --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.blur import measure, picture  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.machine import machine  # noqa: PLC0415

    figures = measure(recordings_dir=recordings, models_dir=models, pictures=pictures)
    if draw is not None:
        draw.write_text(picture(figures, f"{pictures} pictures on {machine()}"))
    _print("blur", figures, as_json=as_json)


def _print(name: str, figures: "list[Figure]", *, as_json: bool) -> None:
    from goldenhour.bench.report import report  # noqa: PLC0415 -- for a quick --help

    if not report(name, figures, as_json=as_json):
        raise typer.Exit(EXIT_FAILED)
