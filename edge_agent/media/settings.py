"""Settings of the vehicle's cameras: how their picture is encoded and published."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from protocols.ids import TopicSafe


class MediaSettings(BaseModel):
    """Video from the vehicle. Every camera is encoded alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bitrate_bps: Annotated[
        int,
        Field(
            ge=64_000,
            le=8_000_000,
            description="most that one camera's video may use, bit/s; on a thin link it uses less",
        ),
    ] = 2_500_000
    max_fps: Annotated[
        float, Field(gt=0, le=60, description="most pictures a second; a camera may give fewer")
    ] = 30.0
    width: Annotated[
        int | None,
        Field(ge=16, le=1920, description="picture width, pixels; unset: as the camera gives it"),
    ] = None
    height: Annotated[
        int | None,
        Field(ge=16, le=1920, description="picture height, pixels; unset: as the camera gives it"),
    ] = None
    keyframe_interval_s: Annotated[
        float,
        Field(ge=1, le=300, description="a key frame at least this often, though nobody asks, s"),
    ] = 10.0
    preset: Annotated[
        str,
        Field(
            pattern="^(ultrafast|superfast|veryfast|faster|fast|medium)$",
            description="x264's trade of computing time for picture quality",
        ),
    ] = "superfast"
    blur_faces: Annotated[
        bool,
        Field(
            description="hide faces before a picture is encoded, in every camera but the exempt;"
            " without the face model (`goldenhour agent faces`) these cameras send nothing"
        ),
    ] = False
    blur_exempt: Annotated[
        tuple[TopicSafe, ...],
        Field(max_length=8, description="JSON array of cameras whose faces are not hidden"),
    ] = ("patient",)
    face_model_dir: Annotated[
        Path, Field(description="folder of the face model that `goldenhour agent faces` fetched")
    ] = Path("var/models")
    face_every: Annotated[
        int,
        Field(ge=1, le=30, description="faces are looked for in every n-th picture, and followed"),
    ] = 5
    face_width_px: Annotated[
        int,
        Field(
            ge=128,
            le=1920,
            description="pictures are made this wide to look for faces, pixels;"
            " a face of 10 is found",
        ),
    ] = 384
    read_timeout_s: Annotated[
        float, Field(ge=0.5, le=60, description="a camera silent for this long is opened anew, s")
    ] = 5.0
    stall_timeout_s: Annotated[
        float,
        Field(ge=2, le=60, description="a hub silent for this long is published to anew, s"),
    ] = 6.0
    retry_base_s: Annotated[
        float, Field(gt=0, le=60, description="first wait before publishing again, s")
    ] = 0.5
    retry_cap_s: Annotated[
        float, Field(gt=0, le=60, description="longest wait before publishing again, s")
    ] = 4.0
