"""How little a fully instrumented ambulance needs: its real traffic, and the same by other means.

A hub and one ambulance run as in the demo, without its camera; what the vehicle sends is counted by
its modem, down to TCP payload. The same records are then written as others would send them.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cbor2
import numpy as np
import zstandard

from edge_agent.journal.report import export_rows
from edge_agent.journal.rows import Row
from goldenhour.bench.codecs import INDEPENDENT, Samples, flac_bytes, zstd_bytes
from goldenhour.bench.figures import Figure
from goldenhour.bench.picture import Bar, bars
from goldenhour.demo.city import Recordings
from goldenhour.demo.small_city import SmallCity, small_city, until
from protocols.ids import UnitId
from protocols.link.projection import value_as_json
from protocols.link.streams import UP, Stream
from protocols.link.topics import up
from protocols.link.wire import load_map
from protocols.messages import WaveformBlock, parse_body
from protocols.messages.samples import decode_samples

WARM_S: Final = 15.0

WHOLE: Final = "full ambulance, live, up, TCP payload"
AS_CBOR: Final = "the same as CBOR and zstd, a message a record"
ECG: Final = "ECG of 12 leads, at live block lengths"
AS_FLAC: Final = "8 of them as FLAC, blocks of 1 s"
AS_ZSTD: Final = "8 of them as zstd -19, blocks of 1 s"

_MQTT_BYTES: Final = 4  # fixed header and topic length. Source: MQTT 3.1.1, 3.3
_RATE_HZ: Final = 500
_FLOWING_BYTES: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Used:
    """What the vehicle had used at one moment."""

    at_s: float
    at_utc_us: int
    up_bytes: int
    down_bytes: int
    cpu_s: float


async def measure(folder: Path, *, played: Recordings, duration_s: float) -> list[Figure]:
    """Run the ambulance in `folder` for so long, and return the figures.

    Raises:
        ConfigError: the record is missing, or a package is not installed.
        NotReadyError: a part did not come up.
    """
    played.check()
    async with small_city(folder, recordings=played, cameras=False) as city:
        await until(lambda: _flows(city), within_s=60)
        await asyncio.sleep(WARM_S)
        before = await _used(city)
        await asyncio.sleep(duration_s)
        after = await _used(city)
        resident = _resident_bytes(city.pid(f"agent-{city.site.unit}"))
        rows = list(_rows(city, before.at_utc_us, after.at_utc_us))
    return [*_vehicle(before, after, resident, rows, city.site.unit), *_ecg(rows)]


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture of the whole traffic and of the ECG in it."""
    by_name = {figure.name: figure for figure in figures}
    whole, ecg = by_name[WHOLE], by_name[ECG]
    rows = [
        Bar("whole ambulance: Golden Hour", whole.value, is_ours=True),
        Bar("… as CBOR and zstd, a message a record", by_name[AS_CBOR].value),
        Bar("… as JSON over MQTT", whole.peer or 0.0),
        Bar("12-lead ECG alone: Golden Hour", ecg.value, is_ours=True),
        Bar("… 8 of the leads as FLAC, blocks of 1 s", by_name[AS_FLAC].value),
        Bar("… 8 of the leads as zstd -19, blocks of 1 s", by_name[AS_ZSTD].value),
    ]
    title = "What a fully instrumented ambulance sends, live and lossless"
    return bars(title, "kbit/s", rows, limit=whole.bar, note=note)


def _vehicle(
    before: _Used, after: _Used, resident: int, rows: list[Row], unit: str
) -> list[Figure]:
    span_s = after.at_s - before.at_s
    peers = {
        "JSON over MQTT": sum(_json_bytes(row, unit) for row in rows),
        "CBOR and zstd": sum(_cbor_bytes(row, unit) for row in rows),
    }
    return [
        Figure(
            name=WHOLE, unit="kbit/s", bar=20.0,
            value=_kbps(after.up_bytes - before.up_bytes, span_s),
            peer=_kbps(peers["JSON over MQTT"], span_s),
        ),
        Figure(
            name=AS_CBOR, unit="kbit/s",
            value=_kbps(peers["CBOR and zstd"], span_s),
        ),
        Figure(
            name="acknowledgements, down, TCP payload", unit="kbit/s",
            value=_kbps(after.down_bytes - before.down_bytes, span_s),
        ),
        Figure(name="agent, resident", value=resident / 1e6, unit="MB", bar=150.0),
        Figure(
            name="agent, of one core", unit="%", bar=10.0,
            value=100 * (after.cpu_s - before.cpu_s) / span_s,
        ),
    ]  # fmt: skip


