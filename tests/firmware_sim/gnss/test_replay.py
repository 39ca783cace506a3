"""A captured log is sent byte for byte, at the pace of its own clock."""

import asyncio
from pathlib import Path

import pytest

from firmware_sim.gnss import LogSource
from firmware_sim.gnss.replay import paced, time_of
from firmware_sim.gnss.track import moved, read_gpx, seconds
from protocols.errors import ConfigError
from tests.fakes.clock import FakeClock

LOG = b"""# Name: a note
$GPTXT,early*00
$GPRMC,235958.00,A,,,,,,,,,*00
$GPGGA,235958.00,,,,,0,,,,,,,,*00
$GPRMC,235959.00,V*00
$GPRMC,000001.50,V*00
$GPRMC,000000.00,V*00
"""


def test_waits_are_the_steps_of_the_logs_own_clock_across_midnight() -> None:
    waits = [wait_s for wait_s, _ in paced(LOG.splitlines())]

    assert waits == [0.0, 0.0, 0.0, 1.0, 2.5, 0.0]


def test_notes_are_not_sent_and_lines_end_as_on_the_wire() -> None:
    lines = [line for _, line in paced(LOG.splitlines())]

    assert lines[0] == b"$GPTXT,early*00\r\n"
    assert all(line.endswith(b"\r\n") and not line.startswith(b"#") for line in lines)


@pytest.mark.parametrize("line", [b"$GPRMC,ab", b"$GPGSV,1,1", b"GPRMC,010203,", b"$GPRMC,,V,"])
def test_a_line_without_a_time_keeps_its_place(line: bytes) -> None:
    assert time_of(line) is None


class Clear:
    """A clear sky, and the right time."""

    def has_fix(self) -> bool:
        return True

    def told_utc_us(self, utc_us: int) -> int:
        return utc_us


async def _play(path: Path, clock: FakeClock, *, factor: float, loop: bool) -> list[float]:
    at: list[float] = []
    async for _ in LogSource(path, factor=factor, loop=loop).sentences(clock, Clear()):
        at.append(clock.monotonic_s())
        if len(at) >= 12:
            break
    return at


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 1.0), (4.0, 0.25)])
async def test_the_speed_factor_divides_every_wait(
    tmp_path: Path, factor: float, expected: float
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(LOG)
    clock = FakeClock()
    task = asyncio.create_task(_play(log, clock, factor=factor, loop=False))
    await clock.advance(60.0)
    at = await task

    assert at == [0.0, 0.0, 0.0, expected, 3.5 * expected, 3.5 * expected]


async def test_a_log_loops_only_if_asked(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(LOG)
    clock = FakeClock()
    task = asyncio.create_task(_play(log, clock, factor=1.0, loop=True))
    await clock.advance(60.0)

    assert len(await task) == 12


@pytest.mark.parametrize("content", [None, b"no sentences here\n"])
def test_a_log_that_cannot_be_played_is_a_broken_setting(
    tmp_path: Path, content: bytes | None
) -> None:
    log = tmp_path / "a.log"
    if content is not None:
        log.write_bytes(content)
    with pytest.raises(ConfigError):
        LogSource(log)


GPX = b"""<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="45.0" lon="13.0"><time>2020-12-18T06:15:50Z</time></trkpt>
<trkpt lat="45.001" lon="13.0"><time>2020-12-18T06:16:00Z</time></trkpt>
<trkpt lat="45.001" lon="13.001"><time>2020-12-18T06:16:10Z</time></trkpt>
</trkseg></trk></gpx>"""


def test_a_recorded_track_keeps_its_speeds_when_it_is_moved() -> None:
    track = moved(read_gpx(GPX), (23.13, 113.26))
    places = seconds(track)
    lap = [next(places) for _ in range(40)]

    assert (lap[0].latitude_deg, lap[0].longitude_deg) == (23.13, 113.26)
    assert lap[5].speed_mps == pytest.approx(11.12, abs=0.02)
    assert lap[5].heading_deg == pytest.approx(0.0)
    assert lap[15].speed_mps == pytest.approx(7.86, abs=0.02)
    assert lap[15].heading_deg == pytest.approx(90.0)
    assert lap[39].latitude_deg == 23.13


@pytest.mark.parametrize("document", [b"<gpx", b"<gpx/>"])
def test_what_is_no_track_is_refused(document: bytes) -> None:
    with pytest.raises(ConfigError):
        read_gpx(document)
