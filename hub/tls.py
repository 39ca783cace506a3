"""TLS of the hub: where it is needed, and with which certificate. Law: off loopback, always."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from hub.access.authority import credentials_for
from hub.settings import HubSettings
from protocols.clock import Clock
from protocols.errors import ConfigError
from protocols.http.server import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files to present, and the authority (PEM text) by which vehicles verify them."""

    certificate: Path
    key: Path
    ca_pem: str | None  # None: a public authority's, given by the settings


def tls_of(settings: HubSettings, clock: Clock) -> Tls | None:
    """Return the hub's TLS, with its own authority where no certificate is given; None: not needed.

    Raises:
        ConfigError: TLS is off on an address that others can reach; a file is missing.
    """
    hosts = [settings.http.host] + ([] if settings.mqtt.url else [settings.mqtt.host])
    outside = [host for host in hosts if not is_loopback(host)]
    if settings.tls.mode == "off":
        if outside:
            raise ConfigError(
                reason=f"without TLS the hub listens on loopback only, not on {outside[0]}; "
                "set GOLDENHOUR_HUB_TLS__MODE=auto"
            )
        return None
    if settings.tls.mode == "auto" and not outside:
        return None
    given = settings.tls
    if given.certificate_file is not None or given.key_file is not None:
        return _given(given.certificate_file, given.key_file)
    return _own(settings, clock)


def _given(certificate: Path | None, key: Path | None) -> Tls:
    if certificate is None or key is None:
        raise ConfigError(reason="a certificate file and its key file go together")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as err:
        raise ConfigError(
            reason="the certificate or its key cannot be used",
            file=str(certificate),
            detail=str(err)[:120],
        ) from err
    return Tls(certificate=certificate, key=key, ca_pem=None)


def _own(settings: HubSettings, clock: Clock) -> Tls:
    hosts = (settings.http.host, settings.mqtt.host)
    names = settings.tls.names or tuple(
        dict.fromkeys(
            [
                *(host for host in hosts if host not in {"0.0.0.0", "::"}),  # noqa: S104 -- compared
                socket.gethostname(),
                "localhost",
                "127.0.0.1",
            ]
        )
    )
    made = credentials_for(settings.data_dir / "tls", names, now_utc_us=clock.utc_us())
    return Tls(certificate=made.certificate, key=made.key, ca_pem=made.ca.read_text())
