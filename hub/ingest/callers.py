"""Callers: births, deaths and acks of orders, heard by the process that serves people.

Records are the ingest workers'; what is here is little, and screens and orders wait for none of
their turns. A worker answers a birth with what is held, and refuses what is no birth.
"""

from collections.abc import Callable, Sequence

from hub.ingest import metrics
from hub.ingest.taps import Taps
from protocols.errors import RemoteProtocolError
from protocols.ids import UnitId
from protocols.link import Ack, decode_ack
from protocols.link.topics import parse_topic
from protocols.messages import Presence


class Callers:
    """Hands each birth and death to the taps, and each ack of an order to who sent it."""

    def __init__(self, taps: Taps, *, heard_link_ack: Callable[[UnitId, Ack], None]) -> None:
        self._taps = taps
        self._heard_link_ack = heard_link_ack

    def hear(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Take MQTT messages, topic and payload of each; returns at once, never raises."""
        for topic, payload in messages:
            try:
                address = parse_topic(topic)
                if address.rest == "presence":
                    self._taps.presence(address.unit, Presence.from_payload(payload))
                else:
                    self._heard_link_ack(address.unit, decode_ack(payload))
            except RemoteProtocolError as err:
                metrics.REFUSED.labels(str(err.facts.get("reason", "unknown"))).inc()
