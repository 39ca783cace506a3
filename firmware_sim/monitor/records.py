"""Recorded waveforms: WFDB records, DICOM 12-lead ECGs, and a plethysmogram as plain numbers.

A record's integers are sent as they are, with its own gain; a lead that it lacks is not made up.
Where a record has more samples than a monitor sends, every n-th is taken; nothing is filtered or
interpolated. On request an ECG is digitised anew, as by a monitor whose converter is coarser. Needs
the packages `wfdb` and `pydicom` (extra `demo`), loaded on use.
"""

import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from firmware_sim.monitor.codes import IMPEDANCE, LEADS, MICRO_VOLT, MILLI_VOLT, PERCENT, PLETH
from firmware_sim.monitor.signals import Channel, Group, Recorded, Samples
from protocols.errors import ConfigError

log = logging.getLogger(__name__)

TOP_RATE_HZ: Final = 500
"""Waveforms faster than this are thinned to it where a whole divisor exists."""

_LEAD_NAMES: Final = {name.upper(): name for name in LEADS}
_OTHER: Final[dict[str, tuple[Literal["pleth", "resp"], str]]] = {
    "PLETH": ("pleth", "pleth"), "PPG": ("pleth", "pleth"), "RESP": ("resp", "resp"),
}  # fmt: skip


def open_wfdb(record: Path, *, loop: bool = True) -> tuple[Recorded, ...]:
    """Return what the WFDB record at `record` (no suffix needed) holds that a monitor sends.

    Raises:
        ConfigError: no such record, a damaged one, or none of its signals is known here.
    """
    try:
        with warnings.catch_warnings():  # its tables use what its pandas has deprecated
            warnings.simplefilter("ignore")
            import wfdb  # noqa: PLC0415 -- heavy, and only wanted for WFDB records
    except ImportError as err:
        raise ConfigError(reason="WFDB records need the extra 'demo'", missing="wfdb") from err
    stem = record.with_suffix("") if record.suffix in {".hea", ".dat"} else record
    if not stem.with_suffix(".hea").is_file():
        raise ConfigError(reason="no such WFDB record", file=str(stem))
    try:
        read = wfdb.rdrecord(str(stem.absolute()), physical=False)
    except (ValueError, OSError, IndexError, KeyError) as err:
        raise ConfigError(reason="cannot read the WFDB record", file=str(stem)) from err
    rate_hz = round(float(read.fs))
    groups: dict[str, list[tuple[Channel, Samples]]] = {}
    for column, name in enumerate(read.sig_name):
        gain, unit = float(read.adc_gain[column]), str(read.units[column])
        found = _wfdb_channel(name, gain, unit, int(read.baseline[column]))
        if found is not None:
            kind, channel = found
            values = read.d_signal[:, column].astype(np.int32)
            groups.setdefault(kind, []).append((channel, values))
    return _recorded(groups, rate_hz, f"recording: {_title(stem)}", str(stem), loop=loop)


def open_dicom(path: Path, *, loop: bool = True, title: str | None = None) -> tuple[Recorded, ...]:
    """Return the first multiplex group of the DICOM waveform at `path`; `title` names it.

    Raises:
        ConfigError: not a DICOM ECG, or none of its channels is a known lead.
    """
    try:
        import pydicom  # noqa: PLC0415 -- heavy, and only wanted for DICOM files
        from pydicom.errors import InvalidDicomError  # noqa: PLC0415
    except ImportError as err:
        raise ConfigError(reason="DICOM ECGs need the extra 'demo'", missing="pydicom") from err
    try:
        dataset = pydicom.dcmread(path)
        block = dataset.WaveformSequence[0]
        raw = dataset.waveform_array(0)  # in the channels' units
    except (InvalidDicomError, AttributeError, OSError, ValueError, IndexError) as err:
        raise ConfigError(reason="cannot read a DICOM ECG", file=str(path)) from err
    channels: list[tuple[Channel, Samples]] = []
    for column, definition in enumerate(block.ChannelDefinitionSequence):
        name = str(definition.ChannelSourceSequence[0].CodeMeaning).removeprefix("Lead ")
        lead = _LEAD_NAMES.get(name.split(" ")[0].upper())
        if lead is None:
            continue
        resolution = float(definition.ChannelSensitivity) * float(
            definition.get("ChannelSensitivityCorrectionFactor", 1)
        )
        base = float(definition.get("ChannelBaseline", 0))
        values = np.rint((raw[:, column] - base) / resolution).astype(np.int32)
        channel = Channel(
            name=lead, code=LEADS[lead], unit=MICRO_VOLT, resolution=resolution,
            zero_offset=-round(base / resolution),
        )  # fmt: skip
        channels.append((channel, values))
    rate_hz = round(float(block.SamplingFrequency))
    source = f"recording: {title or path.name}"
    return _recorded({"ecg": channels} if channels else {}, rate_hz, source, str(path), loop=loop)


