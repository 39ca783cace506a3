"""`goldenhour journal`: parse, call, print; no logic lives here."""

import dataclasses
import json
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

FILE = Path("var/agent/journal.db")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Look into a vehicle's journal, while its agent runs or not.\n\n"
    "Example: goldenhour journal show var/agent/journal.db\n\n"
    "Exit status: 0 done; 1 something is wrong with it; 2 wrong usage; 78 no such file or key.",
)

File = Annotated[Path, typer.Argument(help="The journal's file.")]
Key = Annotated[Path | None, typer.Option(help="File with its key, where it is encrypted.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON.")]


@app.command("show")
def show(file: File = FILE, *, key_file: Key = None, as_json: AsJson = False) -> None:
    """Show each stream: what was accepted, what the hub has, what waits, what was given up.

    Example: goldenhour journal show var/demo/units/A-001/agent/journal.db

    Exit status: 0 done; 1 it cannot be read; 78 no such file.
    """
    from rich.console import Console  # noqa: PLC0415 -- for a quick --help
    from rich.table import Table  # noqa: PLC0415

    from edge_agent.journal.report import report_of  # noqa: PLC0415

    report = report_of(file, key_file=key_file)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report)))
        return
    typer.echo(f"journal {report.journal}, {report.used_bytes / 2**20:.1f} MiB in use")
    table = Table("stream", "accepted", "hub has", "waiting", "KiB", "oldest waiting", "given up")
    for row in report.streams:
        oldest = "" if row.oldest_waiting_utc_us is None else _time(row.oldest_waiting_utc_us)
        table.add_row(
            row.stream, str(row.last_seq), str(row.acked_through), str(row.waiting),
            f"{row.waiting_bytes / 1024:.0f}", oldest, str(row.given_up),
        )  # fmt: skip
    Console().print(table)


@app.command("verify")
def verify_command(file: File = FILE, *, key_file: Key = None) -> None:
    """Check the file, every record's checksum, and that no accepted record is missing.

    Example: goldenhour journal verify var/agent/journal.db

    Exit status: 0 it is sound; 1 it is not, and what is wrong was printed; 78 no such file.
    """
    from edge_agent.journal.report import verify  # noqa: PLC0415 -- for a quick --help

    verdict = verify(file, key_file=key_file)
    if verdict.is_sound:
        typer.echo("sound")
        return
    if verdict.damage:
        typer.echo(f"it cannot be read whole: {verdict.damage}")
    for name in verdict.bent:
        typer.echo(f"bent on the disk: {name}")
    for name in verdict.holes:
        typer.echo(f"missing without a word: {name}")
    raise typer.Exit(1)


@app.command("export")
def export_command(
    file: File = FILE,
    *,
    stream: Annotated[str, typer.Option(help="vitals, position, waveform, status …")],
    since: Annotated[
        datetime | None, typer.Option(help="Captured from this UTC time on, ISO 8601.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000_000, help="Most records.")] = 100_000,
    key_file: Key = None,
) -> None:
    """Print records as lines of JSON, oldest first; bodies are decoded, bytes are base64.

    Example: goldenhour journal export var/agent/journal.db --stream vitals --limit 10

    Exit status: 0 done; 1 it cannot be read; 2 no such stream; 78 no such file.
    """
    from edge_agent.journal.report import as_json, export_rows  # noqa: PLC0415 -- for a quick --help
    from protocols.link.streams import stream_named  # noqa: PLC0415

    wanted = stream_named(stream)
    if wanted is None:
        raise typer.BadParameter(f"no such stream: {stream}", param_hint="--stream")
    since_us = 0 if since is None else int(since.replace(tzinfo=UTC).timestamp() * 1_000_000)
    found = export_rows(file, wanted, since_utc_us=since_us, limit=limit, key_file=key_file)
    for row in found:
        typer.echo(json.dumps(as_json(row), ensure_ascii=False))


@app.command("trace")
def trace_command(
    file: Annotated[
        Path, typer.Argument(help="The journal's file; its trace is beside it.")
    ] = FILE,
    *,
    last: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many decisions.")] = 50,
    stream: Annotated[str | None, typer.Option(help="Only frames of this stream.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As lines of JSON.")] = False,
) -> None:
    """Show what the scheduler decided and why, newest last.

    Example: goldenhour journal trace var/agent/journal.db --last 20 --stream alarm

    Exit status: 0 done; 78 no trace there.
    """
    from edge_agent.journal.settings import trace_of  # noqa: PLC0415 -- for a quick --help
    from edge_agent.uplink.trace import trace_files  # noqa: PLC0415
    from protocols.errors import ConfigError  # noqa: PLC0415

    files = trace_files(trace_of(file))
    if not files:
        raise ConfigError(reason="no trace stands beside the journal", file=str(trace_of(file)))
    kept: deque[dict[str, Any]] = deque(maxlen=last)
    for one in files:
        with one.open() as lines:
            decisions = (json.loads(line) for line in lines if line.endswith("}\n"))
            kept.extend(d for d in decisions if stream is None or d.get("stream") == stream)
    for decision in kept:
        typer.echo(json.dumps(decision) if as_json else _sentence(decision))


def _sentence(said: dict[str, Any]) -> str:
    begin = f"{_time(said['at_utc_us'])} {said['path']:<6} {said['event']}"
    if said["event"] == "acked":
        held = ", ".join(f"{name} {seq}" for name, seq in said["held"].items())
        return f"{begin:<30} {held or 'nothing'}"
    if said["event"] not in {"sent", "lost"}:
        return begin
    span = f"{said['stream']} {said['first']}–{said['last']}"
    if said["event"] == "lost":
        return f"{begin:<30} {span:<24} sent again: {said['why']}"
    trip = "" if said["round_trip_ms"] is None else f", round trip {said['round_trip_ms']:.0f} ms"
    return (
        f"{begin:<30} {span:<24} {said['bytes']:>6} B  {said['why']}"
        f" (in flight {said['in_flight']} of {said['window']} B, queue {said['queue_ms']:.0f} ms"
        f"{trip})"
    )


def _time(utc_us: int) -> str:
    return f"{datetime.fromtimestamp(utc_us / 1e6, UTC):%m-%d %H:%M:%S}.{utc_us // 1000 % 1000:03}"
