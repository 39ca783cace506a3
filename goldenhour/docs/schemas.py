"""JSON Schemas of everything that is published: message bodies, frames, acks, presence, feed."""

import json
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from protocols.clock import ClockSource
from protocols.ids import UUID_PATTERN
from protocols.link.ack import MAX_RANGES
from protocols.link.frame import MAX_RECORDS, MAX_SEQ, MAX_UTC_US, VERSION
from protocols.link.streams import Stream
from protocols.live import AdviceChanged, feed, room
from protocols.live.wave import WaveHeader
from protocols.messages import KINDS, Message, Presence

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

FEED: Final[tuple[type[BaseModel], ...]] = (
    feed.Watch, feed.Hello, feed.Tick, feed.FleetChanged, feed.RecordSeen, feed.Backfilled,
    feed.EncounterChanged, AdviceChanged, feed.HandoffChanged,
    room.RoomChanged, room.VoicesChanged, room.RoomHappened, room.RingChanged,
    room.ScreenReplaced, WaveHeader,
)  # fmt: skip

_STAMP: Final = {"type": "integer", "minimum": 0, "maximum": MAX_UTC_US}
_SEQ: Final = {"type": "integer", "minimum": 1, "maximum": MAX_SEQ}


class _WireSchema(GenerateJsonSchema):
    """Byte strings are base64 text in JSON, so their bounds are those of the text."""

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        made: JsonSchemaValue = {"type": "string", "contentEncoding": "base64"}
        for bound, name in ((schema.get("min_length"), "min"), (schema.get("max_length"), "max")):
            if bound is not None:
                made[f"{name}Length"] = -(-bound // 3) * 4
        return made


def schema_files() -> Iterator[tuple[str, str]]:
    """Yield each schema's path under `docs/` and its text."""
    for stream, kinds in KINDS.items():
        for kind, model in kinds.items():
            yield f"schemas/{stream.value}.{kind}.json", _text(_of(model, tag="kind"))
    yield "schemas/presence.json", _text(_of(Presence, tag="kind"))
    yield "schemas/frame.json", _text(frame_schema())
    yield "schemas/ack.json", _text(ack_schema())
    for feed_model in FEED:
        tag = "t" if "t" in feed_model.model_fields else None
        yield f"schemas/feed.{feed_model.__name__}.json", _text(_of(feed_model, tag=tag))


def frame_schema() -> dict[str, Any]:
    """Return the schema of a frame's JSON form (`protocols.link.projection`)."""
    definitions: dict[str, Any] = {}
    branches = [_branch(stream, kinds, definitions) for stream, kinds in KINDS.items()]
    return {
        "title": "Frame",
        "description": "One MQTT message's worth of consecutive records of one stream, as JSON: "
        "the journal is UUID text, bodies are decoded, byte strings are base64.",
        "type": "object",
        "required": ["v", "j", "s", "n", "l", "t", "k", "e", "r"],
        "properties": {
            "v": {"const": VERSION, "description": "major version"},
            "j": {"type": "string", "pattern": UUID_PATTERN, "description": "journal"},
            "s": {"enum": [stream.value for stream in Stream], "description": "stream"},
            "n": _SEQ | {"description": "seq of the first record; the others follow by one"},
            "l": {"enum": [0, 1], "description": "lane: 0 live, 1 backfill"},
            "t": _STAMP | {"description": "sent, UTC microseconds by the sender's clock"},
            "k": {"enum": [source.value for source in ClockSource], "description": "clock"},
            "e": {
                "anyOf": [_STAMP, {"type": "null"}],
                "description": "how far that clock may be off, microseconds; null: unknown",
            },
            "o": {
                "type": "array",
                "prefixItems": [{"type": "string", "pattern": UUID_PATTERN}, _SEQ],
                "minItems": 2,
                "maxItems": 2,
                "description": "only of salvaged records: journal and seq under which the first"
                " was accepted before",
            },
            "r": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_RECORDS,
                "description": "records; on the wire they may stand packed, as z (see packing.py)",
            },
        },
        "oneOf": branches,
        "$defs": definitions,
    }


def ack_schema() -> dict[str, Any]:
    """Return the schema of an ack's CBOR map, its journal as UUID text."""
    pair = {"type": "array", "prefixItems": [_SEQ, _SEQ], "minItems": 2, "maxItems": 2}
    ranges = {"type": "array", "items": pair, "maxItems": MAX_RANGES}
    held = {
        "type": "array",
        "prefixItems": [_SEQ | {"minimum": 0, "description": "watermark"}, ranges],
        "minItems": 2,
        "maxItems": 2,
    }
    refusal = {"type": "array", "prefixItems": [{"type": "string", "maxLength": 64}, _SEQ]}
    return {
        "title": "Ack",
        "description": "What the receiver has committed, for each stream of one journal.",
        "type": "object",
        "required": ["v", "j", "s", "t"],
        "properties": {
            "v": {"const": VERSION},
            "j": {"type": "string", "pattern": UUID_PATTERN, "description": "journal"},
            "s": {"type": "object", "additionalProperties": held, "description": "by stream"},
            "t": _STAMP | {"description": "committed, UTC microseconds by the receiver's clock"},
            "x": {"anyOf": [_STAMP, {"type": "null"}], "description": "newest sent stamp, echoed"},
            "f": {"type": "array", "items": refusal, "maxItems": 64, "description": "refusals"},
        },
    }


def _branch(
    stream: Stream, kinds: dict[str, type[Message]], definitions: dict[str, Any]
) -> dict[str, Any]:
    """Return what the records of a frame of `stream` look like; put the bodies' schemas aside."""
    names: list[str] = []
    for kind, model in kinds.items():
        schema = model.model_json_schema(
            ref_template="#/$defs/{model}", schema_generator=_WireSchema
        )
        definitions.update(schema.pop("$defs", {}))
        name = f"{stream.value}.{kind}"
        definitions[name] = _tagged(schema, "kind")
        names.append(name)
    body: dict[str, Any] = {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in names]}
    record = {"type": "array", "prefixItems": [_STAMP, body], "minItems": 2, "maxItems": 2}
    return {"properties": {"s": {"const": stream.value}, "r": {"items": record}}}


def _of(model: type[BaseModel], *, tag: str | None) -> dict[str, Any]:
    return _tagged(model.model_json_schema(schema_generator=_WireSchema), tag)


def _tagged(schema: dict[str, Any], tag: str | None) -> dict[str, Any]:
    """Return `schema` asking for its `tag`, which a model fills by itself and the wire carries."""
    if tag is None:
        return schema
    return schema | {"required": [tag, *schema.get("required", [])]}


def _text(schema: dict[str, Any]) -> str:
    return json.dumps({"$schema": DRAFT, **schema}, indent=2, ensure_ascii=False) + "\n"
