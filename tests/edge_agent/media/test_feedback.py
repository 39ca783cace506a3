"""What the hub says of one camera's video, read."""

import asyncio
import inspect

import pytest
from aiortc import RTCRtpSender, rtcdtlstransport
from aiortc import clock as aiortc_clock
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_RTPFB_NACK,
    RTP_HISTORY_SIZE,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtpPacket,
    pack_remb_fci,
)

from edge_agent.media.feedback import HANDLE_RTCP, HISTORY, SSRC, Feedback
from tests.fakes.clock import FakeClock


class _Sender:
    """What feedback touches of a sender."""

    def __init__(self) -> None:
        self.passed_on: list[object] = []
        setattr(self, SSRC, 77)
        self.history: dict[int, RtpPacket] = {}
        setattr(self, HISTORY, self.history)

        async def handle(packet: object) -> None:
            self.passed_on.append(packet)

        setattr(self, HANDLE_RTCP, handle)

    def send(self, seq: int) -> None:
        packet = RtpPacket(sequence_number=seq)
        packet.extensions.abs_send_time = (aiortc_clock.current_ntp_time() >> 14) & 0xFFFFFF
        self.history[seq % RTP_HISTORY_SIZE] = packet

    def hear(self, packet: object) -> None:
        asyncio.run(getattr(self, HANDLE_RTCP)(packet))


def attached(clock: FakeClock) -> tuple[Feedback, _Sender]:
    feedback, sender = Feedback(clock.monotonic_s), _Sender()
    feedback.attach(sender)  # type: ignore[arg-type]
    return feedback, sender


@pytest.fixture
def ntp(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """A clock by which packets are stamped, too."""
    clock, began = FakeClock(), aiortc_clock.current_ntp_time()
    monkeypatch.setattr(
        aiortc_clock, "current_ntp_time", lambda: began + int(clock.monotonic_s() * 2**32)
    )
    return clock


def report(lost: int, ssrc: int = 77, *, highest: int = 0) -> RtcpRrPacket:
    info = RtcpReceiverInfo(
        ssrc=ssrc, fraction_lost=lost, packets_lost=0, highest_sequence=highest, jitter=0, lsr=0,
        dlsr=0,
    )  # fmt: skip
    return RtcpRrPacket(ssrc=1, reports=[info])


def estimate(bps: int, ssrc: int = 77) -> RtcpPsfbPacket:
    fci = pack_remb_fci(bps, [ssrc])
    return RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci)


def test_losses_are_told_once_the_worst_of_them_and_passed_on() -> None:
    feedback, sender = attached(FakeClock())
    for lost in (0, 128, 64):
        sender.hear(report(lost))
    told = feedback.take_arriving()
    assert told is not None
    assert told.share == pytest.approx(0.5)
    assert feedback.take_arriving() is None
    assert len(sender.passed_on) == 3


def test_a_falling_estimate_says_what_arrives_and_a_rising_one_nothing() -> None:
    clock = FakeClock()
    feedback, sender = attached(clock)
    feedback.left(100_000)
    sender.hear(estimate(700_000))
    sender.hear(estimate(750_000))
    assert feedback.take_estimated() is None
    sender.hear(estimate(170_000))
    assert feedback.take_arriving() is None, "nothing was lost"
    assert feedback.take_estimated() == pytest.approx(170_000 / 0.85 / 800_000, rel=0.01)
    assert feedback.take_estimated() is None


def test_the_newest_packet_that_has_arrived_is_known_by_when_it_was_sent(
    ntp: FakeClock,
) -> None:
    feedback, sender = attached(ntp)
    sent_s = {}
    for seq in range(65_530, 65_550):
        sent_s[seq & 0xFFFF] = ntp.monotonic_s()
        sender.send(seq & 0xFFFF)
        asyncio.run(ntp.advance(3.5))  # the time in a packet begins again after 64 s
    assert feedback.passed_s is None
    sender.hear(report(0, highest=(1 << 16) + 5))
    feedback.take_arriving()
    sender.hear(report(20, highest=(1 << 16) + 6))
    told = feedback.take_arriving()
    assert told is not None
    assert told.since_s == pytest.approx(sent_s[5], abs=0.001), "told before is not told again"
    assert feedback.passed_s == pytest.approx(sent_s[6], abs=0.001)
    sender.hear(asked_again(7, 8))
    assert feedback.passed_s == pytest.approx(sent_s[9], abs=0.001)
    sender.hear(report(0, highest=(1 << 16) + 6))  # what was known is not taken back
    sender.hear(report(0, highest=40_000))  # and of what is long gone nothing is made up
    assert feedback.passed_s == pytest.approx(sent_s[9], abs=0.001)
    asyncio.run(ntp.advance(2.1))
    assert feedback.slower_s == 0, "an old word"


