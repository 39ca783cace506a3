"""Settings of the way to the hub, and the credential that goes with it."""

import json
import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from protocols.errors import ConfigError
from protocols.http.server import is_loopback
from protocols.ids import TopicSafe


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
    credential_file: Path = Field(
        default=Path("credential.json"),
        description="file that `goldenhour hub enrol` wrote: JSON with unit and password",
    )


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
        hosts = (urlsplit(hub.http_url).hostname or "", hub.mqtt_host)
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
