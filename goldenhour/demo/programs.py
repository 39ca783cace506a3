"""The programs of the demo, and what each is told: the command line that a person would type.

Nothing is passed to them by any other way than their own options, settings and files.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from goldenhour.demo import ports
from goldenhour.demo.children import Program
from goldenhour.demo.city import City, Recordings, UnitSite
from goldenhour.demo.folder import Folder
from protocols.errors import ConfigError

HOSPITAL_ID: Final = "reference"
_HUB_PATIENCE_S: Final = 30.0  # the database is shut down cleanly
_COURSES: Final = {"A-001": "chest-pain", "A-002": "deterioration"}


def hospital(city: City, folder: Folder) -> Program:
    """Return the reference FHIR server, somebody else's program.

    Raises:
        ConfigError: it is not installed.
    """
    executable = Path(sys.executable).with_name("sekmet")
    if not executable.is_file():
        raise ConfigError(
            reason="the demo's hospital is not installed: pip install 'goldenhour[demo]'"
        )
    return Program(
        name="hospital",
        executable=str(executable),
        arguments=(
            *("serve", "--config", str(folder.hospital / "settings.yaml")),
            *("--host", ports.LOOPBACK, "--port", str(city.hospital_port)),
        ),
        environment={},
    )


def hospital_settings(city: City, folder: Folder) -> bytes:
    """Return the hospital's settings file (JSON is YAML); it answers nothing by itself."""
    settings = {
        "base_url": city.hospital_url,
        "data_dir": str(folder.hospital),
        "own_private_key_path": str(folder.hospital / "key.pem"),
        "facility_name": "Reference Hospital",
        "simulator": {"enabled": False},
    }
    return json.dumps(settings, indent=1).encode()


def hospitals_file(city: City) -> bytes:
    """Return the hub's list of hospitals: the one of the demo."""
    one = {
        "hospital_id": HOSPITAL_ID,
        "name": "示范医院 Reference Hospital",
        "fhir_url": city.hospital_url,
    }
    return json.dumps([one], indent=1, ensure_ascii=False).encode()


def hub(city: City, folder: Folder) -> Program:
    """Return the hub."""
    return Program(
        name="hub",
        arguments=("hub", "run"),
        environment=_hub_environment(city, folder),
        patience_s=_HUB_PATIENCE_S,
    )


def accounts(city: City, folder: Folder, people: Path) -> Program:
    """Return what lets the people in the file `people` sign in."""
    return Program(
        name="accounts",
        arguments=("hub", "account", "import", str(people), "--replace"),
        environment=_hub_environment(city, folder),
        ends=True,
    )


def teams(city: City, folder: Folder, wanted: Path) -> Program:
    """Return what makes the teams in the file `wanted`, which crews may ring."""
    return Program(
        name="teams",
        arguments=("hub", "team", "import", str(wanted)),
        environment=_hub_environment(city, folder),
        ends=True,
    )


def teams_file() -> bytes:
    """Return the teams of the demo's hospital: Dr Chen first, then the cardiologist."""
    steps = {
        "chest-pain": ("胸痛中心 Chest pain", "chest_pain", [["doctor"], ["cardiologist"]]),
        "stroke": ("卒中中心 Stroke", "stroke", [["doctor"]]),
        "trauma": ("创伤中心 Trauma", "trauma", [["doctor", "cardiologist"]]),
        "paediatrics": ("儿科 Paediatrics", "paediatrics", [["cardiologist"]]),
    }
    listed = [
        {
            "team_id": team_id,
            "name": name,
            "kind": kind,
            "organisation": "Reference Hospital",
            "steps": members,
        }
        for team_id, (name, kind, members) in steps.items()
    ]
    return json.dumps(listed, indent=1, ensure_ascii=False).encode()


def enrolment(city: City, folder: Folder, wanted: Path, made: Path) -> Program:
    """Return what enrols the units in the file `wanted`, and writes their credentials to `made`."""
    return Program(
        name="enrolment",
        arguments=("hub", "enrol-list", str(wanted), "--out", str(made), "--replace"),
        environment=_hub_environment(city, folder),
        ends=True,
    )


