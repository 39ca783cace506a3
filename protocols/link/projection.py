"""A frame as JSON: what a person, or a JSON Schema, can read of the bytes on the wire.

The header keeps its keys; the journal becomes its UUID text, each body the CBOR map that it holds,
and byte strings inside a body become base64 (RFC 4648, padded). The checksum is left out: it was
for the bytes. `docs/schemas/frame.json` describes the result.
"""

import base64
import math
from typing import Any

from protocols.link.frame import VERSION, Frame
from protocols.link.wire import load_map


def frame_as_json(frame: Frame) -> dict[str, Any]:
    """Return `frame` as JSON values.

    Raises:
        RemoteProtocolError: reason `not-cbor`: a body is no CBOR map.
    """
    origin = frame.origin
    return {
        "v": VERSION,
        "j": frame.journal,
        "s": frame.stream.value,
        "n": int(frame.first_seq),
        "l": int(frame.lane),
        "t": frame.sent_utc_us,
        "k": frame.clock.value,
        "e": frame.clock_error_us,
        **({"o": [origin.journal, int(origin.seq)]} if origin else {}),
        "r": [
            [record.captured_utc_us, value_as_json(load_map(record.body))]
            for record in frame.records
        ],
    }


def value_as_json(value: Any) -> Any:
    """Return `value` with every byte string in it as base64 text.

    What JSON cannot say, such as `undefined` or an infinite number in a field of a newer version,
    becomes None.
    """
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): value_as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [value_as_json(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else None
