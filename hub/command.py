"""`goldenhour hub`: parse, call, print; no logic lives here."""

import asyncio
import json
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Run the hub, and look after its units and accounts.\n\n"
    "Its settings are GOLDENHOUR_HUB_… in the environment.\n\n"
    "Example: goldenhour hub run\n\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 78 a setting, file or port is wrong.",
)
account = typer.Typer(
    no_args_is_help=True,
    help="Look after the people who may sign in.\n\n"
    "Example: goldenhour hub account add chen --role doctor\n\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 78 a setting or file is wrong.",
)
app.add_typer(account, name="account")
team = typer.Typer(
    no_args_is_help=True,
    help="Look after the teams that crews may ring.\n\n"
    "Example: goldenhour hub team list\n\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 78 a setting or file is wrong.",
)
app.add_typer(team, name="team")

Replace = Annotated[
    bool, typer.Option("--replace", help="Give one that stands a new description and credential.")
]


@app.command("run")
def run_command() -> None:
    """Run the hub until SIGTERM or Ctrl-C. Prints one line of JSON once every part works.

    Example: GOLDENHOUR_HUB_DATA_DIR=/var/lib/goldenhour goldenhour hub run

    Exit status: 0 ended by signal; 1 a part failed for good; 78 a setting, file or port is wrong.
    """
    from hub.app import run_hub  # noqa: PLC0415 -- for a quick --help
    from hub.settings import HubSettings  # noqa: PLC0415
    from protocols.runtime.clock import SystemClock  # noqa: PLC0415
    from protocols.runtime.descriptors import most_descriptors  # noqa: PLC0415
    from protocols.runtime.files import keep_private  # noqa: PLC0415
    from protocols.runtime.log import set_up_logging  # noqa: PLC0415
    from protocols.runtime.settings import load  # noqa: PLC0415

    keep_private()
    settings = load(HubSettings)
    set_up_logging(program="hub", level=settings.log_level)
    most_descriptors()  # the broker, its child, has a connection of each unit

    def print_ready(addresses: dict[str, Any]) -> None:
        shown = {"http_url": addresses["http_url"], "mqtt": addresses["mqtt"]}
        typer.echo(json.dumps({"ready": True, **shown}))

    _until_signal(run_hub(settings, clock=SystemClock(), on_ready=print_ready))


@app.command("enrol")
def enrol_command(  # noqa: PLR0913 -- the options that a person may give
    unit: Annotated[str, typer.Argument(help="The unit's id: letters, digits, - and _.")],
    *,
    profile: Annotated[str, typer.Option(help="ambulance or patrol.")],
    call_sign: Annotated[str, typer.Option(help="What people call it.")],
    out: Annotated[Path, typer.Option(help="File for the credential; must not exist yet.")],
    organisation: Annotated[str, typer.Option(help="To whom it belongs.")] = "Golden Hour",
    light: Annotated[bool, typer.Option("--light", help="A unit without screens.")] = False,
    replace: Replace = False,
) -> None:
    """Give a vehicle its credential, whether the hub runs or not.

    Example: goldenhour hub enrol A-001 --profile ambulance --call-sign "Yuexiu 1" --out A-001.json

    Exit status: 0 done; 1 it is enrolled already; 78 a wrong value, or the file stands already.
    """
    from hub.offline import Enrolment, enrol  # noqa: PLC0415 -- for a quick --help

    wanted = Enrolment(
        unit=unit,
        profile=profile,
        call_sign=call_sign,
        organisation=organisation,
        light=light,
        replace=replace,
        out=out,
    )
    asyncio.run(enrol(_settings(), wanted))
    typer.echo(f"{unit} is enrolled; its credential is in {out}")


@app.command("enrol-list")
def enrol_list_command(
    file: Annotated[
        Path,
        typer.Argument(
            help="One JSON object a line: {unit, call_sign, profile, organisation, light}."
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="File for the credentials; must not exist yet.")],
    replace: Replace = False,
) -> None:
    """Give many vehicles their credentials at once, all or none, whether the hub runs or not.

    Example: goldenhour hub enrol-list units.jsonl --out credentials.jsonl

    Exit status: 0 done; 1 one is enrolled already; 78 a wrong value, or the file stands already.
    """
    from hub.offline import enrol_list, read_applicants  # noqa: PLC0415 -- for a quick --help

    wanted = read_applicants(file)
    asyncio.run(enrol_list(_settings(), wanted, replace=replace, out=out))
    typer.echo(f"{len(wanted)} units are enrolled; their credentials are in {out}")


@app.command("revoke")
def revoke_command(unit: Annotated[str, typer.Argument(help="The unit's id.")]) -> None:
    """Take a vehicle's credential away, whether the hub runs or not; its records stay.

    Example: goldenhour hub revoke A-001

    Exit status: 0 done; 1 there is no such unit; 78 a setting or file is wrong.
    """
    from hub.offline import revoke  # noqa: PLC0415 -- for a quick --help

    asyncio.run(revoke(_settings(), unit))
    typer.echo(f"{unit} is revoked; enrol it again with --replace to let it back")


@account.command("disable")
def account_disable_command(
    username: Annotated[str, typer.Argument(help="The name that may sign in no more.")],
) -> None:
    """Let a person sign in no more, and sign them out, whether the hub runs or not.

    Example: goldenhour hub account disable chen

    Exit status: 0 done; 1 there is no such account; 78 a setting or file is wrong.
    """
    from hub.offline import disable  # noqa: PLC0415 -- for a quick --help

    asyncio.run(disable(_settings(), username))
    typer.echo(f"{username} is disabled; add the account again with --replace to let them back")


