"""What the hub says of one camera's video: losses, and how much arrives. One sender's RTCP, read.

Receiver reports (RFC 3550, 6.4.2) tell the share that was lost, about once a second; many packets
asked for again (NACK, RFC 4585, 6.2.1) tell it sooner. What is asked for again is not sent again
while there is no room: a link that has just become thin would carry nothing else. The receiver's
estimate (REMB, draft-alvestrand-rmcat-remb) falls when packets arrive ever later: then it is what
arrived, times a margin. It falls for a burst on an idle link, too, and is told apart from losses.
How it rises says nothing here; see the ladder. Reports and questions also tell what came last, and
so when the newest packet that has certainly arrived was sent, and whether it was slow.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiortc import RTCRtpSender, clock
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_RTPFB_NACK,
    RTP_HISTORY_SIZE,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    unpack_remb_fci,
)

HANDLE_RTCP: Final = "_handle_rtcp_packet"
"""RTCRtpSender: coroutine (packet), called for each. A test holds the name in place."""

SSRC: Final = "_ssrc"
"""RTCRtpSender: its own. A test holds the name in place."""

HISTORY: Final = "_RTCRtpSender__rtp_history"
"""RTCRtpSender: its newest packets by sequence number. A test holds the name in place."""

_SENT_HZ: Final = 1 << 18  # of abs-send-time; 24 bits. Source: its RTP header extension
_SENT_WRAP: Final = 1 << 24

_SPAN_S: Final = 1.0
_ESTIMATE_MARGIN: Final = 0.85  # Source: aiortc.rate, as draft-ietf-rmcat-gcc-02, 5.5
_LOSS_SPAN_S: Final = 2.5  # a loss is noticed only after what was queued before it has passed
_PACKET_BYTES: Final = 1_200  # of a large frame's packets; a smaller frame is one packet
_SLOW_TOLD_S: Final = 2.0  # a report comes every 0.5 to 1.5 s
_FEW: Final = 4  # so many missing packets say something
_CLEARLY: Final = 0.8  # the two ends measure over different seconds; less than this is no accident


@dataclass(frozen=True, slots=True)
class Arriving:
    """The share that arrives of what was sent since, by the clock of `Feedback`."""

    share: float
    since_s: float


class Feedback:
    """Counts what leaves, and keeps the worst of what is said of it until it is taken."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._sent: deque[tuple[float, int]] = deque()
        self._arriving: Arriving | None = None
        self._guessed: float | None = None
        self._estimate_bps: float | None = None
        self._heard_s: float | None = None
        self._history: Mapping[int, RtpPacket] = {}
        self.passed_s: float | None = None
        """When the newest packet that is known to have arrived was sent, by `now_s`."""
        self._slower = (0.0, -math.inf)  # and when that was told
        self._quickest_s = math.inf
        self._reported_s: float | None = None  # the same, by the newest report alone
        self._lost: dict[int, float] = {}  # sequence numbers, and when each was missed first
        self.may_resend = True

    def attach(self, sender: RTCRtpSender) -> None:
        """Read what comes for `sender`, and pass it on."""
        passed_on = getattr(sender, HANDLE_RTCP)
        self._history = getattr(sender, HISTORY)

        async def handle(packet: Any) -> None:
            self._hear(packet, getattr(sender, SSRC))
            is_question = isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK
            if self.may_resend or not is_question:
                await passed_on(packet)

        setattr(sender, HANDLE_RTCP, handle)

    def left(self, size_bytes: int) -> None:
        """Note that so much was given to the network."""
        self._sent.append((self._now_s(), size_bytes))

    @property
    def sent_bps(self) -> float:
        """What left over the last second, bit/s."""
        since_s = self._now_s() - _SPAN_S
        return sum(size for at_s, size in self._kept() if at_s >= since_s) * 8 / _SPAN_S

    def _kept(self) -> deque[tuple[float, int]]:
        """Return what left of late."""
        since_s = self._now_s() - _LOSS_SPAN_S
        while self._sent and self._sent[0][0] < since_s:
            self._sent.popleft()
        return self._sent

    def is_heard(self, within_s: float) -> bool:
        """Say whether the hub has said anything of late."""
        return self._heard_s is not None and self._now_s() - self._heard_s < within_s

    @property
    def slower_s(self) -> float:
        """How much longer the newest packet took than the quickest, there and its word back."""
        slower_s, told_s = self._slower
        return slower_s if self._now_s() - told_s < _SLOW_TOLD_S else 0.0

    def take_arriving(self) -> Arriving | None:
        """Return the least share that arrived, by what was lost, since this was asked last."""
        told, self._arriving = self._arriving, None
        return told

    def take_estimated(self) -> float | None:
        """Return the least share that the receiver's estimate gave since this was asked last."""
        told, self._guessed = self._guessed, None
        return told

    def _hear(self, packet: Any, ssrc: int) -> None:
        self._heard_s = self._now_s()
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == ssrc:
                    self._report(report)
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            self._missed(packet.lost)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            self._estimated(packet.fci, ssrc)

    def _report(self, report: RtcpReceiverInfo) -> None:
        since_s = self._reported_s
        self._tell(
            1 - report.fraction_lost / 256,
            since_s=self._now_s() - _SPAN_S if since_s is None else since_s,
        )
        self._reported_s = self._passed(report.highest_sequence & 0xFFFF)
        if self._reported_s is None and self._history:  # slower than all that is remembered
            self._slower = max(map(self._age_s, self._history.values())), self._now_s()

    def _missed(self, lost: list[int]) -> None:
        now_s = self._now_s()
        self._lost = {seq: at_s for seq, at_s in self._lost.items() if now_s - at_s < _LOSS_SPAN_S}
        for seq in lost:
            self._lost.setdefault(seq, now_s)
        packets = sum(-(-size // _PACKET_BYTES) for _, size in self._kept())
        if len(self._lost) >= _FEW and packets > 0:
            arriving = max(0.0, 1 - len(self._lost) / packets)
            if arriving < _CLEARLY:
                known = [at_s for seq in self._lost if (at_s := self._sent_at_s(seq)) is not None]
                self._tell(arriving, since_s=min(known, default=min(self._lost.values())))
        sent = [(at_s, seq) for seq in lost if (at_s := self._sent_at_s(seq)) is not None]
        if sent:  # a gap is seen by what comes behind it
            self._passed((max(sent)[1] + 1) & 0xFFFF)

    def _passed(self, seq: int) -> float | None:
        """Note that a packet has arrived; return when it was sent."""
        sent_s = self._sent_at_s(seq)
        if sent_s is not None and (self.passed_s is None or sent_s >= self.passed_s):
            took_s = self._now_s() - sent_s
            self._quickest_s = min(took_s, self._quickest_s)
            self.passed_s = sent_s
            self._slower = took_s - self._quickest_s, self._now_s()
        return sent_s

    def _sent_at_s(self, seq: int) -> float | None:
        """Return when a packet was sent; None: it was too long ago."""
        packet = self._history.get(seq % RTP_HISTORY_SIZE)
        if packet is None or packet.sequence_number != seq:
            return None
        return self._now_s() - self._age_s(packet)

    def _age_s(self, packet: RtpPacket) -> float:
        now = clock.current_ntp_time() >> 14
        age: int = (now - (packet.extensions.abs_send_time or 0)) % _SENT_WRAP
        return age / _SENT_HZ

    def _estimated(self, fci: bytes, ssrc: int) -> None:
        try:
            estimate_bps, ssrcs = unpack_remb_fci(fci)
        except ValueError:
            return  # another application's
        if ssrc not in ssrcs:
            return
        has_fallen = self._estimate_bps is not None and estimate_bps < self._estimate_bps
        self._estimate_bps = estimate_bps
        sent_bps = self.sent_bps
        if has_fallen and sent_bps > 0:
            arriving = estimate_bps / _ESTIMATE_MARGIN / sent_bps
            if arriving < _CLEARLY:
                self._guessed = arriving if self._guessed is None else min(arriving, self._guessed)

    def _tell(self, share: float, *, since_s: float) -> None:
        if self._arriving is None or share < self._arriving.share:
            self._arriving = Arriving(share, since_s)
