"""The private names of aiortc 1.16 and aioice that forwarding touches; a test holds them in place.

aiortc decodes what it receives and encodes what it sends. To forward without either, frames are
taken out where its jitter buffer would be and put in where its encoder would be.
"""

from typing import Final

JITTER_BUFFER: Final = "_RTCRtpReceiver__jitter_buffer"
"""RTCRtpReceiver: `.add(packet) -> (send_pli, frame | None)`, fed with unwrapped packets."""

SEND_PLI: Final = "_send_rtcp_pli"
"""RTCRtpReceiver: coroutine (media_ssrc)."""

NEXT_ENCODED_FRAME: Final = "_next_encoded_frame"
"""RTCRtpSender: coroutine (codec) -> RTCEncodedFrame."""

SEND_KEYFRAME: Final = "_send_keyframe"
"""RTCRtpSender: called for PLI and FIR."""

ICE_CONNECTION: Final = "_connection"
"""RTCIceGatherer: the aioice Connection."""
