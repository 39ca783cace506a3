"""Real recordings travel from a device's wire to the hub's database and arrive as they left."""

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from firmware_sim.monitor.heart import EcgModel, Heart, PlethModel
from firmware_sim.monitor.patient import Patient
from firmware_sim.unit import seed_of
from goldenhour.demo.city import Recordings
from goldenhour.demo.small_city import SmallCity, small_city, until
from hub.store import records
from protocols.ids import UnitId
from protocols.link import Stream
from protocols.messages import Position, WaveformBlock, parse_body
from protocols.messages.samples import decode_samples

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
ECG, NMEA = SHARED / "ecg" / "s0010_re", SHARED / "nmea" / "ublox-neo-m9n-nmea.log"
UNIT = UnitId("A-001")
RATE_HZ = 500
EVER_US = 2**53 - 1
COURSE = "chest-pain"

Microvolts = npt.NDArray[np.float64]


@pytest.mark.timeout(300)
@pytest.mark.skipif(not ECG.with_suffix(".dat").exists(), reason="no ../shared/data/ecg/s0010_re")
async def test_a_real_ecg_arrives_sample_for_sample_through_cuts_and_a_killed_agent(
    tmp_path: Path,
) -> None:
    sent = of_ptb(ECG)
    assert len(sent["II"]) == 19_200
    played = Recordings(ecg=str(ECG), nmea=NMEA if NMEA.exists() else None)
    async with small_city(
        tmp_path / "city", recordings=played, devices=("--pacing", "replay", "--no-loop")
    ) as city:
        await trouble(city)
        await until(lambda: has_arrived(city, len(sent["II"])), within_s=120)
        arrived = await ecg_in_database(city)
        places = await places_in_database(city)

    assert arrived.keys() == sent.keys()
    for lead, values in sent.items():
        assert np.array_equal(arrived[lead], values), lead
    if NMEA.exists():
        said = np.array(places_said(NMEA))
        assert len(set(places)) > 20
        away = [np.abs(said - place).max(axis=1).min() for place in places]
        assert max(away) < 1e-7  # degrees: a centimetre


@pytest.mark.timeout(300)
@pytest.mark.skipif(ECG.with_suffix(".dat").exists(), reason="the real ECG is played instead")
async def test_a_modelled_ecg_arrives_sample_for_sample_through_cuts_and_a_killed_agent(
    tmp_path: Path,
) -> None:
    seconds = 40
    sent = of_model(seconds)
    async with small_city(
        tmp_path / "city", devices=("--ecg", "model", "--pacing", "replay")
    ) as city:
        await trouble(city)
        await until(lambda: has_arrived(city, seconds * RATE_HZ), within_s=120)
        arrived = await ecg_in_database(city)

    assert arrived.keys() == sent.keys()
    for lead, values in sent.items():
        assert np.array_equal(arrived[lead][: len(values)], values), lead


async def trouble(city: SmallCity) -> None:
    """Cut the link while the monitor plays, kill the agent in the cut, cut the link again."""
    await until(lambda: has_sent(city, 30), within_s=60)
    await city.ask("link", cut_s=8)
    await until(lambda: has_sent(city, 50), within_s=60)
    killed = city.pid("agent-A-001")
    os.kill(killed, signal.SIGKILL)
    await until(lambda: has_sent(city, 90), within_s=60)
    assert city.pid("agent-A-001") != killed
    await city.ask("link", cut_s=8, reset=True)


async def has_sent(city: SmallCity, messages: int) -> bool:
    monitor = (await city.ask("status"))["monitor"]
    assert (monitor["refused"], monitor["dropped"]) == (0, 0)
    return bool(monitor["accepted"] >= messages)


async def has_arrived(city: SmallCity, samples: int) -> bool:
    blocks = await blocks_in_database(city)
    return bool(blocks) and sum(block.sample_count for block in blocks.values()) >= samples


