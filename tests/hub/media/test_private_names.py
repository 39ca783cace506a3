"""The private names of aiortc and aioice that forwarding touches are still there."""

import inspect
from importlib.metadata import version

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.rtcrtpsender import RTCEncodedFrame

from edge_agent.media import ice as edge_ice
from edge_agent.media import publisher as edge_publisher
from hub.media import aiortc_names


async def test_every_name_exists_where_it_is_used() -> None:
    assert version("aiortc").startswith("1.16.")
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    transceiver = pc.addTransceiver("video", direction="sendrecv")
    assert hasattr(transceiver.receiver, aiortc_names.JITTER_BUFFER)
    gatherer = transceiver.receiver.transport.transport.iceGatherer
    assert isinstance(getattr(gatherer, aiortc_names.ICE_CONNECTION), aioice.Connection)
    assert edge_ice.ICE_CONNECTION == aiortc_names.ICE_CONNECTION
    assert edge_publisher.SEND_KEYFRAME == aiortc_names.SEND_KEYFRAME
    await pc.close()


def test_coroutines_and_parameters_are_as_expected() -> None:
    pli = getattr(RTCRtpReceiver, aiortc_names.SEND_PLI)
    assert inspect.iscoroutinefunction(pli)
    assert list(inspect.signature(pli).parameters) == ["self", "media_ssrc"]
    following = getattr(RTCRtpSender, aiortc_names.NEXT_ENCODED_FRAME)
    assert inspect.iscoroutinefunction(following)
    assert list(inspect.signature(following).parameters) == ["self", "codec"]
    assert not inspect.iscoroutinefunction(getattr(RTCRtpSender, aiortc_names.SEND_KEYFRAME))
    assert list(inspect.signature(RTCEncodedFrame).parameters) == [
        "payloads",
        "timestamp",
        "audio_level",
    ]


def test_the_receiver_feeds_its_jitter_buffer_and_the_sender_asks_for_frames() -> None:
    receiver = inspect.getsource(RTCRtpReceiver)
    assert "pli_flag, encoded_frame = self.__jitter_buffer.add(packet)" in receiver
    sender = inspect.getsource(RTCRtpSender)
    assert "enc_frame = await self._next_encoded_frame(codec)" in sender
    assert "self._send_keyframe()" in sender


def test_ice_gathers_and_hears_by_methods_that_can_be_replaced() -> None:
    source = inspect.getsource(aioice.ice)
    assert "self.get_component_candidates(component=component, addresses=addresses)" in source
    assert "self.receiver.data_received(data, self.local_candidate.component)" in source
    assert "self.receiver.request_received(message, addr, self)" in source
    assert "_protocols" in source