def _ecg(rows: list[Row]) -> list[Figure]:
    """Return how long the ECG was, and what FLAC and zstd make of the same leads."""
    blocks = [b for row in rows if (b := _block(row)) is not None and b.group == "ecg"]
    seconds = sum(block.sample_count / block.rate_hz for block in blocks)
    samples = _leads(blocks)
    ours = sum(len(block.data) for block in blocks)
    flac = _kbps(flac_bytes(samples, block=_RATE_HZ), samples.shape[1] / _RATE_HZ)
    zstd = _kbps(zstd_bytes(samples, block=_RATE_HZ), samples.shape[1] / _RATE_HZ)
    value = _kbps(ours, seconds)
    return [
        Figure(
            name=ECG, unit="kbit/s", value=value, bar=flac,
            peer=flac,
        ),
        Figure(name=AS_FLAC, unit="kbit/s", value=flac),
        Figure(name=AS_ZSTD, unit="kbit/s", value=zstd),
    ]  # fmt: skip


def _leads(blocks: list[WaveformBlock]) -> Samples:
    found: dict[str, list[Samples]] = {}
    for block in sorted(blocks, key=lambda block: block.first_sample_index):
        for channel, samples in zip(block.channels, decode_samples(block), strict=True):
            found.setdefault(channel.code.rsplit("_", 1)[-1], []).append(samples)
    whole = [np.concatenate(found[lead]) for lead in INDEPENDENT]
    count = min(len(lead) for lead in whole)
    return np.stack([lead[:count] for lead in whole]).astype(np.int32)


def _block(row: Row) -> WaveformBlock | None:
    if row.stream is not Stream.WAVEFORM:
        return None
    message = parse_body(row.stream, row.body)
    return message if isinstance(message, WaveformBlock) else None


def _plain(row: Row) -> dict[str, Any]:
    """Return the record as somebody would write it who has no codec: samples as numbers."""
    body = dict(load_map(row.body))
    block = _block(row)
    if block is not None:
        body["data"] = [[int(n) for n in lead] for lead in decode_samples(block)]
        body.pop("encoding", None)
    found: dict[str, Any] = {"seq": int(row.seq), "captured_utc_us": row.captured_utc_us, **body}
    return found


def _json_bytes(row: Row, unit: str) -> int:
    text = json.dumps(value_as_json(_plain(row)), separators=(",", ":"), ensure_ascii=False)
    return len(text.encode()) + _mqtt_bytes(row, unit)


def _cbor_bytes(row: Row, unit: str) -> int:
    plain = _plain(row)
    block = _block(row)
    if block is not None:
        plain["data"] = np.stack(list(decode_samples(block))).astype("<i2").tobytes()
    return len(zstandard.compress(cbor2.dumps(plain), 3)) + _mqtt_bytes(row, unit)


def _mqtt_bytes(row: Row, unit: str) -> int:
    return _MQTT_BYTES + len(up(UnitId(unit), row.stream))


def _rows(city: SmallCity, from_utc_us: int, to_utc_us: int) -> Iterator[Row]:
    for stream in UP:
        for row in export_rows(city.journal, stream, since_utc_us=from_utc_us):
            if row.captured_utc_us < to_utc_us:
                yield row


async def _flows(city: SmallCity) -> bool:
    return bool((await city.ask("status"))["modem"]["up"]["bytes"] > _FLOWING_BYTES)


async def _used(city: SmallCity) -> _Used:
    modem = (await city.ask("status"))["modem"]
    clock = city.start.clock
    return _Used(
        at_s=clock.monotonic_s(),
        at_utc_us=clock.utc_us(),
        up_bytes=modem["up"]["bytes"],
        down_bytes=modem["down"]["bytes"],
        cpu_s=_cpu_s(city.pid(f"agent-{city.site.unit}")),
    )


def _cpu_s(pid: int) -> float:
    """Return user and system time of a process. Source: proc(5), stat, fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _kbps(size_bytes: int, span_s: float) -> float:
    return size_bytes * 8 / span_s / 1000
