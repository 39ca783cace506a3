"""The AsyncAPI 3 document: every MQTT topic and live-feed message, from topics and models."""

import json
from importlib.metadata import version
from typing import Any, Final

from goldenhour.docs.schemas import FEED
from protocols.ids import PARTITIONS
from protocols.link.streams import DURABLE, PRIORITY, UP, Stream
from protocols.link.topics import LINK_ACK, ROOT
from protocols.live import feed
from protocols.live.wave import WaveHeader

_UNIT: Final = f"{ROOT}/{{part}}/{{unit}}"
_PARAMETERS: Final = {
    "part": {"description": f"stable hash of the unit id, 0 to {PARTITIONS - 1}"},
    "unit": {"description": "unit id, [A-Za-z0-9_-]{1,64}"},
}
_FEED_CHANNEL: Final = "liveFeed"


def asyncapi() -> str:
    """Return the document as JSON text."""
    channels = {**_up_channels(), **_other_channels(), _FEED_CHANNEL: _feed_channel()}
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Golden Hour",
            "version": version("goldenhour"),
            "description": "What vehicles, hub and screens say to one another. Frames, acks and "
            "presence are CBOR maps sealed with a CRC-32; the schemas describe their JSON form. "
            "The records of a frame may stand packed: then `z` is in the place of `r`, one "
            "Zstandard frame (RFC 8878) of the same CBOR array, with the dictionary "
            "protocols/link/records-1.zdict.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cbor",
        "servers": {
            "broker": {
                "host": "hub.example:8883",
                "protocol": "secure-mqtt",
                "protocolVersion": "3.1.1",
                "description": "any MQTT 3.1.1 broker; clean sessions, QoS 0 for frames and acks",
            },
            "hub": {"host": "hub.example:443", "protocol": "wss"},
        },
        "channels": channels,
        "operations": {name: _operation(name) for name in channels},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _up_channels() -> dict[str, Any]:
    return {
        f"up_{stream.value}": _unit_channel(
            f"up/{stream.value}",
            f"frames of {stream.value}: priority {PRIORITY[stream]} in the live lane, "
            + ("on the disk before accepted" if stream in DURABLE else "committed in groups"),
            frame=_frame(stream),
        )
        for stream in UP
    }


def _other_channels() -> dict[str, Any]:
    ack = _message("Ack", "ack.json")
    presence = _message("Presence", "presence.json")
    return {
        "up_link_ack": _unit_channel(f"up/{LINK_ACK}", "acks of order frames", ack=ack),
        "down_ack": _unit_channel("down/ack", "acks of the unit's frames", ack=ack),
        "down_order": _unit_channel(
            "down/order", "frames of orders to the unit", frame=_frame(Stream.ORDER)
        ),
        "presence": _unit_channel(
            "presence", "retained birth of the unit, and its last will", presence=presence
        ),
    }


def _feed_channel() -> dict[str, Any]:
    messages = {
        model.__name__: _message(
            model.__name__,
            f"feed.{model.__name__}.json",
            content_type="application/octet-stream" if model is WaveHeader else "application/json",
        )
        for model in FEED
    }
    return {
        "address": "/api/v1/live",
        "description": "live feed to one screen; binary messages are waveforms: a little-endian "
        "u32 length, that much JSON (WaveHeader), then int32 samples",
        "servers": [{"$ref": "#/servers/hub"}],
        "messages": messages,
    }


def _unit_channel(last_levels: str, description: str, **messages: Any) -> dict[str, Any]:
    return {
        "address": f"{_UNIT}/{last_levels}",
        "description": description,
        "parameters": _PARAMETERS,
        "servers": [{"$ref": "#/servers/broker"}],
        "messages": messages,
    }


def _frame(stream: Stream) -> dict[str, Any]:
    return _message(f"FrameOf{stream.value.capitalize()}", "frame.json")


def _message(name: str, schema: str, *, content_type: str = "application/cbor") -> dict[str, Any]:
    return {
        "name": name,
        "contentType": content_type,
        "payload": {
            "schemaFormat": "application/schema+json;version=2020-12",
            "schema": {"$ref": f"./schemas/{schema}"},
        },
    }


def _operation(channel: str) -> dict[str, Any]:
    """Return what the hub does with `channel`: it receives what goes up, sends what goes down."""
    sends = channel.startswith("down_") or channel == _FEED_CHANNEL
    operation: dict[str, Any] = {
        "action": "send" if sends else "receive",
        "channel": {"$ref": f"#/channels/{channel}"},
    }
    if channel == _FEED_CHANNEL:
        operation["description"] = f"after the screen has said {feed.Watch.__name__}"
    return operation
