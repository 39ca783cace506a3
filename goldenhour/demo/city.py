"""The city that the demo builds: which units there are, and at which address everything stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from goldenhour.demo import ports
from protocols.errors import ConfigError
from protocols.runtime.ports import free_ports

MEDIA_PORTS: Final = 64
"""UDP ports for video; each session of a vehicle or a viewer takes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullUnit:
    """A vehicle with an agent of its own, before it has an address."""

    unit: str
    call_sign: str
    profile: Literal["ambulance", "patrol"]


MORE_CAMERAS: Final = ("cabin", "front", "monitor")
"""What the first vehicle has beside the patient's camera."""

FULL_UNITS: Final = (
    FullUnit(unit="A-001", call_sign="Yuexiu 1", profile="ambulance"),
    FullUnit(unit="A-002", call_sign="Tianhe 2", profile="ambulance"),
    FullUnit(unit="P-001", call_sign="Patrol 1", profile="patrol"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSite:
    """Where one vehicle's parts are; `modem_host` is the only way out to the hub.

    Each tablet has a host of its own, as in a vehicle: browsers keep cookies by host, whatever the
    port, and two crews may be signed in side by side.
    """

    full: FullUnit
    modem_host: str
    tablet_host: str
    tablet_port: int
    gnss_port: int
    monitor_port: int
    camera_port: int
    more_cameras: Mapping[str, int] = field(default_factory=dict)  # their ports, by name
    pin: str

    @property
    def unit(self) -> str:
        """The unit's id."""
        return self.full.unit

    @property
    def tablet_url(self) -> str:
        """The address of the crew's tablet."""
        return f"http://{self.tablet_host}:{self.tablet_port}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who may sign in at the hub."""

    username: str
    role: Literal["doctor", "operator", "administrator"]
    display_name: str
    organisation: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """What A-001's devices play instead of their own choice."""

    ecg: str | None = None  # a WFDB record: its path without an ending
    ecg_step_uv: float | None = None  # digitised anew, at so many microvolts per bit
    waves_every_s: float | None = None
    nmea: Path | None = None
    camera: str | None = None  # a file or a device

    def check(self) -> None:
        """See that the files are there.

        Raises:
            ConfigError: one is not; the sentence names it.
        """
        if self.ecg is not None and not Path(f"{self.ecg}.hea").is_file():
            raise ConfigError(reason=f"no WFDB record: {self.ecg}.hea is not there (--ecg)")
        if self.nmea is not None and not self.nmea.is_file():
            raise ConfigError(reason=f"no such file: {self.nmea} (--nmea)")
        if self.camera is not None and not Path(self.camera).exists():
            raise ConfigError(reason=f"no such file or device: {self.camera} (--camera)")


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """Every address of one demo."""

    http_port: int
    mqtt_port: int
    hospital_port: int
    media_ports: tuple[int, int]
    units: tuple[UnitSite, ...]
    light_units: int

    @property
    def hub_url(self) -> str:
        """The hub's address for people and programs on this machine."""
        return f"http://{ports.LOOPBACK}:{self.http_port}"

    @property
    def hospital_url(self) -> str:
        """The FHIR base of the reference hospital."""
        return f"http://{ports.LOOPBACK}:{self.hospital_port}/fhir"


def lay_out(*, port: int, light_units: int, pins: dict[str, str]) -> City:
    """Return a city whose pages begin at `port`, or stand at any free port if `port` is 0.

    Hub `port`, tablets from the next on, then the hospital and the broker.

    Raises:
        ConfigError: a port is in use.
    """
    names = ["the hub", *(f"the tablet of {full.unit}" for full in FULL_UNITS), "the hospital"]
    names.append("the broker")
    seen = ports.consecutive(port, len(names), names=names)
    inner = iter(free_ports(ports.LOOPBACK, 3 * len(FULL_UNITS) + len(MORE_CAMERAS)))
    units = tuple(
        UnitSite(
            full=full,
            modem_host=f"127.0.1.{number}",
            tablet_host=f"127.0.2.{number}",
            tablet_port=seen[number],
            gnss_port=next(inner),
            monitor_port=next(inner),
            camera_port=next(inner),
            more_cameras={name: next(inner) for name in MORE_CAMERAS} if number == 1 else {},
            pin=pins[full.unit],
        )
        for number, full in enumerate(FULL_UNITS, 1)
    )
    return City(
        http_port=seen[0],
        mqtt_port=seen[-1],
        hospital_port=seen[-2],
        media_ports=ports.udp_range(MEDIA_PORTS),
        units=units,
        light_units=light_units,
    )