def test_a_packet_that_is_remembered_no_more_was_slower_than_those_that_are(
    ntp: FakeClock,
) -> None:
    feedback, sender = attached(ntp)
    for seq in range(300):
        sender.send(seq)
        asyncio.run(ntp.advance(0.01))
    sender.hear(report(0, highest=290))
    assert feedback.slower_s == 0, "the quickest so far"
    sender.hear(report(0, highest=40))
    assert feedback.slower_s == pytest.approx(RTP_HISTORY_SIZE * 0.01, abs=0.02)


def test_what_is_said_of_another_stream_is_not_taken() -> None:
    feedback, sender = attached(FakeClock())
    feedback.left(100_000)
    sender.hear(report(200, ssrc=5))
    for bps in (700_000, 100_000):
        sender.hear(estimate(bps, ssrc=5))
    sender.hear(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=b"\x00" * 12))
    assert feedback.take_arriving() is None
    assert feedback.take_estimated() is None


def test_the_names_that_are_read_are_aiortc_s() -> None:
    assert inspect.iscoroutinefunction(getattr(RTCRtpSender, HANDLE_RTCP))
    assert f"self.{SSRC} = " in inspect.getsource(RTCRtpSender)
    history = HISTORY.removeprefix("_RTCRtpSender")
    assert f"self.{history}: dict[int, RtpPacket] = {{}}" in inspect.getsource(RTCRtpSender)
    routing = inspect.getsource(rtcdtlstransport)
    assert "await recipient._handle_rtcp_packet(packet)" in routing


def asked_again(*lost: int) -> RtcpRtpfbPacket:
    return RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=77, lost=list(lost))


def test_a_question_for_nothing_and_one_around_the_last_number_are_read(ntp: FakeClock) -> None:
    feedback, sender = attached(ntp)
    sender.hear(asked_again())
    assert feedback.passed_s is None
    sent_s = {}
    for seq in (65_534, 65_535, 0, 1):
        sent_s[seq] = ntp.monotonic_s()
        sender.send(seq)
        asyncio.run(ntp.advance(0.01))
    sender.hear(asked_again(0, 65_535))  # in order of their numbers
    assert feedback.passed_s == pytest.approx(sent_s[1], abs=0.001)


def test_a_question_for_what_is_long_gone_says_nothing_of_now(ntp: FakeClock) -> None:
    feedback, sender = attached(ntp)
    for seq in range(300):
        sender.send(seq)
        asyncio.run(ntp.advance(0.01))
    sender.hear(asked_again(10))  # a hub may ask again and again
    assert feedback.passed_s is None
    assert feedback.slower_s == 0


def test_many_missing_packets_are_told_at_once_and_a_few_are_not() -> None:
    feedback, sender = attached(FakeClock())
    feedback.left(22_000)  # nineteen packets
    sender.hear(asked_again(1, 2))
    assert feedback.take_arriving() is None
    sender.hear(asked_again(2, 3, 4, 5, 6, 7, 8, 9, 10))
    told = feedback.take_arriving()
    assert told is not None
    assert told.share == pytest.approx(1 - 10 / 19)


def test_nothing_is_sent_again_while_there_is_no_room() -> None:
    feedback, sender = attached(FakeClock())
    feedback.may_resend = False
    sender.hear(asked_again(1))
    assert sender.passed_on == []
    sender.hear(report(0))
    feedback.may_resend = True
    sender.hear(asked_again(1))
    assert len(sender.passed_on) == 2


def test_silence_of_the_hub_is_noticed() -> None:
    clock = FakeClock()
    feedback, sender = attached(clock)
    assert not feedback.is_heard(2.5)
    sender.hear(report(0))
    assert feedback.is_heard(2.5)
    asyncio.run(clock.advance(3))
    assert not feedback.is_heard(2.5)
    assert feedback.sent_bps == 0
