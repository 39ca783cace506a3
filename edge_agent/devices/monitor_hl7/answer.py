"""The answer to a message: HL7 ACK. Pure.

Source: HL7 v2.6 2.9.2 (original mode), table 0008 (AA, AE, AR), table 0357 (error codes).
"""

from datetime import UTC, datetime, timedelta
from enum import Enum

from edge_agent.devices.monitor_hl7.message import Hl7Message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_ID = 250


class Verdict(Enum):
    """Acknowledgement code, error code and its words."""

    STORED = ("AA", "", "")
    NOT_STORED = ("AE", "207", "Application internal error")
    UNKNOWN_MESSAGE = ("AR", "200", "Unsupported message type")


def is_answer_wanted(message: Hl7Message) -> bool:
    """Tell whether the sender wants any answer: not if MSH-15 and MSH-16 both say never."""
    header = message.header
    return not header.field(15) == header.field(16) == "NE"


def answer(
    message: Hl7Message, verdict: Verdict, *, now_utc_us: int, number: int, why: str = ""
) -> bytes:
    """Return the ACK for `message`; `number` makes its own control id; `why` is for the sender."""
    header = message.header
    code, error, words = verdict.value
    at = _EPOCH + timedelta(microseconds=now_utc_us)
    application, facility, control_id = (
        escape(message.text(message.component(header.field(at_field), 1)))[:_LONGEST_ID]
        for at_field in (3, 4, 10)
    )
    event = message.component(header.field(9), 2)
    header_out = (
        f"MSH|^~\\&|GOLDENHOUR||{application}|{facility}|{at:%Y%m%d%H%M%S}+0000||"
        f"ACK^{escape(event)[:8]}^ACK|GH{number}|P|2.6"
    )
    segments = [header_out, f"MSA|{code}|{control_id}"]
    if error:
        segments.append(f"ERR|||{error}^{words}^HL70357|E||||{escape(why)}")
    return ("\r".join(segments) + "\r").encode(message.codec, "replace")


_ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}


def escape(text: str) -> str:
    """Return `text` with the standard delimiters escaped and nothing that breaks a segment."""
    return "".join(_ESCAPES.get(c, c) for c in text if c.isprintable())
