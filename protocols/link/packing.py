"""Records packed for the wire: Zstandard (RFC 8878) with a dictionary that both sides hold.

What a unit says each second is nearly what it said the second before, so a dictionary of typical
bodies leaves little to send: a vitals record of 370 bytes becomes 40. The dictionary is part of the
wire format and never changes; `tests/contract/train_dictionary.py` tells how it was made.
"""

from importlib.resources import files
from typing import Final

import zstandard

from protocols.errors import RemoteProtocolError
from protocols.link.wire import MAX_MESSAGE_BYTES

_LEVEL: Final = 3
_DICTIONARY: Final = zstandard.ZstdCompressionDict(
    (files("protocols.link") / "records-1.zdict").read_bytes()
)
_DICTIONARY.precompute_compress(level=_LEVEL)

_content_size: Final = zstandard.frame_content_size

# A context is not to be shared between threads, a dictionary is; a context each time costs 13 us.


def pack(raw: bytes) -> bytes:
    """Return `raw` packed."""
    packer = zstandard.ZstdCompressor(dict_data=_DICTIONARY, level=_LEVEL, write_dict_id=False)
    return packer.compress(raw)


class Packer:
    """Packs one after another with one context; not for two threads at once."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdCompressor(
            dict_data=_DICTIONARY, level=_LEVEL, write_dict_id=False
        )

    def pack(self, raw: bytes) -> bytes:
        """Do as the function `pack`."""
        return self._context.compress(raw)


def unpack(packed: bytes) -> bytes:
    """Return what was packed, at most 256 KiB.

    Raises:
        RemoteProtocolError: reason `bad-packing`: damaged, or larger than a message may be.
    """
    return Unpacker().unpack(packed)


class Unpacker:
    """Unpacks one after another with one context; not for two threads at once."""

    def __init__(self) -> None:
        self._decompress = zstandard.ZstdDecompressor(
            dict_data=_DICTIONARY, max_window_size=MAX_MESSAGE_BYTES
        ).decompress

    def unpack(self, packed: bytes) -> bytes:
        """Do as the function `unpack`."""
        try:
            size = _content_size(packed)
            if not 0 < size <= MAX_MESSAGE_BYTES:
                raise RemoteProtocolError(reason="bad-packing", unpacked_bytes=size)
            return self._decompress(packed)
        except zstandard.ZstdError as err:
            raise RemoteProtocolError(reason="bad-packing", detail=str(err)[:120]) from err
