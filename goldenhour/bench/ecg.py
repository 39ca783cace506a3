"""How short real ECGs become, at the lengths at which they travel live: beside FLAC and zstd -19.

Every record at hand, at its own step and digitised anew at 5 µV, with all its leads and with few,
in blocks of a quarter of a second to ten. Each block is read back and compared. FLAC and Zstandard
have the eight independent leads where a record has twelve: FLAC has no more channels, and the other
four are sums. What coding costs is processor time, for what the wall says depends on the machine's
other work. The bars are held over the lengths of live frames, `LIVE_S` at most; ten seconds are
a document's, and printed beside them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time
from typing import Final

import numpy as np

from firmware_sim import recordings
from firmware_sim.monitor.records import digitise, open_wfdb
from firmware_sim.monitor.signals import Recorded
from goldenhour.bench.codecs import INDEPENDENT, Samples, flac_bytes, zstd_bytes
from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.picture import Bar, bars
from protocols.errors import ConfigError
from protocols.messages import interlead3

BLOCKS_S: Final = (0.256, 0.5, 1.0, 2.0, 10.0)
LIVE_S: Final = 2.0
STEP_UV: Final = 5.0
FEW: Final = (("II",), ("II", "V1", "V5"), ("II", "V"))
"""What is played besides all leads, of records that have these."""

WRITING: Final = "to write a second of 12 leads, processor time, median"
READING: Final = "to read a block of a second of 12 leads, processor time, median"
AGAINST_FLAC: Final = "the largest share of what FLAC needs"
AGAINST_ZSTD: Final = "the largest share of what zstd -19 needs"
OF_DOCUMENTS: Final = ", blocks longer than live ones"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Leads of one record, shape (leads, samples)."""

    record: str
    leads: tuple[str, ...]
    step_uv: float
    rate_hz: float
    samples: Samples

    @property
    def name(self) -> str:
        """What a figure calls it."""
        few = f"{len(self.leads)} leads" if len(self.leads) > 1 else f"lead {self.leads[0]}"
        return f"{self.record}, {few}, {self.step_uv:.3g} µV"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One record in blocks of one length, all in kbit/s."""

    played: Played
    block_s: float
    ours: float
    flac: float
    zstd: float
    writing_ms: list[float]  # a block
    reading_ms: list[float]

    @property
    def is_live(self) -> bool:
        """Frames of the live lane are of this length."""
        return self.block_s <= LIVE_S

    @property
    def name(self) -> str:
        """What a figure calls it."""
        return f"{self.played.name}, blocks of {self.block_s:g} s"


def measure(records: Sequence[Path], *, seconds: float) -> list[Cell]:
    """Write, read back and compare up to `seconds` of each record; `records` are WFDB, no ending.

    Raises:
        ConfigError: a record cannot be read, none holds an ECG, or a package is not installed.
        RuntimeError: what was read is not what was written.
    """
    cells = [
        _cell(played, block_s, seconds)
        for played in _all_played(records)
        for block_s in BLOCKS_S
        if round(block_s * played.rate_hz) <= played.samples.shape[1]
    ]
    if not cells:
        raise ConfigError(reason="no ECG at hand; name a WFDB record with --record")
    return cells


def figures(cells: Sequence[Cell]) -> list[Figure]:
    """Return each live cell against the shorter of its peers, and what coding costs."""
    seconds = [c for c in cells if c.block_s == 1.0 and len(c.played.leads) > len(INDEPENDENT)]
    found = [
        Figure(name=cell.name, value=cell.ours, unit="kbit/s",
               bar=min(cell.flac, cell.zstd) if cell.is_live else None, peer=cell.flac)
        for cell in cells
    ]  # fmt: skip
    for some, ending, bar in (
        ([c for c in cells if c.is_live], "", 1.0),
        ([c for c in cells if not c.is_live], OF_DOCUMENTS, None),
    ):
        if some:
            of_flac, of_zstd = (
                max(c.ours / c.flac for c in some),
                max(c.ours / c.zstd for c in some),
            )
            found += [
                Figure(name=AGAINST_FLAC + ending, value=of_flac, unit="1", bar=bar),
                Figure(name=AGAINST_ZSTD + ending, value=of_zstd, unit="1", bar=bar),
            ]
    if seconds:
        writing = [ms for cell in seconds for ms in cell.writing_ms]
        reading = [ms for cell in seconds for ms in cell.reading_ms]
        found += [
            Figure(name=WRITING, value=median(writing), unit="ms", bar=30.0),
            Figure(name=READING, value=median(reading), unit="ms", bar=10.0),
            Figure(name="… p95 to write", value=quantile(writing, 0.95), unit="ms"),
            Figure(name="… p95 to read", value=quantile(reading, 0.95), unit="ms"),
        ]
    return found


def picture(cells: Sequence[Cell], note: str) -> str:
    """Return the picture of the first record with the most leads, at 5 µV if it has that."""
    most = max(len(cell.played.leads) for cell in cells)
    full = [cell for cell in cells if len(cell.played.leads) == most]
    first = next((c.played for c in full if c.played.step_uv == STEP_UV), full[0].played)
    rows = [
        bar
        for cell in full
        if cell.played is first
        for bar in (
            Bar(f"blocks of {cell.block_s:g} s: Golden Hour", cell.ours, is_ours=True),
            Bar("FLAC, 8 of the leads", cell.flac),
            Bar("zstd -19, 8 of the leads", cell.zstd),
        )
    ]
    return bars(f"ECG without loss: {first.name}", "kbit/s", rows, limit=None, note=note)


def _all_played(records: Sequence[Path]) -> Iterator[Played]:
    for recorded in _recorded(records):
        yield from _played(recorded)
        yield from _played(digitise(recorded, step_uv=STEP_UV))


def _recorded(records: Sequence[Path]) -> Iterator[Recorded]:
    for path in records:
        yield from (one for one in open_wfdb(path) if one.group.kind == "ecg")
    found = recordings.twelve_lead()
    if found is not None:
        yield found


def _played(recorded: Recorded) -> Iterator[Played]:
    names = tuple(channel.name for channel in recorded.group.channels)
    source = recorded.group.source.removeprefix("recording: ").partition(",")[0]
    for leads in (names, *(few for few in FEW if set(few) < set(names))):
        places = [names.index(lead) for lead in leads]
        yield Played(
            record=source,
            leads=leads,
            step_uv=recorded.group.channels[places[0]].resolution,
            rate_hz=float(recorded.group.rate_hz),
            samples=np.ascontiguousarray(recorded.samples[places]),
        )


def _cell(played: Played, block_s: float, seconds: float) -> Cell:
    block = round(block_s * played.rate_hz)
    usable = min(played.samples.shape[1], round(max(seconds, block_s) * played.rate_hz))
    count = usable // block
    writing_ms: list[float] = []
    reading_ms: list[float] = []
    total = 0
    for number in range(count):
        part = np.ascontiguousarray(played.samples[:, number * block : (number + 1) * block])
        begun_s = process_time()
        data = interlead3.encode(part)
        written_s = process_time()
        read = interlead3.decode(data, channels=len(part), count=block)
        writing_ms.append((written_s - begun_s) * 1e3)
        reading_ms.append((process_time() - written_s) * 1e3)
        if not np.array_equal(read, part):
            raise RuntimeError(f"{played.name}: block {number} did not come back")
        total += len(data)
    others = _independent(played)[:, : count * block]
    kbps = 8 / (count * block / played.rate_hz) / 1000
    return Cell(
        played=played,
        block_s=block_s,
        ours=total * kbps,
        flac=flac_bytes(others, block=block) * kbps,
        zstd=zstd_bytes(others, block=block) * kbps,
        writing_ms=writing_ms,
        reading_ms=reading_ms,
    )


def _independent(played: Played) -> Samples:
    if len(played.leads) <= len(INDEPENDENT):
        return played.samples
    return played.samples[[played.leads.index(lead) for lead in INDEPENDENT]]
