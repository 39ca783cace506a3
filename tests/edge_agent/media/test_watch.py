"""The watch on the picture: what each fault looks like, and how long it must last."""

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame

from edge_agent.media.watch import (
    EVERY_S,
    Measured,
    PictureWatch,
    Watch,
    measure,
    signs_of,
    small_grey,
)
from firmware_sim.camera.frames import SyntheticScene
from protocols.video import CameraFault

GOOD = Measured(brightness=100, contrast=40, sharpness=0.1, change=2.0)
DARK = Measured(brightness=5, contrast=2, sharpness=0.5, change=1.0)
STILL = Measured(brightness=100, contrast=40, sharpness=0.1, change=0.0)


def scene(pictures: int) -> list[VideoFrame]:
    source = SyntheticScene(name="watch")
    return [VideoFrame.from_ndarray(source.read(), format="yuv420p") for _ in range(pictures)]


def changed(frame: VideoFrame, how: str, seed: int = 1) -> VideoFrame:
    image = frame.to_ndarray(format="bgr24")
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 4, image.shape, dtype=np.uint8)
    made = {
        "as it is": image,
        "covered": np.full_like(image, 90) + 3 * noise,
        "dark": image // 20 + noise,
        "blurred": cv2.GaussianBlur(image, (0, 0), 12),
    }[how]
    return VideoFrame.from_ndarray(np.asarray(made, np.uint8), format="bgr24")


@pytest.mark.parametrize(
    ("how", "signs"),
    [
        ("as it is", set()),
        ("covered", {CameraFault.COVERED}),
        ("dark", {CameraFault.DARK}),
        ("blurred", {CameraFault.BLURRED}),
    ],
)
def test_each_fault_has_its_sign(how: str, signs: set[CameraFault]) -> None:
    first, second = (small_grey(changed(one, how, n)) for n, one in enumerate(scene(2)))
    assert signs_of(measure(second, first)) == signs


def test_a_picture_that_does_not_change_at_all_is_frozen() -> None:
    (frame,) = scene(1)
    grey = small_grey(frame)
    assert CameraFault.FROZEN in signs_of(measure(grey, grey))
    assert measure(grey, None).change is None
    assert measure(grey, grey[:10]).change is None


def test_a_fault_is_raised_once_it_lasts_and_cleared_once_it_is_gone_for_a_while() -> None:
    watch = Watch()
    course = [GOOD] * 4 + [DARK] * 10 + [GOOD] * 10
    told = [watch.look(seen, at * EVERY_S) for at, seen in enumerate(course)]
    raised = [at * EVERY_S for at, faults in enumerate(told) if faults]
    assert raised[0] == 4 * EVERY_S + 3.0
    assert raised[-1] == 14 * EVERY_S + 2.0 - EVERY_S
    assert told[-1] == frozenset()


def test_a_hand_that_passes_is_no_fault() -> None:
    watch = Watch()
    for at in range(100):
        seen = DARK if at % 8 < 5 else GOOD
        assert watch.look(seen, at * EVERY_S) == frozenset()


def test_a_fault_that_flickers_stays_raised() -> None:
    watch = Watch()
    for at in range(10):
        watch.look(DARK, at * EVERY_S)
    for at in range(10, 60):
        assert CameraFault.DARK in watch.look(GOOD if at % 3 else DARK, at * EVERY_S)


def test_a_still_scene_is_given_ten_seconds() -> None:
    watch = Watch()
    told = {at: watch.look(STILL, float(at)) for at in range(12)}
    assert told[9] == frozenset()
    assert told[10] == {CameraFault.FROZEN}


def test_a_good_camera_is_never_at_fault() -> None:
    watch = PictureWatch()
    for at, frame in enumerate(scene(60)):
        assert not watch.look(frame, at * EVERY_S)
    assert watch.faults == frozenset()


def test_pictures_between_two_looks_are_not_looked_at() -> None:
    watch, (frame,) = PictureWatch(), scene(1)
    black = changed(frame, "dark")
    for at in range(200):
        if watch.look(black, at * 0.1):
            assert at * 0.1 >= 3.0
            break
    assert watch.faults == {CameraFault.DARK}
