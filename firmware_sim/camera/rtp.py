"""H.264 in RTP packets, and the sender's reports beside them. Pure.

Source: RFC 3550 (RTP, RTCP SR), RFC 6184 (H.264, packetization-mode 1: single NAL units and FU-A).
"""

import struct
from dataclasses import dataclass
from typing import Final

from firmware_sim.camera.encoder import AccessUnit

PAYLOAD_TYPE: Final = 96
MAX_PAYLOAD_BYTES: Final = 1200
"""Small enough to be forwarded over WebRTC with all its headers."""

_FU_A: Final = 28
_NTP_EPOCH_S: Final = 2_208_988_800


@dataclass(slots=True)
class RtpStream:
    """The running numbers of one RTP stream."""

    ssrc: int
    sequence: int
    packets: int = 0
    octets: int = 0

    def packetise(self, unit: AccessUnit, timestamp: int) -> list[bytes]:
        """Return the RTP packets of one picture; the last one carries the marker."""
        payloads = [part for nal in unit.nals for part in fragment(nal)]
        return [
            self._packet(payload, timestamp, is_last=index == len(payloads) - 1)
            for index, payload in enumerate(payloads)
        ]

    def sender_report(self, *, utc_us: int, timestamp: int) -> bytes:
        """Return an RTCP SR and SDES that tie `timestamp` to `utc_us`."""
        seconds, micros = divmod(utc_us, 1_000_000)
        report = struct.pack(
            ">BBHIIIIII", 0x80, 200, 6, self.ssrc, seconds + _NTP_EPOCH_S & 0xFFFFFFFF,
            (micros << 32) // 1_000_000, timestamp & 0xFFFFFFFF,
            self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF,
        )  # fmt: skip
        name = b"camera"
        item = struct.pack(">IBB", self.ssrc, 1, len(name)) + name
        item += b"\x00" * (4 - len(item) % 4)
        return report + struct.pack(">BBH", 0x81, 202, len(item) // 4) + item

    def _packet(self, payload: bytes, timestamp: int, *, is_last: bool) -> bytes:
        header = struct.pack(
            ">BBHII", 0x80, PAYLOAD_TYPE | (0x80 if is_last else 0), self.sequence & 0xFFFF,
            timestamp & 0xFFFFFFFF, self.ssrc,
        )  # fmt: skip
        self.sequence += 1
        self.packets += 1
        self.octets += len(payload)
        return header + payload


def fragment(nal: bytes) -> list[bytes]:
    """Return `nal` as payloads of at most 1200 bytes: itself, or FU-A fragments."""
    if len(nal) <= MAX_PAYLOAD_BYTES:
        return [nal]
    indicator = bytes([nal[0] & 0xE0 | _FU_A])
    kind, body, size = nal[0] & 0x1F, nal[1:], MAX_PAYLOAD_BYTES - 2
    parts = [body[first : first + size] for first in range(0, len(body), size)]
    last = len(parts) - 1
    return [
        indicator
        + bytes([kind | (0x80 if index == 0 else 0) | (0x40 if index == last else 0)])
        + part
        for index, part in enumerate(parts)
    ]
