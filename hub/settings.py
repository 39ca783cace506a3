"""Settings of the hub: environment variables `GOLDENHOUR_HUB_…`, sections joined by `__`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.media.settings import MediaSettings

Port = Annotated[int, Field(ge=0, le=65_535)]


class Section(BaseModel):
    """What every section has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSettings(Section):
    """Where browsers and vehicles reach the API."""

    host: str = Field(default="127.0.0.1", description="address that the API listens on")
    port: Port = Field(default=8080, description="port of the API; 0 lets the system choose")
    origins: tuple[str, ...] = Field(
        default=(),
        max_length=16,
        description="further origins (scheme://host:port) whose pages may use the API",
    )
    session_hours: Annotated[float, Field(gt=0, le=168)] = Field(
        default=12, description="a person is signed out after this long, hours"
    )


class MqttSettings(Section):
    """The broker: the built-in one, or any MQTT 3.1.1 broker by address."""

    host: str = Field(default="127.0.0.1", description="address that the broker listens on")
    port: Port = Field(default=1883, description="port of the broker; 0 lets the system choose")
    url: str | None = Field(
        default=None,
        pattern=r"^mqtts?://[^/@]+:[0-9]+$",
        description="mqtt(s)://host:port of an outside broker; none: the built-in one",
    )
    username: str = Field(default="hub", description="user name of the hub at an outside broker")
    password_file: Path | None = Field(
        default=None, description="file with the hub's password at an outside broker"
    )
    ca_file: Path | None = Field(
        default=None, description="certificate authority (PEM) of an outside broker"
    )


class PostgresSettings(Section):
    """The database: the built-in PostgreSQL, or any by address."""

    url: SecretStr | None = Field(
        default=None, description="postgresql://… of an outside database; none: the built-in one"
    )
    pool: Annotated[int, Field(ge=2, le=64)] = Field(
        default=8, description="most connections of one hub process"
    )


class IngestSettings(Section):
    """The processes that take records in."""

    workers: Annotated[int, Field(ge=1, le=16)] | None = Field(
        default=None, description="how many; each has its share of the units. None: one a core"
    )


class TlsSettings(Section):
    """TLS of the API and the broker."""

    mode: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="auto: TLS on every address but loopback; on: everywhere; off: loopback only",
    )
    names: tuple[str, ...] = Field(
        default=(),
        max_length=16,
        description="host names and addresses that the hub's certificate is made out to",
    )
    certificate_file: Path | None = Field(
        default=None, description="certificate chain (PEM) in place of the hub's own"
    )
    key_file: Path | None = Field(default=None, description="its private key (PEM)")


class HandoffSettings(Section):
    """Hospitals and how the record reaches them."""

    hospitals_file: Path | None = Field(
        default=None, description="JSON file that lists the hospitals; see docs/HOSPITALS.md"
    )


class ConsultSettings(Section):
    """Consultation: what doctors may order."""

    formulary_file: Path | None = Field(
        default=None,
        description="JSON file with the drugs that may be ordered; see docs/CONSULTATION.md",
    )
    ring_step_s: Annotated[float, Field(ge=5, le=600)] = Field(
        default=30, description="a step of a ring list rings so long before the next, seconds"
    )


class RecordingSettings(Section):
    """Video that vehicles recorded and sent."""

    keep_days: Annotated[float, Field(gt=0, le=36_500)] = Field(
        default=30, description="older recordings are let go, days"
    )
    min_free_bytes: Annotated[int, Field(ge=0, le=2**50)] = Field(
        default=2 * 2**30, description="what recordings leave free on the disk, bytes"
    )


class HubSettings(BaseSettings):
    """Everything that can be set about the hub."""

    model_config = SettingsConfigDict(
        env_prefix="GOLDENHOUR_HUB_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    data_dir: Path = Field(
        default=Path("var/hub"), description="folder of the hub's database, secrets and logs"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="least level of the log lines on standard error"
    )
    http: HttpSettings = HttpSettings()
    mqtt: MqttSettings = MqttSettings()
    postgres: PostgresSettings = PostgresSettings()
    ingest: IngestSettings = IngestSettings()
    tls: TlsSettings = TlsSettings()
    media: MediaSettings = MediaSettings()
    handoff: HandoffSettings = HandoffSettings()
    consult: ConsultSettings = ConsultSettings()
    recordings: RecordingSettings = RecordingSettings()
