"""`goldenhour sim link`, `break` and `status`: they reach a simulator that runs."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

app = typer.Typer()

RUN_DIR: Final = Path("var/demo/sim")
RunDir = Annotated[Path, typer.Option(help="Folder of the simulators' control sockets.")]


@app.command("link")
def link_command(  # noqa: PLR0913 -- the options that a person may give
    unit: Annotated[str, typer.Argument(help="The unit whose modem it is.")],
    *,
    cut: Annotated[
        str | None, typer.Option(help="Nothing passes for so long; 0: until restored.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="With --cut: connections break at once.")
    ] = False,
    rate: Annotated[str | None, typer.Option(help="Each way: 64k, 1.5M, off.")] = None,
    loss: Annotated[str | None, typer.Option(help="Share of packets lost: 5%.")] = None,
    delay: Annotated[str | None, typer.Option(help="One way: 120ms.")] = None,
    jitter: Annotated[str | None, typer.Option(help="Added at random, up to: 40ms.")] = None,
    restore: Annotated[bool, typer.Option("--restore", help="Undo everything first.")] = False,
    path: Annotated[
        str | None, typer.Option(help="first or second modem. Default: each that it has.")
    ] = None,
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Make a running unit's link bad, or good again; prints how it then is.

    Example: goldenhour sim link A-001 --rate 64k --loss 5% --delay 120ms

    A vehicle with two modems loses both to a change, unless one is named; what is printed is then
    that one, else the first.

    Exit status: 0 done; 78 no such unit runs there, or an amount is wrong.
    """
    from firmware_sim import amounts  # noqa: PLC0415 -- for a quick --help
    from firmware_sim.modem import LinkChange  # noqa: PLC0415
    from firmware_sim.unit import MODEMS  # noqa: PLC0415
    from protocols.errors import ConfigError  # noqa: PLC0415

    change = LinkChange(
        restore=restore,
        reset=reset,
        cut_s=None if cut is None else amounts.seconds(cut),
        rate_bps=None if rate is None else amounts.bits_per_second(rate),
        loss_pct=None if loss is None else amounts.percent(loss),
        delay_ms=None if delay is None else amounts.milliseconds(delay),
        jitter_ms=None if jitter is None else amounts.milliseconds(jitter),
    )
    if path is not None and path not in MODEMS:
        raise ConfigError(reason="a path is first or second", given=path)
    fields = change.model_dump(exclude_none=True) | ({"path": path} if path else {})
    _ask(run_dir, unit, "link", fields, part=MODEMS[path or "first"])


@app.command("break")
def break_command(
    unit: Annotated[str, typer.Argument(help="The unit.")],
    device: Annotated[str, typer.Argument(help="monitor, gnss or camera.")],
    faults: Annotated[str, typer.Argument(help="JSON: what goes wrong, or what is shown.")],
    *,
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Make one device of a running unit misbehave, or show given values.

    Example: goldenhour sim break A-001 monitor '{"values": {"spo2": 82}}'

    Exit status: 0 done; 78 no such unit runs there, or the faults are not understood.
    """
    from protocols.errors import ConfigError  # noqa: PLC0415 -- for a quick --help

    try:
        fields = json.loads(faults)
    except ValueError as err:
        raise ConfigError(reason="the faults are not JSON", given=faults) from err
    if device not in {"monitor", "gnss", "camera"} or not isinstance(fields, dict):
        raise ConfigError(reason="name monitor, gnss or camera and a JSON object", given=device)
    _ask(run_dir, unit, device, fields, part=device)


@app.command("status")
def status_command(
    unit: Annotated[str, typer.Argument(help="The unit.")], *, run_dir: RunDir = RUN_DIR
) -> None:
    """Print how a running unit's devices and link are.

    Example: goldenhour sim status A-001

    Exit status: 0 done; 78 no such unit runs there.
    """
    _ask(run_dir, unit, "status", {}, part=None)


def _ask(run_dir: Path, unit: str, op: str, fields: dict[str, Any], *, part: str | None) -> None:
    from firmware_sim.control import request  # noqa: PLC0415 -- for a quick --help

    status = request(run_dir, unit, op, fields)
    typer.echo(json.dumps(status if part is None else status.get(part), ensure_ascii=False))
