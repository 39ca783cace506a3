"""Pictures as a camera's encoder gives them, for tests of what is recorded."""

from itertools import pairwise

import numpy as np
from av.video.frame import VideoFrame

from edge_agent.media.encoder import EncodedPicture, Encoder
from edge_agent.media.settings import MediaSettings
from edge_agent.recording.segment import Kept


def encoded(
    count: int, *, begun_s: float = 1000.0, fps: int = 15, keys: int = 15
) -> list[EncodedPicture]:
    """Return `count` pictures, each with another grey, a key frame every `keys`."""
    encoder = Encoder(MediaSettings(), width_px=160, height_px=96)
    found = []
    for number in range(count):
        grey = np.full((96, 160, 3), 20 + number * 7 % 200, np.uint8)
        frame = VideoFrame.from_ndarray(grey, format="rgb24")
        picture = encoder.encode(frame, begun_s + number / fps, force_key=number % keys == 0)
        assert picture is not None
        found.append(picture)
    assert all(b.captured_s > a.captured_s for a, b in pairwise(found))
    return found


def kept(pictures: list[EncodedPicture]) -> list[Kept]:
    return [Kept(bytes(one.packet), one.is_key, one.captured_s, one.size) for one in pictures]
