"""A camera: H.264 over RTSP from a made scene, a file or a device. Needs the extra `video`."""

from firmware_sim.camera.frames import FileScene, FrameSource, SyntheticScene, open_frames
from firmware_sim.camera.server import CameraFaultRequest, RtspCamera
from firmware_sim.camera.timecode import draw_timecode, read_timecode

__all__ = [
    "CameraFaultRequest", "FileScene", "FrameSource", "RtspCamera", "SyntheticScene",
    "draw_timecode", "open_frames", "read_timecode",
]  # fmt: skip
