"""What the demo tells its programs is what those programs understand."""

import json
from pathlib import Path
from typing import Any, TypeVar

import pytest
import typer.core
from pydantic_settings import BaseSettings

from edge_agent.settings import EdgeSettings
from goldenhour.__main__ import build
from goldenhour.demo import programs
from goldenhour.demo.children import Program
from goldenhour.demo.city import City, Recordings, lay_out
from goldenhour.demo.folder import Folder, opened
from hub.settings import HubSettings
from protocols.runtime.settings import load

S = TypeVar("S", bound=BaseSettings)

PLAYED = Recordings(ecg="/ptb/s0010_re", nmea=Path("/drive.log"), camera="/dev/video0")


@pytest.fixture
def city() -> City:
    return lay_out(port=0, light_units=3, pins={"A-001": "1", "A-002": "2", "P-001": "3"})


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    with opened(tmp_path / "demo") as held:
        return held


def parsed(program: Program) -> dict[str, Any]:
    """Return the options as the program's own command line understands them."""
    command: Any = build(program.arguments[0])
    words, context = list(program.arguments), None
    name: str | None = None
    while isinstance(command, typer.core.TyperGroup):
        context = command.make_context(words[0], words, parent=context)
        name, command, words = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
    found: dict[str, Any] = command.make_context(name, words, parent=context).params
    return found


def settings_of(kind: type[S], program: Program, monkeypatch: pytest.MonkeyPatch) -> S:
    for variable, value in program.environment.items():
        monkeypatch.setenv(variable, value)
    return load(kind)


def test_the_hub_stands_where_the_table_says(
    city: City, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = programs.hub(city, folder)
    parsed(program)
    settings = settings_of(HubSettings, program, monkeypatch)

    assert f"http://{settings.http.host}:{settings.http.port}" == city.hub_url
    assert settings.mqtt.port == city.mqtt_port
    assert settings.data_dir == folder.hub
    assert settings.handoff.hospitals_file == folder.hospitals_file


def test_an_agent_reaches_the_hub_through_its_modem_alone(
    city: City, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = city.units[0]
    program = programs.agent(city, site, folder)
    parsed(program)
    settings = settings_of(EdgeSettings, program, monkeypatch)

    assert settings.hub.mqtt_host == site.modem_host
    assert settings.hub.http_url == f"http://{site.modem_host}:{city.http_port}"
    assert "127.0.0.1:" + str(city.http_port) not in json.dumps(dict(program.environment))


def test_only_an_ambulance_has_a_monitor(
    city: City, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    patrol = city.units[2]
    agent = settings_of(EdgeSettings, programs.agent(city, patrol, folder), monkeypatch)

    assert agent.monitor is None or agent.monitor.listen is None
    assert parsed(programs.devices(city, patrol, folder, PLAYED))["monitor"] is False


def test_what_a_person_gave_to_play_is_played_by_the_first_ambulance_alone(
    city: City, folder: Folder
) -> None:
    first, second = (
        parsed(programs.devices(city, site, folder, PLAYED)) for site in city.units[:2]
    )

    assert (first["ecg"], first["nmea"], first["camera"]) == (
        "/ptb/s0010_re", Path("/drive.log"), "/dev/video0",
    )  # fmt: skip
    assert (second["ecg"], second["nmea"], second["camera"]) == (None, None, None)


def test_the_modem_relays_the_hub_s_ports_and_no_others(city: City, folder: Folder) -> None:
    given = parsed(programs.devices(city, city.units[1], folder, PLAYED))

    assert given["modem_tcp"] == f"{city.mqtt_port},{city.http_port}"
    assert given["modem_udp"] == f"{city.media_ports[0]}-{city.media_ports[1]}"
    assert given["modem_listen"] == "127.0.1.2"


def test_the_fleet_and_the_accounts_are_commands_too(city: City, folder: Folder) -> None:
    assert parsed(programs.fleet(city, folder))["credentials"] == folder.fleet_credentials
    people = folder.root / "people.json"
    assert parsed(programs.accounts(city, folder, people))["file"] == people


def test_the_first_ambulance_has_four_cameras_and_its_agent_knows_each(
    city: City, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = city.units[:2]
    named = parsed(programs.devices(city, first, folder, PLAYED))["more_cameras"]
    agent = settings_of(EdgeSettings, programs.agent(city, first, folder), monkeypatch)

    assert list(agent.cameras) == ["patient", "cabin", "front", "monitor"]
    for name, port in first.more_cameras.items():
        assert f"{name}={port}" in named
        assert agent.cameras[name] == f"rtsp://127.0.0.1:{port}/cam"
    assert parsed(programs.devices(city, second, folder, PLAYED))["more_cameras"] == ""
