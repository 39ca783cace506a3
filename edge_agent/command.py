"""`goldenhour agent`: parse, call, print; no logic lives here."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
)


@app.callback()
def _agent() -> None:
    """Run the agent of one vehicle; its settings are GOLDENHOUR_EDGE_… in the environment.

    Example: goldenhour agent run

    Exit status: 0 done; 1 failed; 2 wrong usage; 78 a setting, file or port is wrong.
    """


@app.command("run")
def run_command() -> None:
    """Run the agent until SIGTERM or Ctrl-C. Prints one line of JSON once all listen.

    Example: GOLDENHOUR_EDGE_UNIT_ID=A-001 goldenhour agent run

    Exit status: 0 ended by signal; 1 a part failed for good; 78 a setting, file or port is wrong.
    """
    import random  # noqa: PLC0415 -- for a quick --help

    from edge_agent.app import run_agent  # noqa: PLC0415
    from edge_agent.settings import EdgeSettings  # noqa: PLC0415
    from protocols.runtime.clock import SystemClock  # noqa: PLC0415
    from protocols.runtime.files import keep_private  # noqa: PLC0415
    from protocols.runtime.log import set_up_logging  # noqa: PLC0415
    from protocols.runtime.settings import load  # noqa: PLC0415

    keep_private()
    settings = load(EdgeSettings)
    set_up_logging(program="agent", level=settings.log_level)

    def print_ready(addresses: dict[str, Any]) -> None:
        typer.echo(json.dumps({"ready": True, **addresses}))

    async def run() -> None:
        work = run_agent(
            settings, clock=SystemClock(), rng=random.SystemRandom(), on_ready=print_ready
        )
        task = asyncio.create_task(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    asyncio.run(run())


@app.command("faces")
def faces_command(
    *, folder: Annotated[Path, typer.Option(help="Where to keep it.")] = Path("var/models")
) -> None:
    """Fetch the face model that a vehicle needs whose policy is to blur faces; checked by its hash.

    Example: goldenhour agent faces --folder var/models

    Exit status: 0 done; 2 wrong usage; 78 it could not be fetched.
    """
    from edge_agent.media.facemodel import fetch  # noqa: PLC0415 -- for a quick --help

    fetch(folder)
