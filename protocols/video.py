"""What is left of a camera's picture, and why: the words that vehicle, hub and screens share."""

from enum import StrEnum
from typing import Final


class VideoStep(StrEnum):
    """How much of a camera's picture travels, the most first. Wire strings: add, never rename."""

    FULL_HD = "1080p"
    HD = "720p"
    MIDDLE = "360p"
    SMALL = "180p"  # at few frames
    STILLS = "stills"  # JPEG by the link's own stream `still`
    NONE = "none"


class VideoReason(StrEnum):
    """Why a camera gives less than it could. Wire strings: add, never rename."""

    RATE = "rate"  # the link leaves too little beside the readings
    NO_LINK = "no-link"  # nothing is answered
    SHUTTER = "shutter"  # the crew closed it
    FAULT = "fault"  # the camera gives no picture
    PRIVACY = "privacy"  # faces must be blurred, and cannot be


class CameraFault(StrEnum):
    """What is wrong with a camera or its picture. Wire strings: add, never rename."""

    NO_PICTURE = "no-picture"
    COVERED = "covered"
    DARK = "dark"
    BLURRED = "blurred"
    FROZEN = "frozen"
    NO_FACE_MODEL = "no-face-model"  # faces must be blurred, and cannot be


LADDER: Final = tuple(VideoStep)
"""From the most to nothing."""

HEIGHT_PX: Final = {
    VideoStep.FULL_HD: 1080,
    VideoStep.HD: 720,
    VideoStep.MIDDLE: 360,
    VideoStep.SMALL: 180,
}
"""The steps that move, and the most lines of each."""