async def blocks_in_database(city: SmallCity) -> Mapping[int, WaveformBlock]:
    """Return the blocks by the index of their first sample; what came twice must be the same."""
    found: dict[int, WaveformBlock] = {}
    page = await records.read(
        city.pool, UNIT, Stream.WAVEFORM, from_utc_us=0, to_utc_us=EVER_US, limit=100_000
    )
    for row in page.records:
        block = parse_body(Stream.WAVEFORM, row.body)
        assert isinstance(block, WaveformBlock)
        if block.group == "ecg":
            assert found.setdefault(block.first_sample_index, block) == block
    return found


async def ecg_in_database(city: SmallCity) -> dict[str, Microvolts]:
    """Return each lead in µV, in the order of its samples, which must follow without a hole."""
    blocks = [block for _, block in sorted((await blocks_in_database(city)).items())]
    following = blocks[0].first_sample_index
    leads: dict[str, list[Microvolts]] = {}
    for block in blocks:
        assert block.first_sample_index == following
        assert block.rate_hz == RATE_HZ
        following += block.sample_count
        for channel, samples in zip(block.channels, decode_samples(block), strict=True):
            assert channel.unit == "uV"
            lead = channel.code.removeprefix("MDC_ECG_ELEC_POTL_")
            leads.setdefault(lead, []).append((samples - channel.offset) * channel.gain)
    return {lead: np.concatenate(parts) for lead, parts in leads.items()}


async def places_in_database(city: SmallCity) -> list[tuple[float, float]]:
    page = await records.read(
        city.pool, UNIT, Stream.POSITION, from_utc_us=0, to_utc_us=EVER_US, limit=100_000
    )
    found = [parse_body(Stream.POSITION, row.body) for row in page.records]
    return [(one.latitude_deg, one.longitude_deg) for one in found if isinstance(one, Position)]


def of_ptb(record: Path) -> dict[str, Microvolts]:
    """Return each lead of a PTB record in µV, every second sample, read without any library.

    Format 16: little-endian 16-bit, twelve leads interleaved. Source: WFDB, signal(5), header(5).
    """
    header = record.with_suffix(".hea").read_text().splitlines()
    rows = [line.split() for line in header[1:] if line.startswith(f"{record.name}.dat")]
    raw = np.fromfile(record.with_suffix(".dat"), "<i2").reshape(-1, len(rows))[::2]
    return {
        row[8].upper(): raw[:, column] * (1000 / float(row[2])) for column, row in enumerate(rows)
    }


def of_model(seconds: int) -> dict[str, Microvolts]:
    """Return what this unit's monitor makes up, by the same seed, heart and steps."""
    seed = seed_of(UNIT)
    patient = Patient(seed=seed, course=COURSE)
    heart = Heart(patient=patient, seed=seed)
    model = EcgModel(heart=heart, patient=patient, seed=seed)
    pleth = PlethModel(heart=heart, seed=seed + 1)
    parts: list[npt.NDArray[np.int32]] = []
    while sum(part.shape[1] for part in parts) < seconds * RATE_HZ:
        parts.append(model.take(128))
        pleth.take(32)
    samples = np.concatenate(parts, axis=1)[:, : seconds * RATE_HZ]
    return {
        channel.name.upper(): (row - channel.zero_offset) * channel.resolution
        for channel, row in zip(model.group.channels, samples, strict=True)
    }


def places_said(log: Path) -> list[tuple[float, float]]:
    """Return the places of a log's valid RMC and GGA sentences. Source: NMEA 0183, ddmm.mmmm."""
    found = re.findall(
        r"^\$..(?:RMC,[\d.]+,A|GGA,[\d.]+),(\d+\.\d+),([NS]),(\d+\.\d+),([EW])",
        log.read_text(errors="replace"),
        re.MULTILINE,
    )
    return [
        (degrees(lat) * (-1) ** (ns == "S"), degrees(lon) * (-1) ** (ew == "W"))
        for lat, ns, lon, ew in found
    ]


def degrees(text: str) -> float:
    whole, minutes = divmod(float(text), 100)
    return whole + minutes / 60
