"""Settings of what the vehicle records of its cameras, and how that reaches the hub."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class RecordingSettings(BaseModel):
    """Video kept on the vehicle, in a ring of short segments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="record the cameras on the vehicle")
    segment_s: Annotated[
        float, Field(ge=2, le=60, description="length of a segment; a power cut takes one, s")
    ] = 6.0
    max_bytes: Annotated[
        int, Field(ge=2**24, le=2**43, description="most bytes of all segments together")
    ] = 8 * 2**30
    max_age_hours: Annotated[
        float, Field(gt=0, le=24 * 365, description="older segments go, hours")
    ] = 72.0
    min_free_bytes: Annotated[
        int, Field(ge=0, le=2**40, description="what segments leave free on the disk, bytes")
    ] = 2**30
    upload: Annotated[
        Literal["all", "missed", "none"],
        Field(
            description="what of an encounter is sent to the hub: all of it, what was not seen"
            " live, nothing"
        ),
    ] = "all"
    upload_bps: Annotated[
        int, Field(ge=16_000, le=1_000_000_000, description="most that uploading takes, bit/s")
    ] = 2_000_000
