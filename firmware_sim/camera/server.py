"""The camera on its wire: an RTSP server that encodes only while somebody watches."""

import asyncio
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from firmware_sim.camera import rtsp
from firmware_sim.camera.encoder import CLOCK_HZ, AccessUnit, H264Encoder, parameter_sets
from firmware_sim.camera.frames import FrameSource
from firmware_sim.camera.rtp import PAYLOAD_TYPE, RtpStream
from firmware_sim.camera.timecode import draw_timecode
from protocols.clock import Clock
from protocols.errors import ConfigError

log = logging.getLogger(__name__)

PATH: Final = "/cam"
MAX_VIEWERS: Final = 16
MAX_UNSENT_BYTES: Final = 512 * 1024
"""A viewer with more than this waiting loses pictures up to the next key frame."""


class CameraFaultRequest(BaseModel):
    """Faults to begin now. `off_s`: no power for so long; `freeze_s`: the picture stands still."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    off_s: float | None = Field(default=None, ge=0, le=86_400)
    freeze_s: float | None = Field(default=None, ge=0, le=86_400)


@dataclass(slots=True, eq=False)
class _Viewer:
    writer: asyncio.StreamWriter
    phase: rtsp.Phase = rtsp.Phase.INIT
    rtp_channel: int = 0
    rtcp_channel: int = 1
    has_begun: bool = False  # has had a key frame
    lost_pictures: int = 0


class RtspCamera:
    """One camera at `rtsp://host:port/cam`. `timecode`: the time is drawn into every picture."""

    def __init__(  # noqa: PLR0913 -- one device, named one by one
        self,
        *,
        source: FrameSource,
        clock: Clock,
        seed: int,
        host: str = "127.0.0.1",
        port: int = 0,
        bitrate_bps: int = 800_000,
        timecode: bool = False,
    ) -> None:
        self.pictures = 0
        self._source = source
        self._clock = clock
        self._host, self._port = host, port
        self._bitrate_bps = bitrate_bps
        self._timecode = timecode
        rng = random.Random(seed)
        self._rtp = RtpStream(ssrc=rng.getrandbits(32), sequence=rng.getrandbits(16))
        self._first_timestamp = rng.getrandbits(32)
        self._server: asyncio.Server | None = None
        self._viewers: set[_Viewer] = set()
        self._wanted = asyncio.Event()
        self._force_key = False
        self._off_until_s = 0.0
        self._freeze_until_s = 0.0
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="camera")
        self._sets = (b"", b"")

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        return self._port

    @property
    def url(self) -> str:
        """What a client opens."""
        return f"rtsp://{self._host}:{self._port}{PATH}"

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: the port is in use.
        """
        source = self._source
        self._sets = await asyncio.get_running_loop().run_in_executor(
            self._executor,
            lambda: parameter_sets(
                width=source.width, height=source.height, fps=source.fps,
                bitrate_bps=self._bitrate_bps,
            ),
        )  # fmt: skip
        try:
            self._server = await asyncio.start_server(
                self._serve, self._host, self._port, limit=2 * rtsp.MAX_HEAD_BYTES
            )
        except OSError as err:
            raise ConfigError(
                reason="cannot listen for camera clients", host=self._host, port=self._port
            ) from err
        self._port = self._server.sockets[0].getsockname()[1]

    async def run(self) -> None:
        """Take pictures while anyone watches, until cancelled."""
        while True:
            await self._wanted.wait()
            log.info("camera.started")
            await self._stream()
            log.info("camera.stopped", extra={"pictures": self.pictures})

    def break_on_purpose(self, request: CameraFaultRequest) -> None:
        """Begin the faults in `request`."""
        now_s = self._clock.monotonic_s()
        if request.freeze_s is not None:
            self._freeze_until_s = now_s + request.freeze_s
        if request.off_s is not None:
            self._off_until_s = now_s + request.off_s
            for viewer in list(self._viewers):
                viewer.writer.transport.abort()

    def status(self) -> dict[str, object]:
        """Return what the control socket reports of this device."""
        return {
            "url": self.url,
            "source": self._source.label,
            "size": f"{self._source.width}x{self._source.height}@{self._source.fps}",
            "viewers": sum(v.phase is rtsp.Phase.PLAYING for v in self._viewers),
            "pictures": self.pictures,
            "lost_pictures": sum(v.lost_pictures for v in self._viewers),
        }

    async def close(self) -> None:
        """Close every connection and release the source; call it after `run` has ended."""
        if self._server is not None:
            self._server.close()
            for viewer in list(self._viewers):
                viewer.writer.transport.abort()
            await self._server.wait_closed()
            self._server = None
        await asyncio.get_running_loop().run_in_executor(self._executor, self._source.close)
        self._executor.shutdown(wait=True)

    # pictures ------------------------------------------------------------------------------

    async def _stream(self) -> None:
        source, loop = self._source, asyncio.get_running_loop()
        encoder = H264Encoder(
            width=source.width, height=source.height, fps=source.fps,
            bitrate_bps=self._bitrate_bps,
        )  # fmt: skip
        due_s = self._clock.monotonic_s()
        report_s = 0.0
        self._force_key = True
        while self._wanted.is_set():
            if not source.is_paced:
                if (left_s := due_s - self._clock.monotonic_s()) > 0:
                    await self._clock.sleep(left_s)
                due_s = max(due_s + 1 / source.fps, self._clock.monotonic_s() - 0.5)
            force_key, self._force_key = self._force_key, False
            units, utc_us, at_s = await loop.run_in_executor(
                self._executor, self._take, encoder, force_key
            )
            if at_s < self._freeze_until_s:
                continue
            timestamp = self._first_timestamp + round(at_s * CLOCK_HZ)
            if at_s >= report_s:
                report_s = at_s + 1.0
                self._send_report(self._rtp.sender_report(utc_us=utc_us, timestamp=timestamp))
            for unit in units:
                self.pictures += 1
                self._send(unit, timestamp)

    def _take(self, encoder: H264Encoder, force_key: bool) -> tuple[list[AccessUnit], int, float]:  # noqa: FBT001 -- a thread's call
        """Take one picture and encode it; runs in the camera's thread."""
        picture = self._source.read()
        utc_us, at_s = self._clock.utc_us(), self._clock.monotonic_s()
        if self._timecode:
            draw_timecode(picture[: self._source.height], utc_us // 1000)
        units = encoder.encode(picture, pts=round(at_s * CLOCK_HZ), force_key=force_key)
        return units, utc_us, at_s

    def _send(self, unit: AccessUnit, timestamp: int) -> None:
        packets = self._rtp.packetise(unit, timestamp)
        for viewer in list(self._viewers):
            if viewer.phase is not rtsp.Phase.PLAYING:
                continue
            full = viewer.writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES
            if full or not (viewer.has_begun or unit.is_key):
                viewer.has_begun = False
                viewer.lost_pictures += full
                continue
            viewer.has_begun = True
            viewer.writer.write(
                b"".join(rtsp.interleaved(viewer.rtp_channel, packet) for packet in packets)
            )

    def _send_report(self, report: bytes) -> None:
        for viewer in self._viewers:
            if viewer.phase is rtsp.Phase.PLAYING:
                viewer.writer.write(rtsp.interleaved(viewer.rtcp_channel, report))

    # conversation --------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        viewer = _Viewer(writer)
        is_off = self._clock.monotonic_s() < self._off_until_s
        if is_off or len(self._viewers) >= MAX_VIEWERS:
            writer.transport.abort()
            return
        self._viewers.add(viewer)
        try:
            while (head := await _next_request(reader)) is not None:
                writer.write(self._answer(viewer, head))
                await writer.drain()
                self._wake()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._viewers.discard(viewer)
            self._wake()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _wake(self) -> None:
        """Run the sensor while at least one viewer plays."""
        if any(viewer.phase is rtsp.Phase.PLAYING for viewer in self._viewers):
            self._wanted.set()
        else:
            self._wanted.clear()

    def _answer(self, viewer: _Viewer, head: bytes) -> bytes:
        request = rtsp.parse_request(head)
        if isinstance(request, int):
            return rtsp.answer(request, "0")
        cseq = request.headers["cseq"]
        session = {"Session": f"{id(viewer):x};timeout=60"}
        match request.method:
            case "OPTIONS":
                return rtsp.answer(200, cseq, {"Public": rtsp.METHODS})
            case "GET_PARAMETER" | "SET_PARAMETER":
                return rtsp.answer(200, cseq, session)
            case "DESCRIBE":
                return self._describe(request, cseq)
            case "SETUP" | "PLAY" | "PAUSE" | "TEARDOWN":
                return self._move(viewer, request, cseq, session)
            case _:
                return rtsp.answer(405, cseq, {"Allow": rtsp.METHODS})

    def _describe(self, request: rtsp.Request, cseq: str) -> bytes:
        if request.path != PATH:
            return rtsp.answer(404, cseq)
        sps, pps = self._sets
        body = rtsp.describe(
            label=self._source.label, host=self._host, sps=sps, pps=pps, payload_type=PAYLOAD_TYPE
        )
        head = {"Content-Type": "application/sdp", "Content-Base": f"{self.url}/"}
        return rtsp.answer(200, cseq, head, body)

    def _move(
        self, viewer: _Viewer, request: rtsp.Request, cseq: str, session: dict[str, str]
    ) -> bytes:
        if not request.path.startswith(PATH):
            return rtsp.answer(404, cseq)
        phase = rtsp.MOVES[viewer.phase].get(request.method)
        if phase is None:
            return rtsp.answer(455, cseq)
        extra: dict[str, str] = {}
        if request.method == "SETUP":
            pair = rtsp.channels(request.headers.get("transport", ""))
            if pair is None:
                return rtsp.answer(461, cseq)
            viewer.rtp_channel, viewer.rtcp_channel = pair
            extra["Transport"] = (
                f"RTP/AVP/TCP;unicast;interleaved={pair[0]}-{pair[1]};ssrc={self._rtp.ssrc:08X}"
            )
        if request.method == "PLAY":
            extra["Range"] = "npt=now-"
            viewer.has_begun = False
            self._force_key = True
        viewer.phase = phase
        return rtsp.answer(200, cseq, session | extra)


async def _next_request(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next request's head, past the client's own RTCP; None at the end."""
    while True:
        first = await reader.read(1)
        if not first:
            return None
        if first == b"$":
            size = int.from_bytes((await reader.readexactly(3))[1:], "big")
            await reader.readexactly(size)
            continue
        if first in b"\r\n":
            continue
        head = first + await reader.readuntil(b"\r\n\r\n")
        if len(head) > rtsp.MAX_HEAD_BYTES:
            return None
        request = rtsp.parse_request(head)
        if not isinstance(request, int):
            length = request.headers.get("content-length", "0")
            if not length.isdigit() or int(length) > rtsp.MAX_HEAD_BYTES:
                return None
            await reader.readexactly(int(length))
        return head
