"""What the forwarder must know of H.264 in RTP: key frames, picture size, payloads that fit. Pure.

Source: RFC 6184 (payload format), ITU-T H.264 §7.3.2.1.1 (sequence parameter set).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

NAL_IDR: Final = 5
NAL_SPS: Final = 7
_STAP_A: Final = 24
_FU_A: Final = 28
_TYPE_MASK: Final = 0x1F
_HEADER_MASK: Final = 0xE0  # forbidden bit and importance
_FU_START: Final = 0x80
_FU_END: Final = 0x40
_HIGH_PROFILES: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128})
_CHROMA_444: Final = 3


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Pixels of the cropped picture."""

    width_px: int
    height_px: int


def nal_units(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (type, bytes) of each NAL unit that begins in `payload`.

    Of a fragmented unit only the first fragment begins one; its bytes are incomplete.
    """
    if not payload:
        return
    kind = payload[0] & _TYPE_MASK
    if kind == _STAP_A:
        yield from ((nal[0] & _TYPE_MASK, nal) for nal in _aggregated(payload))
    elif kind == _FU_A:
        if len(payload) > 1 and payload[1] & _FU_START:
            header = bytes([payload[0] & _HEADER_MASK | payload[1] & _TYPE_MASK])
            yield payload[1] & _TYPE_MASK, header + payload[2:]
    else:
        yield kind, payload


def is_key_frame(payloads: Sequence[bytes]) -> bool:
    """Say whether a decoder can begin here: an IDR picture with its parameter set before it."""
    kinds = {kind for payload in payloads for kind, _ in nal_units(payload)}
    return NAL_IDR in kinds and NAL_SPS in kinds


def begins_mid_unit(payload: bytes) -> bool:
    """Say whether `payload` continues a fragmented unit, so that what came before is missing."""
    return len(payload) > 1 and payload[0] & _TYPE_MASK == _FU_A and not payload[1] & _FU_START


def picture_size(payloads: Sequence[bytes]) -> PictureSize | None:
    """Return the size that the first sequence parameter set in `payloads` gives, if any."""
    for payload in payloads:
        for kind, nal in nal_units(payload):
            if kind == NAL_SPS:
                try:
                    return _read_sps(nal)
                except IndexError:
                    return None
    return None


def fit(payloads: Sequence[bytes], limit_bytes: int) -> list[bytes]:
    """Return the same NAL units in payloads of at most `limit_bytes`, in the same order.

    Payloads that fit are passed on untouched.
    """
    if all(len(payload) <= limit_bytes for payload in payloads):
        return list(payloads)
    fitting: list[bytes] = []
    for payload in payloads:
        if len(payload) <= limit_bytes:
            fitting.append(payload)
        elif payload[0] & _TYPE_MASK == _STAP_A:
            fitting.extend(fit(_aggregated(payload), limit_bytes))
        else:
            fitting.extend(_fragments(payload, limit_bytes))
    return fitting


def _aggregated(payload: bytes) -> list[bytes]:
    units, at = [], 1
    while at + 2 <= len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        unit = payload[at + 2 : at + 2 + size]
        if unit:
            units.append(unit)
        at += 2 + size
    return units


def _fragments(payload: bytes, limit_bytes: int) -> Iterator[bytes]:
    """Yield FU-A fragments of one unit, or of one fragment that is too large itself."""
    header = payload[0] & _HEADER_MASK
    if payload[0] & _TYPE_MASK == _FU_A:
        kind, body = payload[1] & _TYPE_MASK, payload[2:]
        starts, ends = payload[1] & _FU_START, payload[1] & _FU_END
    else:
        kind, body = payload[0] & _TYPE_MASK, payload[1:]
        starts, ends = _FU_START, _FU_END
    room = limit_bytes - 2
    for at in range(0, len(body), room):
        first = starts if at == 0 else 0
        last = ends if at + room >= len(body) else 0
        yield bytes([header | _FU_A, first | last | kind]) + body[at : at + room]


class _Bits:
    """Exp-Golomb reader over a NAL unit without its emulation prevention bytes.

    Raises:
        IndexError: read past the end.
    """

    def __init__(self, nal: bytes) -> None:
        self._bytes = nal[1:].replace(b"\x00\x00\x03", b"\x00\x00")
        self._at = 0

    def bits(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self._bytes[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def unsigned(self) -> int:
        zeros = 0
        while not self.bits(1):
            zeros += 1
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        value = self.unsigned()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _read_sps(nal: bytes) -> PictureSize:
    read = _Bits(nal)
    profile = read.bits(8)
    read.bits(16)  # constraint flags, level
    read.unsigned()  # seq_parameter_set_id
    chroma = 1
    if profile in _HIGH_PROFILES:
        chroma = _read_high_profile(read)
    read.unsigned()  # log2_max_frame_num_minus4
    order_type = read.unsigned()
    if order_type == 0:
        read.unsigned()
    elif order_type == 1:
        read.bits(1)
        read.signed()
        read.signed()
        for _ in range(read.unsigned()):
            read.signed()
    read.unsigned()  # max_num_ref_frames
    read.bits(1)  # gaps_in_frame_num_value_allowed_flag
    width_mbs = read.unsigned() + 1
    height_units = read.unsigned() + 1
    frames_only = read.bits(1)
    if not frames_only:
        read.bits(1)
    read.bits(1)  # direct_8x8_inference_flag
    left = right = top = bottom = 0
    if read.bits(1):
        left, right, top, bottom = (read.unsigned() for _ in range(4))
    step_x = 2 if chroma in (1, 2) else 1
    step_y = (2 if chroma == 1 else 1) * (2 - frames_only)
    return PictureSize(
        width_px=width_mbs * 16 - (left + right) * step_x,
        height_px=height_units * 16 * (2 - frames_only) - (top + bottom) * step_y,
    )


def _read_high_profile(read: _Bits) -> int:
    chroma = read.unsigned()
    if chroma == _CHROMA_444:
        read.bits(1)
    read.unsigned()  # bit depths
    read.unsigned()
    read.bits(1)
    if read.bits(1):  # scaling matrices
        for index in range(8 if chroma != _CHROMA_444 else 12):
            if read.bits(1):
                _skip_scaling_list(read, 16 if index < 6 else 64)  # noqa: PLR2004
    return chroma


def _skip_scaling_list(read: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + read.signed()) & 0xFF
        last = following or last
