"""The peers' codecs are lossless where they say so, and gain what compression gains."""

import numpy as np

from goldenhour.bench.codecs import flac_bytes, zstd_bytes


def test_each_peer_is_smaller_than_samples_as_they_are() -> None:
    rng = np.random.default_rng(1)
    beat = np.sin(np.arange(5_000) / 40) * 300
    samples = np.stack([(beat * gain + rng.normal(0, 2, 5_000)) for gain in (1, -1, 0.5, 2)] * 2)
    leads = samples.astype(np.int32)
    raw = leads.size * 2
    assert 0 < flac_bytes(leads, block=500) < raw
    assert 0 < zstd_bytes(leads, block=500) < raw
