"""Settings of the way to the hub, and the credential that goes with it."""

import json
import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from edge_agent.uplink.dial import Door
from protocols.errors import ConfigError
from protocols.http.server import is_loopback
from protocols.ids import TopicSafe
from protocols.link.sender import ONLY_PATH


class PathSettings(BaseModel):
    """One way to the hub: a modem of its own, by its interface or as a proxy with an address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: TopicSafe = Field(description="what the path is called in logs and reports")
    mqtt_host: Annotated[str, Field(min_length=1, max_length=253)] | None = Field(
        default=None, description="address of the modem that forwards; unset: the broker's own"
    )
    mqtt_port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        default=None, description="its port; unset: the broker's own"
    )
    interface: Annotated[str, Field(pattern=r"^[^/\s]{1,15}$")] | None = Field(
        default=None, description="network interface whose address the connection is bound to"
    )


class HubSettings(BaseModel):
    """Where the hub is, and how the vehicle proves itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    http_url: Annotated[
        str, Field(pattern=r"^https?://[^/@\s]+$", description="the hub's API, scheme://host:port")
    ] = "http://127.0.0.1:8080"
    mqtt_host: Annotated[
        str, Field(min_length=1, max_length=253, description="host name or address of the broker")
    ] = "127.0.0.1"
    mqtt_port: Annotated[int, Field(ge=1, le=65_535, description="port of the broker")] = 1883
    ca_file: Path | None = Field(
        default=None,
        description="certificate authority (PEM) that vouches for the hub; unset: a public one."
        " With https both HTTP and MQTT are TLS; in the clear only a hub on loopback is spoken to",
    )
    paths: Annotated[tuple[PathSettings, ...], Field(max_length=4)] = Field(
        default=(),
        description="JSON array of ways to the hub, the preferred one first: name, and interface"
        " (its address is bound; the system routes by it) or mqtt_host and mqtt_port of a modem"
        " that forwards. Unset: one way, by mqtt_host and mqtt_port",
    )
    credential_file: Path = Field(
        default=Path("credential.json"),
        description="file that `goldenhour hub enrol` wrote: JSON with unit and password",
    )


def doors_of(hub: HubSettings) -> list[tuple[str, Door]]:
    """Return the paths' names and where each reaches the broker, the preferred one first.

    Raises:
        ConfigError: two have one name.
    """
    if not hub.paths:
        return [(ONLY_PATH, Door(hub.mqtt_host, hub.mqtt_port))]
    names = [path.name for path in hub.paths]
    if len(set(names)) < len(names):
        raise ConfigError(reason="two paths have one name", setting="hub.paths")
    return [
        (
            path.name,
            Door(path.mqtt_host or hub.mqtt_host, path.mqtt_port or hub.mqtt_port, path.interface),
        )
        for path in hub.paths
    ]


class Credential(BaseModel):
    """What enrolment gave."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    unit: TopicSafe
    password: SecretStr


def read_credential(file: Path) -> Credential:
    """Return the credential in `file`.

    Raises:
        ConfigError: it cannot be read, or is not what enrolment writes.
    """
    try:
        return Credential.model_validate(json.loads(file.read_text()))
    except OSError as err:
        raise ConfigError(
            reason="cannot read the vehicle's credential; `goldenhour hub enrol` writes it",
            file=str(file),
        ) from err
    except (ValueError, ValidationError):
        raise ConfigError(
            reason="the vehicle's credential is not a JSON object with unit and password",
            file=str(file),
        ) from None


def tls_of(hub: HubSettings) -> ssl.SSLContext | None:
    """Return what verifies the hub, for HTTP and MQTT alike; None in the clear, on loopback only.

    Raises:
        ConfigError: the hub is on another machine and is not spoken to by https; the authority's
            file cannot be used.
    """
    if not hub.http_url.startswith("https://"):
        brokers = [door.host for _, door in doors_of(hub)]
        hosts = (urlsplit(hub.http_url).hostname or "", *brokers)
        outside = [host for host in hosts if not is_loopback(host)]
        if outside:
            raise ConfigError(
                reason="a hub on another machine is spoken to by https, and verified; "
                "set hub.http_url and hub.ca_file",
                host=outside[0],
            )
        return None
    try:
        return ssl.create_default_context(cafile=str(hub.ca_file) if hub.ca_file else None)
    except (OSError, ssl.SSLError) as err:
        raise ConfigError(
            reason="the certificate authority cannot be used", file=str(hub.ca_file)
        ) from err
