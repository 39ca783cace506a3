"""Recordings: segments that vehicles upload, kept as files, shown to who may see the patient."""

from hub.recordings.recordings import Recordings
from hub.recordings.routes import recordings_router

__all__ = ["Recordings", "recordings_router"]
