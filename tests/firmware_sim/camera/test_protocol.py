"""RTP and RTSP without sockets."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.camera import rtsp
from firmware_sim.camera.encoder import AccessUnit
from firmware_sim.camera.rtp import MAX_PAYLOAD_BYTES, RtpStream, fragment


@given(st.integers(1, 9_000), st.integers(0, 255))
def test_fragments_put_together_again_are_the_nal_unit(size: int, first: int) -> None:
    nal = bytes([first]) + bytes(n * 7 % 251 for n in range(size - 1))
    parts = fragment(nal)
    if len(parts) == 1 and len(nal) <= MAX_PAYLOAD_BYTES:
        whole = parts[0]
    else:
        header = parts[0][0] & 0xE0 | parts[0][1] & 0x1F
        whole = bytes([header]) + b"".join(part[2:] for part in parts)
        assert [part[1] & 0xC0 for part in parts] == [0x80] + [0] * (len(parts) - 2) + [0x40]

    assert whole == nal
    assert all(len(part) <= MAX_PAYLOAD_BYTES for part in parts)


def test_only_the_last_packet_of_a_picture_carries_the_marker() -> None:
    stream = RtpStream(ssrc=7, sequence=65_535)
    packets = stream.packetise(
        AccessUnit((b"\x67ab", b"\x65" + b"x" * 3000), is_key=True), 2**32 + 5
    )
    heads = [struct.unpack(">BBHII", packet[:12]) for packet in packets]

    assert [head[1] >> 7 for head in heads] == [0, 0, 0, 1]
    assert [head[2] for head in heads] == [65_535, 0, 1, 2]
    assert {head[3] for head in heads} == {5}


def test_a_senders_report_ties_rtp_time_to_utc() -> None:
    report = RtpStream(ssrc=7, sequence=1).sender_report(utc_us=1_500_000, timestamp=99)
    _, kind, length, ssrc, seconds, part, timestamp, _, _ = struct.unpack(">BBHIIIIII", report[:28])

    assert (kind, length, ssrc, timestamp) == (200, 6, 7, 99)
    assert seconds - 2_208_988_800 + part / 2**32 == pytest.approx(1.5)
    assert len(report) % 4 == 0
    assert struct.unpack(">H", report[30:32])[0] == len(report[28:]) // 4 - 1


@pytest.mark.parametrize(
    ("transport", "expected"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=2-3", (2, 3)),
        ("RTP/AVP;unicast;client_port=5000-5001, RTP/AVP/TCP;unicast", (0, 1)),
        ("RTP/AVP/UDP;unicast;client_port=5000-5001", None),
        ("RTP/AVP/TCP;interleaved=300-301", None),
        ("", None),
    ],
)
def test_only_interleaved_transport_is_taken(
    transport: str, expected: tuple[int, int] | None
) -> None:
    assert rtsp.channels(transport) == expected


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"PLAY rtsp://h/cam RTSP/1.0\r\n\r\n", 400),
        (b"PLAY rtsp://h/cam RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505),
        (b"nonsense\r\n\r\n", 400),
        (b"\xff\xfe RTSP/1.0\r\n\r\n", 400),
    ],
)
def test_a_bad_request_gets_the_status_that_says_why(head: bytes, status: int) -> None:
    assert rtsp.parse_request(head) == status


def test_no_method_is_legal_before_its_time() -> None:
    assert "PLAY" not in rtsp.MOVES[rtsp.Phase.INIT]
    assert "SETUP" not in rtsp.MOVES[rtsp.Phase.PLAYING]
