"""The newest ten seconds of ECG as one FHIR R4 Observation. Pure.

Source: FHIR R4 SampledData: value = data × factor + origin, one sample a `period` (ms), `E` where
there is none. Samples stand where they were taken: a block that never arrived leaves a hole.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hub.handoff.case import Case
from hub.handoff.fhir import LOINC, MDC, UCUM, Ids, Json, category, coded, instant
from hub.handoff.resources import begun, device_of
from protocols.errors import RemoteProtocolError
from protocols.messages import WaveformBlock
from protocols.messages.samples import Samples, decode_samples

_NONE: Final = np.iinfo(np.int64).min
_MOST_SAMPLES: Final = 100_000
_MOST_OFFSET: Final = 2**32
_SAME_RUN_S: Final = 0.5
"""Sample numbers and stamps agree this well unless the device began to count afresh."""

_POTENTIAL: Final = 131328
"""MDC_ECG_ELEC_POTL; the lead's number is added. Source: ISO/IEEE 11073-10101:2020, annex A."""

_LEADS: Final = {
    "I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8,
    "III": 61, "AVR": 62, "AVL": 63, "AVF": 64,
}  # fmt: skip

_Grid = npt.NDArray[np.int64]
"""Shape (channels, samples); `_NONE` where there is none."""


def ecg_observation(case: Case, ids: Ids) -> tuple[str, Json] | None:
    """Return (name, Observation) of the ECG, every sample of it, or None where there is none."""
    decoded = _decoded(case.ecg)
    if not decoded:
        return None
    first_us, first, _ = decoded[0]
    grid = _grid(decoded)
    found = begun(case, ids) | device_of(ids, first.channels[0].source)
    found |= {
        "effectivePeriod": {
            "start": instant(first_us),
            "end": instant(first_us + round(grid.shape[1] / first.rate_hz * 1e6)),
        },
        "category": category("procedure", "Procedure"),
        "code": coded(LOINC, "11524-6", "EKG study"),
        "component": [
            {
                "code": _lead(channel.code),
                "valueSampledData": {
                    "origin": {
                        "value": 0,
                        "unit": channel.unit,
                        "system": UCUM,
                        "code": channel.unit,
                    },
                    "period": 1000 / first.rate_hz,
                    "factor": channel.gain,
                    "dimensions": 1,
                    "data": _words(row),
                },
            }
            for channel, row in zip(first.channels, grid, strict=True)
        ],
    }
    return "ecg", found


def lead_name(reference_id: str) -> str:
    """Return what people call the lead of an ISO/IEEE 11073 reference id: `V1`, `AVR`."""
    return reference_id.removeprefix("MDC_ECG_ELEC_POTL_").removeprefix("MDC_ECG_LEAD_")


def _decoded(
    blocks: Sequence[tuple[int, WaveformBlock]],
) -> list[tuple[int, WaveformBlock, Samples]]:
    """Return the readable blocks that were recorded as the newest one was."""
    found: list[tuple[int, WaveformBlock, Samples]] = []
    room = _MOST_SAMPLES
    for at_utc_us, block in reversed(blocks):
        room -= block.sample_count
        if room < 0:
            break
        if found and (block.rate_hz, block.channels) != (found[0][1].rate_hz, found[0][1].channels):
            break  # the device was set anew
        if any(abs(channel.offset) > _MOST_OFFSET for channel in block.channels):
            continue
        try:
            found.append((at_utc_us, block, decode_samples(block)))
        except RemoteProtocolError:
            continue
    return found[::-1]


def _grid(decoded: Sequence[tuple[int, WaveformBlock, Samples]]) -> _Grid:
    placed = [(_place(decoded[0], one), one) for one in decoded]
    length = min(_MOST_SAMPLES, max(at + one[1].sample_count for at, one in placed))
    grid = np.full((len(decoded[0][1].channels), length), _NONE, np.int64)
    for at, (_, block, samples) in placed:
        values = samples.astype(np.int64)[:, : max(0, length - at)]
        taken = values - np.array([[channel.offset] for channel in block.channels])
        if block.missing is not None:
            taken[values == block.missing] = _NONE
        grid[:, at : at + taken.shape[1]] = taken
    return grid


def _place(
    first: tuple[int, WaveformBlock, Samples], one: tuple[int, WaveformBlock, Samples]
) -> int:
    """Return how many samples after the first block's first this block's first was taken."""
    rate_hz = first[1].rate_hz
    by_time = round((one[0] - first[0]) / 1e6 * rate_hz)
    by_number = one[1].first_sample_index - first[1].first_sample_index
    return by_number if by_number >= 0 and _agree(by_number, by_time, rate_hz) else by_time


def _agree(by_number: int, by_time: int, rate_hz: float) -> bool:
    return abs(by_number - by_time) < _SAME_RUN_S * rate_hz


def _lead(reference_id: str) -> Json:
    """Return the lead's code; a lead that is not in the table keeps its name alone."""
    name = lead_name(reference_id)
    if name not in _LEADS:
        return {"text": reference_id}
    return coded(MDC, str(_POTENTIAL + _LEADS[name]), f"MDC_ECG_ELEC_POTL_{name}")


def _words(row: npt.NDArray[np.int64]) -> str:
    words = row.astype(str)
    words[row == _NONE] = "E"
    return " ".join(words.tolist())
