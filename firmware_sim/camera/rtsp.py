"""RTSP 1.0 requests and answers, and the table of what is legal when. Pure.

Source: RFC 2326. TCP interleaved only (§10.12): a transport that asks for UDP is answered with
461, upon which clients (FFmpeg, VLC, OpenCV) ask for TCP.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_HEAD_BYTES: Final = 16 * 1024
METHODS: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
_REASONS: Final = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    454: "Session Not Found", 455: "Method Not Valid in This State",
    461: "Unsupported Transport", 505: "RTSP Version Not Supported",
}  # fmt: skip
_CHANNELS: Final = re.compile(r"interleaved=(\d{1,3})-(\d{1,3})")


class Phase(StrEnum):
    """Where a connection stands."""

    INIT = "init"
    READY = "ready"
    PLAYING = "playing"


MOVES: Final[Mapping[Phase, Mapping[str, Phase]]] = {
    Phase.INIT: {"SETUP": Phase.READY},
    Phase.READY: {"SETUP": Phase.READY, "PLAY": Phase.PLAYING, "TEARDOWN": Phase.INIT,
                  "PAUSE": Phase.READY},
    Phase.PLAYING: {"PLAY": Phase.PLAYING, "PAUSE": Phase.READY, "TEARDOWN": Phase.INIT},
}  # fmt: skip
"""Every legal move; a missing key is 455."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The URL's path without query and without a trailing slash."""
        found = re.match(r"rtsp://[^/]*(/[^?]*)?", self.url)
        return ((found[1] if found else None) or "/").rstrip("/") or "/"


def parse_request(head: bytes) -> Request | int:
    """Return the request in `head` (up to the empty line), or the status that refuses it."""
    lines = head.decode("utf-8", "replace").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3:  # noqa: PLR2004 -- method, URL, version
        return 400
    if parts[2] != "RTSP/1.0":
        return 505
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    if not headers.get("cseq", "").isdigit():
        return 400
    return Request(parts[0], parts[1], headers)


def answer(
    status: int, cseq: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Return the bytes of an answer."""
    lines = [f"RTSP/1.0 {status} {_REASONS[status]}", f"CSeq: {cseq}", "Server: goldenhour-sim"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def channels(transport: str) -> tuple[int, int] | None:
    """Return the interleaved channels (RTP, RTCP) that a Transport header asks for, or None."""
    for option in transport.split(","):
        if option.strip().upper().startswith("RTP/AVP/TCP"):
            found = _CHANNELS.search(option)
            pair = (int(found[1]), int(found[2])) if found else (0, 1)
            return pair if max(pair) < 256 else None  # noqa: PLR2004 -- one byte on the wire
    return None


def interleaved(channel: int, packet: bytes) -> bytes:
    """Return `packet` framed for the RTSP connection itself."""
    return b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet


def describe(*, label: str, host: str, sps: bytes, pps: bytes, payload_type: int) -> bytes:
    """Return the SDP of one H.264 track; `label` says what the pictures are."""
    sets = ",".join(base64.b64encode(nal).decode() for nal in (sps, pps))
    profile = f"profile-level-id={sps[1:4].hex()}"
    name = label.replace("\r", " ").replace("\n", " ")
    lines = (
        "v=0",
        f"o=- 1 1 IN IP4 {host}",
        f"s={name}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {payload_type}",
        f"a=rtpmap:{payload_type} H264/90000",
        f"a=fmtp:{payload_type} packetization-mode=1;{profile};sprop-parameter-sets={sets}",
        "a=control:track1",
        "",
    )
    return "\r\n".join(lines).encode()
