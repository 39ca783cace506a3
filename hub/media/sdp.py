"""Offers checked before anything is made of them; answers that say the right address. Pure.

Source: RFC 8866 (SDP), RFC 9725 §4.2-4.4 (WHIP), RFC 8839 (ICE attributes), RFC 8840 (fragments).
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.media.errors import OfferRefusedError
from protocols.errors import RemoteProtocolError

MOST_BYTES: Final = 64 * 1024
_LINE: Final = re.compile(r"[a-z]=[^\r\n\x00]*")
_UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD: Final = re.compile(r"[A-Za-z0-9+/]{22,256}")
_FINGERPRINT: Final = re.compile(r"[A-Za-z0-9-]+ [0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+")
_MLINE: Final = re.compile(r"(\w+) (\d{1,5})(?:/\d+)? ([\w/]+)((?: \S+)+)")
_RTPMAP: Final = re.compile(r"(\d{1,3}) ([\w-]+)/(\d{4,6})(?:/(\d))?")
_MID: Final = re.compile(r"[A-Za-z0-9_.~-]{1,16}")
_HOST_CANDIDATE: Final = re.compile(
    r"(a=candidate:)\S+ (\d+ udp) (\d+) (\S+) (\d+) typ host.*", re.IGNORECASE
)
_DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
_CODECS: Final = {"video": "h264/90000", "audio": "opus/48000"}


class Role(StrEnum):
    """What the offerer wants to do."""

    PUBLISH = "publish"
    PLAY = "play"
    TALK = "talk"


MOST_SLOTS: Final = 8
"""Streams of others that one who talks may ask for."""


@dataclass(frozen=True, slots=True)
class Section:
    """One media section of an offer that has been checked."""

    kind: str
    mid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A checked offer, ready for the peer connection."""

    text: str
    sections: tuple[Section, ...]
    ufrag: str


def read_offer(text: str, role: Role, *, keep_candidates: bool) -> Offer:
    """Return the offer in `text`.

    The hub will answer `setup:passive`: the client begins the handshake as soon as it has a path.
    Without `keep_candidates` the offerer's addresses are left out: the hub is reachable, so it
    waits to be contacted, and sends to no address that has not proved, by the ICE password, that
    it asked for it; nor does media find a way round the modem.

    Raises:
        RemoteProtocolError: reason `malformed-sdp`, and which rule it breaks.
        OfferRefusedError: well formed, but not what is carried here; `reason` says what.
    """
    lines = _lines(text)
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    if not starts:
        raise OfferRefusedError(reason="no media in the offer")
    session = lines[: starts[0]]
    bounds = [*starts, len(lines)]
    blocks = [lines[bounds[i] : bounds[i + 1]] for i in range(len(starts))]
    sections = [
        _read_section(block, session, _wanted(role, number)) for number, block in enumerate(blocks)
    ]
    _check_together(sections, session, role)
    ufrag = _attribute(blocks[0], session, "ice-ufrag") or ""
    return Offer(
        text="\r\n".join(_prepared(lines, keep_candidates=keep_candidates)) + "\r\n",
        sections=tuple(sections),
        ufrag=ufrag,
    )


def advertise(answer: str, addresses: Sequence[str]) -> str:
    """Return `answer` with its host candidates at `addresses` instead, ports kept.

    The hub's sockets have one port on all its addresses, so one candidate for each address says it
    all. Addresses of a family that the hub has no candidate of are left out; if none is left, the
    answer is returned as it is. Candidates by STUN or TURN stay.
    """
    lines = _lines(answer)
    families = {_version(match[4]) for line in lines if (match := _HOST_CANDIDATE.fullmatch(line))}
    usable = [address for address in addresses if _version(address) in families]
    if not usable:
        return answer
    written: list[str] = []
    done: set[str] = set()
    for line in lines:
        if line.startswith("m="):
            done = set()
        if line.startswith("c="):
            line = f"c=IN IP{_version(usable[0])} {usable[0]}"  # noqa: PLW2901
        match = _HOST_CANDIDATE.fullmatch(line)
        if match is None:
            written.append(line)
        elif match[5] not in done:
            done.add(match[5])
            written.extend(
                f"a=candidate:{index} {match[2]} {int(match[3]) - index} {address} {match[5]}"
                " typ host"
                for index, address in enumerate(usable, start=1)
            )
    return "\r\n".join(written) + "\r\n"


def address_of_host(host_header: str | None) -> str | None:
    """Return the IP address in an HTTP Host header, None if it is a name or nonsense."""
    if not host_header:
        return None
    text = host_header.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if address.is_unspecified or address.is_multicast else str(address)


def fragment_ufrag(text: str) -> str:
    """Return the user name fragment that an SDP fragment (trickle ICE) speaks for.

    Raises:
        RemoteProtocolError: reason `malformed-sdp`.
    """
    for line in _lines(text, whole=False):
        if line.startswith("a=ice-ufrag:"):
            ufrag = line.partition(":")[2]
            if _UFRAG.fullmatch(ufrag):
                return ufrag
    raise _malformed("a fragment needs a=ice-ufrag")


