"""Pictures as browsers make them, for tests: real JPEG, from a real encoder."""

import cv2
import numpy as np


def drawn(width_px: int = 320, height_px: int = 180, *, quality: int = 60, noise: int = 0) -> bytes:
    """Return a JPEG with a slanting line; `noise` makes it as large as wanted."""
    rng = np.random.default_rng(1)
    picture = rng.integers(0, noise + 1, (height_px, width_px, 3)).astype(np.uint8)
    cv2.line(picture, (0, 0), (width_px - 1, height_px - 1), (0, 255, 255), 3)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return bytes(data)


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """Return `jpeg` with a segment more behind its first two bytes."""
    return jpeg[:2] + bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]
