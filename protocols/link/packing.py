"""Records packed for the wire: Zstandard (RFC 8878) with a dictionary that both sides hold.

What a unit says each second is nearly what it said the second before, so a dictionary of typical
bodies leaves little to send: a vitals record of 370 bytes becomes 40. The dictionary is part of the
wire format and never changes; `tests/contract/train_dictionary.py` tells how it was made.
"""

import threading
from importlib.resources import files
from typing import Final

import zstandard

from protocols.errors import RemoteProtocolError
from protocols.link.wire import MAX_MESSAGE_BYTES

_LEVEL: Final = 3
_DICTIONARY: Final = (files("protocols.link") / "records-1.zdict").read_bytes()


class _Contexts(threading.local):
    """A compressor and a decompressor for each thread: they are not to be shared."""

    def __init__(self) -> None:
        dictionary = zstandard.ZstdCompressionDict(_DICTIONARY)
        self.compressor = zstandard.ZstdCompressor(
            dict_data=dictionary, level=_LEVEL, write_dict_id=False
        )
        self.decompressor = zstandard.ZstdDecompressor(
            dict_data=dictionary, max_window_size=MAX_MESSAGE_BYTES
        )


_contexts = _Contexts()


def pack(raw: bytes) -> bytes:
    """Return `raw` packed."""
    return _contexts.compressor.compress(raw)


def unpack(packed: bytes) -> bytes:
    """Return what was packed, at most 256 KiB.

    Raises:
        RemoteProtocolError: reason `bad-packing`: damaged, or larger than a message may be.
    """
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 < size <= MAX_MESSAGE_BYTES:
            raise RemoteProtocolError(reason="bad-packing", unpacked_bytes=size)
        return _contexts.decompressor.decompress(packed)
    except zstandard.ZstdError as err:
        raise RemoteProtocolError(reason="bad-packing", detail=str(err)[:120]) from err
