"""What can be said of a camera: one value that the tablet and the link's health read."""

from dataclasses import dataclass
from enum import StrEnum

from protocols.ids import CameraId
from protocols.video import CameraFault, VideoReason, VideoStep


class CameraState(StrEnum):
    """Values go to screens: add, never rename."""

    CONNECTING = "connecting"  # the camera gives pictures, the hub is being asked
    PUBLISHING = "publishing"  # pictures reach the hub
    LOST = "lost"  # published before; the hub is not to be reached now
    CAMERA_FAULT = "camera_fault"  # the camera gives no picture
    SHUT = "shut"  # the crew has closed its shutter


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """One camera at one moment."""

    camera: CameraId
    state: CameraState
    since_s: float  # monotonic
    reason: str | None = None  # of a fault or a loss, short, not for the crew
    width_px: int | None = None
    height_px: int | None = None
    step: VideoStep = VideoStep.NONE  # how much of the picture travels
    given_up: VideoReason | None = VideoReason.NO_LINK  # why not all of it
    faults: tuple[CameraFault, ...] = ()
    blurs_faces: bool = False


def judge(
    *, gives_pictures: bool, is_published: bool, was_published: bool, is_shut: bool = False
) -> CameraState:
    """Return the state that these facts make."""
    if is_shut:
        return CameraState.SHUT
    if not gives_pictures:
        return CameraState.CAMERA_FAULT
    if is_published:
        return CameraState.PUBLISHING
    return CameraState.LOST if was_published else CameraState.CONNECTING
