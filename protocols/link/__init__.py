"""The link: frames, acks, topics, and the two pure machines, `Sender` and `Receiver`."""

from protocols.link.ack import Ack, Held, decode_ack, encode_ack
from protocols.link.frame import Frame, Origin, Record, encode_frame
from protocols.link.frame_reader import FrameReader, decode_frame
from protocols.link.receiver import Receiver
from protocols.link.schedule import Plan
from protocols.link.sender import Sender
from protocols.link.streams import DURABLE, NEVER_SHED, PRIORITY, Lane, Stream

__all__ = [
    "DURABLE", "NEVER_SHED", "PRIORITY", "Ack", "Frame", "FrameReader", "Held", "Lane", "Origin",
    "Plan", "Receiver", "Record", "Sender", "Stream", "decode_ack", "decode_frame", "encode_ack",
    "encode_frame",
]  # fmt: skip
