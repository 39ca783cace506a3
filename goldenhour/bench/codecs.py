"""What a user would otherwise pick to make an ECG short: FLAC and Zstandard, a second at a time."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import zstandard

from protocols.errors import ConfigError

Samples = npt.NDArray[np.int32]

INDEPENDENT: Final = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The other four limb leads are sums of these; FLAC has no more than eight channels."""

_FLAC: Final = {  # the best that FFmpeg's encoder has
    "compression_level": "12",
    "exact_rice_parameters": "1",
    "lpc_type": "cholesky",
    "lpc_passes": "8",
}
_LAYOUTS: Final = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
_ZSTD_LEVEL: Final = 19


def flac_bytes(leads: Samples, *, block: int) -> int:
    """Return how long FLAC makes at most eight `leads` (leads × samples), `block` samples a frame.

    Raises:
        ConfigError: PyAV is not installed.
    """
    try:
        import av  # noqa: PLC0415 -- extra `video`
    except ImportError as err:
        raise ConfigError(reason="PyAV is not installed; install goldenhour[video]") from err
    layout = _LAYOUTS[len(leads) - 1]
    codec = av.CodecContext.create("flac", "w")
    codec.sample_rate = 48_000  # names no more than the time base
    codec.layout = layout
    codec.format = "s16"
    codec.options = {**_FLAC, "frame_size": str(block)}
    codec.open()
    total = 0
    for begin in range(0, leads.shape[1] - block + 1, block):
        part = np.ascontiguousarray(leads[:, begin : begin + block].T.astype(np.int16))
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = 48_000
        total += sum(len(bytes(packet)) for packet in codec.encode(frame))
    return total + sum(len(bytes(packet)) for packet in codec.encode(None))


def zstd_bytes(leads: Samples, *, block: int) -> int:
    """Return how long `zstd -19` makes the differences of `leads`, in blocks of `block` samples."""
    packer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    total = 0
    for begin in range(0, leads.shape[1] - block + 1, block):
        part = leads[:, begin : begin + block]
        steps = np.diff(part, axis=1, prepend=np.zeros((part.shape[0], 1), np.int32))
        total += len(packer.compress(steps.astype("<i2").tobytes()))
    return total


def rows_of(leads: dict[str, Sequence[int]]) -> Samples:
    """Return the eight independent leads as one array, as long as the shortest of them."""
    count = min(len(leads[name]) for name in INDEPENDENT)
    return np.array([list(leads[name])[:count] for name in INDEPENDENT], np.int32)
