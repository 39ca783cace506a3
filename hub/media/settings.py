"""Settings of the hub's media: where it listens, what it advertises, how much it carries."""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hub.media.ports import PortRange
from protocols.errors import ConfigError


class MediaSettings(BaseModel):
    """Audio and video through the hub. Nothing outside is contacted unless STUN or TURN is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[
        str,
        Field(description="IP address that media (UDP) is bound to; 0.0.0.0 means every address"),
    ] = "127.0.0.1"
    udp_ports: Annotated[
        str,
        Field(
            description=(
                "UDP ports that media may use, as FIRST-LAST; one port a session. "
                "0 lets the system choose"
            )
        ),
    ] = "41000-41063"
    advertise: Annotated[
        tuple[str, ...],
        Field(
            max_length=8,
            description=(
                "IP addresses that clients who reached the hub by a name are told to send media "
                "to; who used an IP address is told that one. Empty: the hub's own"
            ),
        ),
    ] = ()
    max_sessions: Annotated[
        int, Field(ge=1, le=4096, description="most publishers and viewers together, sessions")
    ] = 64
    connect_timeout_s: Annotated[
        float,
        Field(ge=1, le=30, description="a peer that has not connected after this is dropped, s"),
    ] = 10.0
    silence_timeout_s: Annotated[
        float, Field(ge=6, le=28, description="a peer not heard for this long is dropped, s")
    ] = 15.0
    token_ttl_s: Annotated[
        int, Field(ge=10, le=3600, description="how long a media token opens a session, s")
    ] = 120
    stun_url: Annotated[
        str | None, Field(pattern=r"^stuns?:", description="STUN server, e.g. stun:host:3478")
    ] = None
    turn_url: Annotated[
        str | None, Field(pattern=r"^turns?:", description="TURN server, e.g. turn:host:3478")
    ] = None
    turn_username: Annotated[str | None, Field(description="user name at the TURN server")] = None
    turn_credential_file: Annotated[
        Path | None, Field(description="file that holds the password of the TURN server")
    ] = None

    @field_validator("host")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return str(ipaddress.ip_address(value))

    @field_validator("advertise")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ipaddress.ip_address(address)) for address in value)

    @field_validator("udp_ports")
    @classmethod
    def _is_range(cls, value: str) -> str:
        PortRange.parse(value)
        return value

    def ice_servers(self) -> tuple["IceServer", ...]:
        """Return the configured STUN and TURN servers; the TURN password is read from its file.

        Raises:
            ConfigError: the password file cannot be read.
        """
        servers = []
        if self.stun_url:
            servers.append(IceServer(url=self.stun_url))
        if self.turn_url:
            credential = None
            if self.turn_credential_file:
                try:
                    credential = self.turn_credential_file.read_text().strip()
                except OSError as err:
                    raise ConfigError(
                        reason="cannot read the TURN password file",
                        file=str(self.turn_credential_file),
                    ) from err
            servers.append(
                IceServer(url=self.turn_url, username=self.turn_username, credential=credential)
            )
        return tuple(servers)


class IceServer(BaseModel):
    """One STUN or TURN server, as a client needs to know it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    username: str | None = None
    credential: str | None = None
