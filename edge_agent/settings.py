"""Settings of the agent: environment variables `GOLDENHOUR_EDGE_…`, sections joined by `__`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from edge_agent.journal import JournalSettings
from edge_agent.media.settings import MediaSettings
from edge_agent.recording.settings import RecordingSettings
from edge_agent.tablet import TabletSettings
from edge_agent.triage.settings import AlarmSettings
from edge_agent.uplink import HubSettings
from protocols.ids import TopicSafe


class GnssSettings(BaseModel):
    """The GNSS receiver."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = Field(
        default=None,
        description="tcp://host:port, udp://host:port (listens), serial:///dev/ttyUSB0?baud=9600,"
        " gpsd://host:port; unset: no receiver",
    )
    max_rate_hz: Annotated[float, Field(gt=0, le=20)] = Field(
        default=1.0, description="most positions recorded a second, Hz"
    )


class MonitorSettings(BaseModel):
    """The patient monitor, which reports by HL7 v2 over MLLP."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str | None = Field(
        default=None,
        pattern=r"^[^\s:]+:[0-9]{1,5}$",
        description="host:port on which the monitor's reports are awaited; unset: no monitor",
    )


class EdgeSettings(BaseSettings):
    """Everything that can be set about the agent of one vehicle."""

    model_config = SettingsConfigDict(
        env_prefix="GOLDENHOUR_EDGE_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    unit_id: TopicSafe = Field(default="A-001", description="the unit's id, as it was enrolled")
    call_sign: Annotated[str, Field(min_length=1, max_length=40)] = Field(
        default="A-001", description="what people call the unit"
    )
    profile: Literal["ambulance", "patrol"] = Field(
        default="ambulance", description="what kind of unit it is"
    )
    data_dir: Path = Field(
        default=Path("var/agent"), description="folder of the journal and the tablet's PIN"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="least level of the log lines on standard error"
    )
    hub: HubSettings = HubSettings()
    journal: JournalSettings = JournalSettings()
    tablet: TabletSettings = TabletSettings()
    gnss: GnssSettings = GnssSettings()
    monitor: MonitorSettings = MonitorSettings()
    alarms: AlarmSettings = AlarmSettings()
    cameras: dict[TopicSafe, str] = Field(
        default_factory=dict,
        max_length=8,
        description="JSON object, camera's name to its source: rtsp://…, /dev/video0, a file",
    )
    media: MediaSettings = MediaSettings()
    recording: RecordingSettings = RecordingSettings()