def open_pleth(values: Samples, *, rate_hz: int, percent_per_bit: float, source: str) -> Recorded:
    """Return a looping plethysmogram; `values` has shape (n,)."""
    channel = Channel(name="pleth", code=PLETH, unit=PERCENT, resolution=percent_per_bit)
    group = Group(kind="pleth", rate_hz=rate_hz, channels=(channel,), source=source)
    return Recorded(group=group, samples=values[np.newaxis, :].astype(np.int32), loop=True)


def open_record(
    name: str, *, loop: bool = True, ecg_step_uv: float | None = None
) -> tuple[Recorded, ...]:
    """Return the recording at the path `name`: `.dcm` is DICOM, anything else WFDB.

    With `ecg_step_uv`, an ECG is digitised anew (see `digitise`).

    Raises:
        ConfigError: it cannot be read.
    """
    path = Path(name)
    is_dicom = path.suffix.lower() in {".dcm", ".dicom"}
    found = open_dicom(path, loop=loop) if is_dicom else open_wfdb(path, loop=loop)
    if ecg_step_uv is None:
        return found
    return tuple(
        digitise(one, step_uv=ecg_step_uv, loop=loop) if one.group.kind == "ecg" else one
        for one in found
    )


def digitise(recorded: Recorded, *, step_uv: float, loop: bool = True) -> Recorded:
    """Return an ECG as a monitor with `step_uv` microvolts per bit would have sent it.

    Electrodes give such a monitor I, II and the chest leads; III, aVR, aVL and aVF it computes from
    I and II in whole numbers, halves rounded down. Source: P. Kligfield et al., Recommendations for
    the standardization and interpretation of the electrocardiogram, part I, Circulation 115 (2007).
    """
    group = recorded.group
    sent: dict[str, Samples] = {}
    for channel, samples in zip(group.channels, recorded.samples, strict=True):
        volts_uv = (samples - channel.zero_offset) * channel.resolution
        sent[channel.name] = np.rint(volts_uv / step_uv).astype(np.int32)
    if {"I", "II"} <= sent.keys():
        one, two = sent["I"], sent["II"]
        computed = {"III": two - one, "aVR": (-one - two) >> 1, "aVL": (2 * one - two) >> 1,
                    "aVF": (2 * two - one) >> 1}  # fmt: skip
        sent.update((name, samples) for name, samples in computed.items() if name in sent)
    channels = tuple(
        replace(channel, resolution=step_uv, zero_offset=0) for channel in group.channels
    )
    source = f"{group.source}, digitised at {step_uv:g} µV"
    return Recorded(
        group=replace(group, channels=channels, source=source),
        samples=np.stack([sent[channel.name] for channel in channels]),
        loop=loop,
    )


def _wfdb_channel(
    name: str, gain: float, unit: str, baseline: int
) -> tuple[Literal["ecg", "pleth", "resp"], Channel] | None:
    """Return what a WFDB signal is to a monitor. `gain` counts per `unit`."""
    lead = _LEAD_NAMES.get(name.strip().upper())
    if lead is not None:
        per_bit = 1.0 / gain if gain else 1.0
        micro = {"mV": per_bit * 1000, "uV": per_bit, "V": per_bit * 1e6}.get(unit)
        if micro is None:
            return None
        return "ecg", Channel(
            name=lead, code=LEADS[lead], unit=MICRO_VOLT, resolution=micro, zero_offset=baseline
        )
    other = _OTHER.get(name.strip().upper())
    if other is None:
        return None
    kind, label = other
    code, shown = (PLETH, PERCENT) if kind == "pleth" else (IMPEDANCE, MILLI_VOLT)
    per_bit = (100.0 if kind == "pleth" else 1.0) / gain if gain else 1.0
    return kind, Channel(
        name=label, code=code, unit=shown, resolution=per_bit, zero_offset=baseline
    )


def _recorded(
    groups: dict[str, list[tuple[Channel, Samples]]],
    rate_hz: int,
    source: str,
    file: str,
    *,
    loop: bool,
) -> tuple[Recorded, ...]:
    if not groups:
        raise ConfigError(reason="the recording has no signal that a monitor sends", file=file)
    step = rate_hz // TOP_RATE_HZ if rate_hz > TOP_RATE_HZ and rate_hz % TOP_RATE_HZ == 0 else 1
    out: list[Recorded] = []
    for kind, members in groups.items():
        members.sort(key=lambda member: _order(member[0].name))
        group = Group(
            kind=kind,  # type: ignore[arg-type]  # the keys are the three kinds
            rate_hz=rate_hz // step,
            channels=tuple(channel for channel, _ in members),
            source=source,
        )
        samples = np.stack([values for _, values in members])[:, ::step]
        out.append(Recorded(group=group, samples=np.ascontiguousarray(samples), loop=loop))
    return tuple(out)


def _order(name: str) -> int:
    return list(LEADS).index(name) if name in LEADS else 0


def _title(stem: Path) -> str:
    """`PTB s0010_re` for a record of that database, else the record's own name."""
    return (
        f"PTB {stem.name}"
        if stem.name.startswith("s0") and stem.name.endswith("re")
        else (stem.name)
    )
