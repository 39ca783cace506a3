"""Settings of the crew's tablet."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class TabletSettings(BaseModel):
    """Where the tablet reaches the agent, and the PIN that opens it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        default="127.0.0.1", description="address that the tablet's pages are served on"
    )
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=8090, description="their port; 0 lets the system choose"
    )
    pin_file: Path | None = Field(
        default=None,
        description="file with the PIN (4 to 12 digits); unset: made at first start in data_dir",
    )
    certificate_file: Path | None = Field(
        default=None, description="certificate (PEM) of the pages; needed off loopback"
    )
    key_file: Path | None = Field(default=None, description="its private key (PEM)")
    session_hours: Annotated[float, Field(gt=0, le=48)] = Field(
        default=14, description="a crew member is signed out after this long, hours"
    )