def _malformed(why: str) -> RemoteProtocolError:
    return RemoteProtocolError(reason="malformed-sdp", detail=why)


def _version(address: str) -> int:
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0


def _lines(text: str, *, whole: bool = True) -> list[str]:
    if len(text) > MOST_BYTES:
        raise _malformed("too long")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines or not all(_LINE.fullmatch(line) for line in lines):
        raise _malformed("every line must be x=value")
    if whole and lines[0] != "v=0":
        raise _malformed("must begin with v=0")
    return lines


def _values(lines: Sequence[str], name: str) -> list[str]:
    return [line[len(name) + 3 :] for line in lines if line.startswith(f"a={name}:")]


def _attribute(block: Sequence[str], session: Sequence[str], name: str) -> str | None:
    found = _values(block, name) or _values(session, name)
    return found[0] if found else None


def _wanted(role: Role, number: int) -> Sequence[str]:
    """Return which directions section `number` may have, the usual one first."""
    sends, receives = ("sendonly", "sendrecv"), ("recvonly", "sendrecv")
    if role is Role.TALK:  # one's own voice, then the others'
        return sends if number == 0 else receives
    return sends if role is Role.PUBLISH else receives


def _read_section(block: Sequence[str], session: Sequence[str], wanted: Sequence[str]) -> Section:
    match = _MLINE.fullmatch(block[0][2:])
    if match is None:
        raise _malformed("m= line")
    kind, profile = match[1], match[3]
    if kind not in _CODECS:
        raise OfferRefusedError(reason="only audio and video are carried", kind=kind[:16])
    if profile != "UDP/TLS/RTP/SAVPF":
        raise OfferRefusedError(reason="media must be UDP/TLS/RTP/SAVPF")
    if not all(fmt.isdecimal() and int(fmt) <= 127 for fmt in match[4].split()):  # noqa: PLR2004
        raise _malformed("payload types")
    _check_transport(block, session)
    mid = (_values(block, "mid") or [""])[0]
    if not _MID.fullmatch(mid):
        raise _malformed("a=mid")
    if "a=rtcp-mux" not in block:
        raise OfferRefusedError(reason="rtcp-mux is required")
    direction = next((d for d in _DIRECTIONS if f"a={d}" in block), "sendrecv")
    if direction not in wanted:
        raise OfferRefusedError(reason=f"media must be {wanted[0]}", kind=kind)
    maps = [_RTPMAP.fullmatch(value) for value in _values(block, "rtpmap")]
    if not all(maps):
        raise _malformed("a=rtpmap")
    if _CODECS[kind] not in {f"{found[2].lower()}/{found[3]}" for found in maps if found}:
        raise OfferRefusedError(reason=f"{_CODECS[kind]} is required", kind=kind)
    return Section(kind, mid)


def _check_transport(block: Sequence[str], session: Sequence[str]) -> None:
    for name, pattern in (
        ("ice-ufrag", _UFRAG),
        ("ice-pwd", _PWD),
        ("fingerprint", _FINGERPRINT),
    ):
        value = _attribute(block, session, name)
        if value is None or not pattern.fullmatch(value):
            raise _malformed(f"a={name}")
    setup = _attribute(block, session, "setup")
    if setup not in ("actpass", "active", "passive"):
        raise _malformed("a=setup")
    if setup == "passive":
        raise OfferRefusedError(reason="the offer's a=setup must be actpass or active")


def _check_together(sections: Sequence[Section], session: Sequence[str], role: Role) -> None:
    kinds = [section.kind for section in sections]
    mids = [section.mid for section in sections]
    if role is Role.TALK:
        if set(kinds) != {"audio"}:
            raise OfferRefusedError(reason="a conversation is audio alone")
        if len(kinds) > 1 + MOST_SLOTS:
            raise OfferRefusedError(reason="too many streams", most=MOST_SLOTS)
    elif len(set(kinds)) != len(kinds):
        raise OfferRefusedError(reason="at most one audio and one video")
    if len(set(mids)) != len(mids):
        raise _malformed("a=mid twice")
    bundles = [value.split()[1:] for value in _values(session, "group") if value[:7] == "BUNDLE "]
    if len(sections) > 1 and not any(set(mids) <= set(bundle) for bundle in bundles):
        raise OfferRefusedError(reason="all media must be bundled")


def _prepared(lines: Sequence[str], *, keep_candidates: bool) -> list[str]:
    prepared = []
    for line in lines:
        if line in ("a=ice-options:trickle", "a=ice-options:trickle renomination"):
            continue
        if line.startswith(("a=candidate:", "a=end-of-candidates")) and not keep_candidates:
            continue
        prepared.append("a=setup:active" if line == "a=setup:actpass" else line)
    return prepared
