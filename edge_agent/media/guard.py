"""Between a camera that must not show faces and its encoder. Law: never a face, sooner nothing.

The model may be missing: then nothing passes, and it is looked for again every few seconds.
"""

import logging
import threading
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame

from edge_agent.media.facemodel import FaceModelError
from edge_agent.media.faces import FaceBlur
from protocols.errors import MediaError
from protocols.ids import CameraId

log = logging.getLogger(__name__)

LOOK_S: Final = 5.0


class FaceGuard:
    """Of one camera. `load` and the passing of pictures are for threads."""

    def __init__(self, camera: CameraId, folder: Path, *, width_px: int, every: int) -> None:
        self.is_missing = False  # it was looked for in vain
        self._camera = camera
        self._folder, self._width_px, self._every = folder, width_px, every
        self._live: FaceBlur | None = None
        self._still: FaceBlur | None = None
        self._still_lock = threading.Lock()

    @property
    def is_ready(self) -> bool:
        """Pictures may pass."""
        return self._live is not None and self._still is not None

    def load(self) -> None:
        """Load the model, if it is not loaded; what is missing is told once."""
        if self.is_ready:
            return
        try:
            still = FaceBlur(self._folder, width_px=self._width_px, every=1)
            live = FaceBlur(self._folder, width_px=self._width_px, every=self._every)
        except FaceModelError as err:
            if not self.is_missing:
                reason = str(err.facts.get("reason"))
                log.warning("faces.no_model", extra={"camera": self._camera, "reason": reason})
            self.is_missing = True
            return
        self._still, self._live, self.is_missing = still, live, False
        log.info("faces.model_loaded", extra={"camera": self._camera})

    def live(self, frame: VideoFrame, now_s: float) -> VideoFrame | None:
        """Return `frame` with its faces hidden; None where that cannot be done."""
        return self._through(self._live, frame, now_s)

    def still(self, frame: VideoFrame, now_s: float) -> VideoFrame | None:
        """Return `frame` with its faces hidden, looked for in this very one; None: it cannot."""
        with self._still_lock:
            return self._through(self._still, frame, now_s)

    def _through(self, blur: FaceBlur | None, frame: VideoFrame, now_s: float) -> VideoFrame | None:
        if blur is None:
            return None
        try:
            return blur.blurred(frame, now_s)
        except MediaError as err:
            log.warning(
                "faces.failed",
                extra={"camera": self._camera, "reason": str(err.facts.get("reason"))},
            )
            self._live = self._still = None  # loaded anew, or told as missing
            return None