@account.command("add")
def account_add_command(  # noqa: PLR0913 -- the options that a person may give
    username: Annotated[str, typer.Argument(help="The name to sign in with.")],
    *,
    role: Annotated[str, typer.Option(help="crew, doctor, operator or administrator.")],
    display_name: Annotated[str | None, typer.Option(help="The name that others see.")] = None,
    organisation: Annotated[str, typer.Option(help="Hospital or centre.")] = "Golden Hour",
    password_file: Annotated[
        Path | None, typer.Option(help="File that holds the password. Default: it is asked for.")
    ] = None,
    replace: Replace = False,
) -> None:
    """Add a person who may sign in, whether the hub runs or not.

    Example: goldenhour hub account add chen --role doctor --display-name "Dr Chen"

    Exit status: 0 done; 1 the name is taken; 78 a wrong value.
    """
    from hub.offline import Person, add_accounts, read_password  # noqa: PLC0415 -- quick --help

    if password_file is not None:
        password = read_password(password_file)
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    person = Person.checked(
        {
            "username": username,
            "role": role,
            "display_name": display_name or username,
            "organisation": organisation,
            "password": password,
        }
    )
    asyncio.run(add_accounts(_settings(), [person], replace=replace))
    typer.echo(f"{username} may sign in as {role}")


@account.command("import")
def account_import_command(
    file: Annotated[
        Path,
        typer.Argument(help="JSON list of {username, role, display_name, organisation, password}."),
    ],
    *,
    replace: Replace = False,
) -> None:
    """Add many people at once, whether the hub runs or not.

    Example: goldenhour hub account import people.json

    Exit status: 0 done; 1 a name is taken; 78 the file is not as it should be.
    """
    from hub.offline import add_accounts, read_people  # noqa: PLC0415 -- for a quick --help

    people = read_people(file)
    asyncio.run(add_accounts(_settings(), people, replace=replace))
    typer.echo(f"{len(people)} may sign in")


@team.command("set")
def team_set_command(
    team_id: Annotated[str, typer.Argument(help="The team's id: letters, digits, - and _.")],
    *,
    name: Annotated[str, typer.Option(help="What crews read.")],
    kind: Annotated[
        str, typer.Option(help="chest_pain, stroke, trauma, paediatrics or other.")
    ] = "other",
    organisation: Annotated[str, typer.Option(help="To which hospital it belongs.")],
    members: Annotated[
        str,
        typer.Option(
            help="User names of doctors: commas within a step that rings together, "
            "semicolons between steps that ring one after the other."
        ),
    ],
) -> None:
    """Add a team that crews may ring, or change the one of that id, whether the hub runs or not.

    Example: goldenhour hub team set chest --name "Chest pain" --kind chest_pain --organisation
    "First Hospital" --members "chen,li;wang"

    Exit status: 0 done; 1 a member is no doctor who may sign in; 78 a wrong value.
    """
    from hub.team_command import TeamEntry, set_teams  # noqa: PLC0415 -- for a quick --help

    entry = TeamEntry.checked(
        {
            "team_id": team_id,
            "name": name,
            "kind": kind,
            "organisation": organisation,
            "steps": [[one.strip() for one in step.split(",")] for step in members.split(";")],
        }
    )
    asyncio.run(set_teams(_settings(), [entry]))
    typer.echo(f"{team_id} may be rung")


@team.command("import")
def team_import_command(
    file: Annotated[
        Path,
        typer.Argument(help="JSON list of {team_id, name, kind, organisation, steps: [[user]]}."),
    ],
) -> None:
    """Add or change many teams at once, whether the hub runs or not.

    Example: goldenhour hub team import teams.json

    Exit status: 0 done; 1 a member is no doctor who may sign in; 78 the file is wrong.
    """
    from hub.team_command import read_teams, set_teams  # noqa: PLC0415 -- for a quick --help

    entries = read_teams(file)
    asyncio.run(set_teams(_settings(), entries))
    typer.echo(f"{len(entries)} teams may be rung")


@team.command("remove")
def team_remove_command(
    team_id: Annotated[str, typer.Argument(help="The team that is to be rung no more.")],
) -> None:
    """Forget a team, whether the hub runs or not.

    Example: goldenhour hub team remove chest

    Exit status: 0 done; 1 there is no such team; 78 a setting or file is wrong.
    """
    from hub.team_command import remove_team  # noqa: PLC0415 -- for a quick --help

    asyncio.run(remove_team(_settings(), team_id))
    typer.echo(f"{team_id} is rung no more")


@team.command("list")
def team_list_command() -> None:
    """Print the teams, one JSON object a line.

    Example: goldenhour hub team list

    Exit status: 0 done; 78 a setting or file is wrong.
    """
    from hub.team_command import list_teams  # noqa: PLC0415 -- for a quick --help

    for one in asyncio.run(list_teams(_settings())):
        typer.echo(one.model_dump_json())


def _settings() -> Any:
    from hub.settings import HubSettings  # noqa: PLC0415 -- for a quick --help
    from protocols.runtime.files import keep_private  # noqa: PLC0415
    from protocols.runtime.log import set_up_logging  # noqa: PLC0415
    from protocols.runtime.settings import load  # noqa: PLC0415

    keep_private()
    set_up_logging(program="hub", level="WARNING")
    return load(HubSettings)


def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or SIGINT or SIGTERM asks it to."""

    async def run() -> None:
        task = asyncio.create_task(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    asyncio.run(run())
