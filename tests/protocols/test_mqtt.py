"""MQTT packets: cut anywhere they come out the same, and what is no MQTT is refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import mqtt
from protocols.errors import RemoteProtocolError

Said = list[tuple[str, bytes]]


def read(data: bytes, cuts: list[int]) -> tuple[Said, list[mqtt.Packet]]:
    messages: Said = []
    inbound = mqtt.Inbound(messages.extend, most_bytes=2**20)
    others: list[mqtt.Packet] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in itertools.pairwise(edges):
        others += inbound.feed(data[begin:end])
    return messages, others


@given(
    st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=400)), max_size=6),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_however_the_network_cuts_it_the_same_messages_come_out(
    said: Said, cuts: list[int]
) -> None:
    packets = [mqtt.publish(topic, payload) for topic, payload in said]
    packets.append(mqtt.publish("qos/1", b"numbered", packet_id=7, retain=True))
    messages, others = read(b"".join([*packets, mqtt.PING]), cuts)
    assert messages == [*said, ("qos/1", b"numbered")]
    assert others == [mqtt.Packet(mqtt.Kind.PINGREQ, b"")]


@given(st.binary(max_size=200), st.lists(st.integers(0, 300), max_size=4))
def test_any_bytes_are_read_or_refused(data: bytes, cuts: list[int]) -> None:
    reasons = {"bad-mqtt"}
    try:
        read(data, cuts)
    except RemoteProtocolError as err:
        reasons.add(str(err.facts["reason"]))
    assert reasons == {"bad-mqtt"}


def test_a_packet_longer_than_allowed_is_refused_before_it_is_kept() -> None:
    inbound = mqtt.Inbound(lambda _messages: None, most_bytes=1000)
    with pytest.raises(RemoteProtocolError):
        inbound.feed(mqtt.publish("t", bytes(2000))[:10])


def test_a_length_without_end_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        read(b"\x30\xff\xff\xff\xff\x01", [])


def test_a_topic_longer_than_its_packet_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        read(b"\x30\x04\x00\x09ab", [])
