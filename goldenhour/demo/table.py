"""What the demo shows a person: steps while it starts, then addresses, accounts and PINs."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from goldenhour.demo.city import Account, City
from goldenhour.demo.folder import Folder

_WIDEST: Final = 200


def card_of(city: City, accounts: Sequence[Account], folder: Folder) -> dict[str, Any]:
    """Return everything that a person or a test needs to know, as JSON values."""
    return {
        "hub_url": city.hub_url,
        "operator_url": f"{city.hub_url}/operator/",
        "doctor_url": f"{city.hub_url}/doctor/",
        "hospital_url": city.hospital_url,
        "mqtt": {"host": "127.0.0.1", "port": city.mqtt_port},
        "units": [
            {
                "unit": site.unit,
                "call_sign": site.full.call_sign,
                "profile": site.full.profile,
                "tablet_url": site.tablet_url,
                "pin": site.pin,
            }
            for site in city.units
        ],
        "light_units": city.light_units,
        "accounts": [
            {"username": one.username, "role": one.role, "password": one.password}
            for one in accounts
        ],
        "data_dir": str(folder.root),
        "logs": str(folder.logs),
    }


def show(console: Console, card: dict[str, Any]) -> None:
    """Print the table."""
    by_role: dict[str, list[tuple[str, str]]] = {}
    for one in card["accounts"]:
        by_role.setdefault(one["role"], []).append((one["username"], one["password"]))
    table = Table(
        title="Golden Hour · 黄金一小时",
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    for heading in ("screen", "address", "name", "password"):
        table.add_column(heading, no_wrap=True)
    pages = {"operator": card["operator_url"], "doctor": card["doctor_url"]}
    for role in ("operator", "doctor", "administrator"):
        for person in by_role.get(role, ()):
            screen = "admin" if role == "administrator" else role
            table.add_row(screen, pages.get(role, card["hub_url"] + "/"), *person)
    for unit in card["units"]:
        name = f"crew, {unit['call_sign']} ({unit['unit']})"
        table.add_row(name, unit["tablet_url"], "any name", unit["pin"])
    table.add_row("hospital", card["hospital_url"], "", "")
    # on a narrow terminal a line may run over, but no password is cut short
    wide = Console(file=console.file, width=_WIDEST, force_terminal=console.is_terminal)
    wide.print(table)
    console.print(
        f"data and logs: {card['data_dir']}", soft_wrap=True, highlight=False, markup=False
    )
    cut = [
        _command(),
        "sim",
        "link",
        "A-001",
        "--cut",
        "60s",
        "--run-dir",
        f"{card['data_dir']}/sim",
    ]
    console.print(f"cut a link: {shlex.join(cut)}", soft_wrap=True, highlight=False, markup=False)


def _command() -> str:
    """Return how a shell calls us: by name where it finds us by it, else by our path."""
    ours = Path(sys.executable).with_name("goldenhour")
    return "goldenhour" if shutil.which("goldenhour") == str(ours) else str(ours)
