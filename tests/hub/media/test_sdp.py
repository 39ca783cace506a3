"""Offers checked before anything is made of them; answers with the right address."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.media.errors import OfferRefusedError
from hub.media.sdp import Role, address_of_host, advertise, fragment_ufrag, read_offer
from protocols.errors import RemoteProtocolError
from tests.hub.media.offers import MALFORMED, NOT_SDP, PLAY, PUBLISH, REFUSED

ANSWER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
m=video 41000 UDP/TLS/RTP/SAVPF 103
c=IN IP4 10.0.0.7
a=mid:0
a=candidate:abc 1 udp 2130706431 10.0.0.7 41000 typ host
a=candidate:def 1 udp 2130706431 127.0.0.1 41000 typ host
a=candidate:ghi 1 udp 1694498815 203.0.113.9 41000 typ srflx raddr 10.0.0.7 rport 41000
a=end-of-candidates
m=audio 41000 UDP/TLS/RTP/SAVPF 111
c=IN IP4 10.0.0.7
a=mid:1
a=candidate:abc 1 udp 2130706431 10.0.0.7 41000 typ host
a=end-of-candidates
""".replace("\n", "\r\n")


def test_a_browsers_offer_is_understood() -> None:
    offer = read_offer(PLAY, Role.PLAY, keep_candidates=False)
    assert [(section.kind, section.mid) for section in offer.sections] == [
        ("video", "0"),
        ("audio", "1"),
    ]
    assert offer.ufrag == "EsAw"


def test_the_offerers_addresses_are_left_out() -> None:
    offer = read_offer(PUBLISH, Role.PUBLISH, keep_candidates=False)
    assert "a=candidate" not in offer.text
    assert "a=setup:active" in offer.text


def test_they_are_kept_where_a_relay_must_know_them() -> None:
    assert "a=candidate" in read_offer(PLAY, Role.PLAY, keep_candidates=True).text


@pytest.mark.parametrize("flaw", MALFORMED)
def test_a_malformed_offer_is_the_peers_fault(flaw: str) -> None:
    with pytest.raises(RemoteProtocolError):
        read_offer(MALFORMED[flaw], Role.PLAY, keep_candidates=False)


@pytest.mark.parametrize("text", NOT_SDP)
def test_what_is_no_sdp_at_all_is_refused(text: str) -> None:
    with pytest.raises((RemoteProtocolError, OfferRefusedError)):
        read_offer(text, Role.PLAY, keep_candidates=False)


@pytest.mark.parametrize("flaw", [flaw for flaw in REFUSED if "packetization" not in flaw])
def test_an_offer_of_what_is_not_carried_is_refused(flaw: str) -> None:
    with pytest.raises(OfferRefusedError):
        read_offer(REFUSED[flaw], Role.PLAY, keep_candidates=False)


@given(st.data())
@settings(max_examples=300)
def test_a_spoilt_offer_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    text = PLAY
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text)))
        size = data.draw(st.integers(0, 40))
        text = text[:at] + data.draw(st.text(max_size=8)) + text[at + size :]
    with contextlib.suppress(RemoteProtocolError, OfferRefusedError):
        read_offer(text, Role.PLAY, keep_candidates=False)


def test_the_answer_says_the_advertised_address_and_keeps_the_port() -> None:
    told = advertise(ANSWER, ["127.0.1.5"])
    hosts = [line.split() for line in told.splitlines() if "typ host" in line]
    assert [(line[4], line[5]) for line in hosts] == [("127.0.1.5", "41000")] * 2
    assert told.count("c=IN IP4 127.0.1.5") == 2
    assert "203.0.113.9 41000 typ srflx" in told


def test_without_an_address_to_tell_the_answer_stays() -> None:
    assert advertise(ANSWER, []) == ANSWER
    assert advertise(ANSWER, ["2001:db8::1"]) == ANSWER  # the hub has no such candidate


def test_several_addresses_are_told_best_first() -> None:
    told = advertise(ANSWER, ["192.0.2.1", "192.0.2.2"])
    first, second = [line.split() for line in told.splitlines() if "typ host" in line][:2]
    assert (first[4], second[4]) == ("192.0.2.1", "192.0.2.2")
    assert int(first[3]) > int(second[3])


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("127.0.1.5:8080", "127.0.1.5"),
        ("127.0.1.5", "127.0.1.5"),
        ("[2001:db8::5]:8443", "2001:db8::5"),
        ("[::1]", "::1"),
        ("hub.example.cn:8443", None),
        ("localhost", None),
        ("0.0.0.0:80", None),
        ("224.0.0.1", None),
        ("127.0.0.1 evil", None),
        ("1.2.3.4\r\na=candidate:1", None),
        ("", None),
        (None, None),
    ],
)
def test_only_an_address_in_the_host_header_is_an_address(
    header: str | None, address: str | None
) -> None:
    assert address_of_host(header) == address


@given(st.text(max_size=60))
def test_no_host_header_does_harm(header: str) -> None:
    address = address_of_host(header)
    assert address is None or advertise(ANSWER, [address]).count("\r\n") == ANSWER.count("\r\n") - (
        address is not None and ":" not in address
    )


def test_a_fragment_says_which_session_it_is_for() -> None:
    fragment = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\n"
    assert fragment_ufrag(fragment) == "EsAw"
    with pytest.raises(RemoteProtocolError):
        fragment_ufrag("m=audio 9 RTP/AVP 0\r\n")
