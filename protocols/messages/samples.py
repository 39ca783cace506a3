"""Samples as bytes: encode and decode the `data` of a waveform block, without loss.

New data is `interlead-3` (see `interlead3`). Read only, for records that were written before it:
`interlead-2` and `interlead` (see `interlead`), and `delta-deflate`: int32 first differences of
each channel (the first sample stands whole), written as four byte planes over all channels (low
byte of every difference, then the next, …), then zlib (RFC 1950). Differences wrap modulo 2**32.
"""

import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.messages import interlead, interlead3
from protocols.messages.waveform import WaveformBlock, WaveformEncoding

Samples = npt.NDArray[np.int32]
"""Shape (channels, samples)."""

ENCODING: Final = WaveformEncoding.INTERLEAD_3
"""What `encode_samples` writes."""

_BYTES_PER_SAMPLE: Final = 4
_INTERLEAD_FORMS: Final = {WaveformEncoding.INTERLEAD: 1, WaveformEncoding.INTERLEAD_2: 2}


def encode_samples(samples: Samples) -> bytes:
    """Return `samples`, shape (channels, n), n ≥ 1, as `interlead-3` data.

    Raises:
        LocalProtocolError: not a two-dimensional int32 array of 1 to 32 channels with a sample.
    """
    if samples.ndim != 2 or samples.dtype != np.int32 or samples.size == 0:  # noqa: PLR2004
        raise LocalProtocolError(reason="samples are not int32 of shape (channels, n)")
    if len(samples) > interlead3.MOST_CHANNELS:
        raise LocalProtocolError(reason="too many channels in one block", channels=len(samples))
    return interlead3.encode(samples)


def decode_samples(block: WaveformBlock) -> Samples:
    """Return the samples of `block`, shape (channels, sample_count).

    Raises:
        RemoteProtocolError: reason `bad-samples`: damaged, or not as many as declared.
    """
    if block.encoding is ENCODING or block.encoding in _INTERLEAD_FORMS:
        return _from_interlead(block)
    size = len(block.channels) * block.sample_count
    deflated = block.encoding is WaveformEncoding.DELTA_DEFLATE
    raw = _inflate(block.data, size * _BYTES_PER_SAMPLE) if deflated else block.data
    if len(raw) != size * _BYTES_PER_SAMPLE:
        raise RemoteProtocolError(reason="bad-samples", data_bytes=len(raw), samples=size)
    shape = (len(block.channels), block.sample_count)
    if not deflated:
        return np.frombuffer(raw, "<i4").reshape(shape).astype(np.int32)
    planes = np.frombuffer(raw, np.uint8).reshape(_BYTES_PER_SAMPLE, size)
    differences = np.ascontiguousarray(planes.T).view("<u4").reshape(shape)
    return np.cumsum(differences, axis=1, dtype=np.uint32).view(np.int32)


def _from_interlead(block: WaveformBlock) -> Samples:
    channels, count = len(block.channels), block.sample_count
    form = _INTERLEAD_FORMS.get(block.encoding)
    try:
        if form is None:
            return interlead3.decode(block.data, channels=channels, count=count)
        return interlead.decode(block.data, channels=channels, count=count, form=form)
    except ValueError as err:
        raise RemoteProtocolError(reason="bad-samples", detail=str(err)) from err


def _inflate(data: bytes, expected_bytes: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, expected_bytes + 1)
    except zlib.error as err:
        raise RemoteProtocolError(reason="bad-samples", detail=str(err)[:80]) from err
    if not inflater.eof:
        raise RemoteProtocolError(reason="bad-samples", detail="truncated or longer than declared")
    return raw
