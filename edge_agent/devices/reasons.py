"""Why something heard was not recorded: one closed set, so that it can label a counter.

docs/DEVICES.md has one row for each; a test compares them.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Values are wire strings (`DeviceHealth.rejected`): add, never rename."""

    # the record itself
    NOT_STORED = "not-stored"
    JOURNAL_FULL = "journal-full"
    # any wire
    GARBAGE = "garbage"
    TOO_LONG = "too-long"
    OVERRUN = "overrun"
    BAD_VALUE = "bad-value"
    OUT_OF_RANGE = "out-of-range"
    # GNSS
    INCOMPLETE = "incomplete"
    BAD_CHECKSUM = "bad-checksum"
    UNKNOWN_SENTENCE = "unknown-sentence"
    ZERO_POSITION = "zero-position"
    THINNED = "thinned"
    BAD_JSON = "bad-json"
    UNKNOWN_CLASS = "unknown-class"
    DEVICE_ERROR = "device-error"
    IMPOSSIBLE_TIME = "impossible-time"
    # HL7: the message
    NOT_HL7 = "not-hl7"
    BAD_CHARSET = "bad-charset"
    UNKNOWN_MESSAGE = "unknown-message"
    DUPLICATE = "duplicate"
    TOO_MANY_ALARMS = "too-many-alarms"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    IDLE = "idle"
    UNKNOWN_SEGMENT = "unknown-segment"
    # HL7: one observation
    UNKNOWN_CODE = "unknown-code"
    UNUSED_CODE = "unused-code"
    SECOND_SOURCE = "second-source"
    VALUE_TYPE = "value-type"
    NOT_A_NUMBER = "not-a-number"
    NOT_EXACT = "not-exact"
    UNKNOWN_UNIT = "unknown-unit"
    SENTINEL = "sentinel"
    NO_VALUE = "no-value"
    QUESTIONABLE = "questionable"
    BAD_TIME = "bad-time"
    STALE = "stale"
    # HL7: one waveform
    NO_SAMPLE_RATE = "no-sample-rate"
    NO_RESOLUTION = "no-resolution"
    DUPLICATE_CHANNEL = "duplicate-channel"
    TOO_MANY_CHANNELS = "too-many-channels"
    OVERLAP = "overlap"