def devices(city: City, site: UnitSite, folder: Folder, recordings: Recordings) -> Program:
    """Return one vehicle's devices and modem; the first vehicle's play `recordings`."""
    first, last = city.media_ports
    monitor: tuple[str, ...] = ("--no-monitor",)
    if site.full.profile == "ambulance":
        monitor = ("--monitor-target", f"{ports.LOOPBACK}:{site.monitor_port}")
        monitor += ("--course", _COURSES.get(site.unit, "stable"))
    chosen: dict[str, Any] = {}
    if site == city.units[0]:
        chosen = {
            "--ecg": recordings.ecg, "--ecg-step": recordings.ecg_step_uv,
            "--waves-every": recordings.waves_every_s,
            "--nmea": recordings.nmea, "--camera": recordings.camera,
        }  # fmt: skip
    return Program(
        name=f"sim-{site.unit}",
        arguments=(
            *("sim", "unit", "--unit", site.unit, "--run-dir", str(folder.sim)),
            *("--gnss-port", str(site.gnss_port), "--camera-port", str(site.camera_port)),
            *_more_cameras(site),
            *monitor,
            *("--modem-listen", site.modem_host, "--modem-hub", ports.LOOPBACK),
            *("--modem-tcp", f"{city.mqtt_port},{city.http_port}"),
            *("--modem-udp", f"{first}-{last}"),
            *(word for option, value in chosen.items() if value for word in (option, str(value))),
        ),
        environment={},
        layer=1,
    )


def _more_cameras(site: UnitSite) -> tuple[str, ...]:
    named = ",".join(f"{name}={port}" for name, port in site.more_cameras.items())
    return ("--more-cameras", named) if named else ()


def agent(city: City, site: UnitSite, folder: Folder) -> Program:
    """Return one vehicle's agent. It is told of nothing but its devices and its modem."""
    data = folder.unit(site.unit)
    camera = "patient" if site.full.profile == "ambulance" else "road"
    settings = {
        "UNIT_ID": site.unit,
        "CALL_SIGN": site.full.call_sign,
        "PROFILE": site.full.profile,
        "DATA_DIR": str(data),
        "HUB__HTTP_URL": f"http://{site.modem_host}:{city.http_port}",
        "HUB__MQTT_HOST": site.modem_host,
        "HUB__MQTT_PORT": str(city.mqtt_port),
        "HUB__CREDENTIAL_FILE": str(folder.credential(site.unit)),
        "TABLET__HOST": site.tablet_host,
        "TABLET__PORT": str(site.tablet_port),
        "TABLET__PIN_FILE": str(folder.pin(site.unit)),
        "GNSS__SOURCE": f"tcp://{ports.LOOPBACK}:{site.gnss_port}",
        "CAMERAS": json.dumps(
            {
                name: f"rtsp://{ports.LOOPBACK}:{port}/cam"
                for name, port in {camera: site.camera_port, **site.more_cameras}.items()
            }
        ),
    }
    if site.full.profile == "ambulance":
        settings["MONITOR__LISTEN"] = f"{ports.LOOPBACK}:{site.monitor_port}"
    return Program(
        name=f"agent-{site.unit}",
        arguments=("agent", "run"),
        environment=_prefixed("GOLDENHOUR_EDGE_", settings),
        revives=True,
        layer=2,
    )


def fleet(city: City, folder: Folder) -> Program:
    """Return the light units, straight at the broker."""
    return Program(
        name="fleet",
        arguments=(
            *("sim", "fleet", "--credentials", str(folder.fleet_credentials)),
            *("--broker", f"{ports.LOOPBACK}:{city.mqtt_port}", "--run-dir", str(folder.sim)),
        ),
        environment={},
        layer=1,
    )


def _hub_environment(city: City, folder: Folder) -> Mapping[str, str]:
    first, last = city.media_ports
    settings = {
        "DATA_DIR": str(folder.hub),
        "HTTP__HOST": ports.LOOPBACK,
        "HTTP__PORT": str(city.http_port),
        "MQTT__HOST": ports.LOOPBACK,
        "MQTT__PORT": str(city.mqtt_port),
        "MEDIA__HOST": ports.LOOPBACK,
        "MEDIA__UDP_PORTS": f"{first}-{last}",
        "HANDOFF__HOSPITALS_FILE": str(folder.hospitals_file),
    }
    return _prefixed("GOLDENHOUR_HUB_", settings)


def _prefixed(prefix: str, settings: Mapping[str, str]) -> Mapping[str, str]:
    return {f"{prefix}{name}": value for name, value in settings.items()}
