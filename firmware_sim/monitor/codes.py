"""What is measured, in the nomenclature of ISO/IEEE 11073-10101, as monitors send it.

Source: codes seen in messages of deployed monitors (Philips, Mindray, GE), and 10101's rule
code = partition × 65536 + term.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Coded:
    """A code and its reference id, as one HL7 v2 field `150456^MDC_PULS_OXIM_SAT_O2^MDC`."""

    code: int
    name: str
    system: str = "MDC"

    def field(self) -> str:
        """Return the three components."""
        return f"{self.code}^{self.name}^{self.system}"


BEAT_PER_MIN: Final = Coded(264864, "MDC_DIM_BEAT_PER_MIN")
RESP_PER_MIN: Final = Coded(264928, "MDC_DIM_RESP_PER_MIN")
PERCENT: Final = Coded(262688, "MDC_DIM_PERCENT")
MMHG: Final = Coded(266016, "MDC_DIM_MMHG")
DEGC: Final = Coded(268192, "MDC_DIM_DEGC")
MILLI_VOLT: Final = Coded(266418, "MDC_DIM_MILLI_VOLT")
MICRO_VOLT: Final = Coded(266419, "MDC_DIM_MICRO_VOLT")
DIMLESS: Final = Coded(262656, "MDC_DIM_DIMLESS")
PER_SEC: Final = Coded(264608, "MDC_DIM_PER_SEC")

MONITORING: Final = Coded(182777000, "monitoring of patient", "SCT")
WAVES_CONTINUOUS: Final = Coded(69121, "MDC_OBS_WAVE_CTS")

SAMPLE_RATE: Final = Coded(0, "MDC_ATTR_SAMP_RATE")
RESOLUTION: Final = Coded(2327, "MDC_ATTR_NU_MSMT_RES")
INVALID_SAMPLE: Final = Coded(196660, "MDC_EVT_INOP")

ALARM: Final = Coded(196616, "MDC_EVT_ALARM")
EVENT_HIGH: Final = Coded(196648, "MDC_EVT_HI")
EVENT_LOW: Final = Coded(196670, "MDC_EVT_LO")
EVENT_PHASE: Final = Coded(68481, "MDC_ATTR_EVENT_PHASE")
ALARM_STATE: Final = Coded(68482, "MDC_ATTR_ALARM_STATE")

SIGNAL_SOURCE: Final = Coded(0, "GH_SIGNAL_SOURCE", "99GH")
SAMPLE_INDEX: Final = Coded(0, "GH_SAMPLE_INDEX", "99GH")
ZERO_OFFSET: Final = Coded(0, "GH_ZERO_OFFSET", "99GH")


@dataclass(frozen=True, slots=True)
class Part:
    """A device, virtual device or channel of the containment tree, and its place in OBX-4."""

    code: Coded
    place: str


MDS: Final = Part(Coded(69965, "MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS"), "1.0.0.0")
ECG_VMD: Final = Part(Coded(69798, "MDC_DEV_ECG_VMD"), "1.5.0.0")
PRESSURE_VMD: Final = Part(Coded(69854, "MDC_DEV_METER_PRESS_BLD_VMD"), "1.13.0.0")
OXIMETER_VMD: Final = Part(Coded(69642, "MDC_DEV_ANALY_SAT_O2_VMD"), "1.22.0.0")
TEMPERATURE_VMD: Final = Part(Coded(69902, "MDC_DEV_METER_TEMP_VMD"), "1.26.0.0")
RESP_VMD: Final = Part(Coded(70666, "MDC_DEV_ECG_RESP_VMD"), "1.7.0.0")


@dataclass(frozen=True, slots=True)
class Metric:
    """One number: where it stands, its code and unit, its decimals, codes that mean the same."""

    vmd: Part
    channel: int
    code: Coded
    unit: Coded
    decimals: int = 0
    synonyms: tuple[Coded, ...] = ()

    @property
    def place(self) -> str:
        """OBX-4: MDS.VMD.CHAN.METRIC."""
        head = self.vmd.place.removesuffix(".0.0")
        return f"{head}.{self.channel}.{self.code.code}"


METRICS: Final = MappingProxyType({
    "heart_rate": Metric(ECG_VMD, 1, Coded(147842, "MDC_ECG_HEART_RATE"), BEAT_PER_MIN),
    "pulse": Metric(OXIMETER_VMD, 1, Coded(149530, "MDC_PULS_OXIM_PULS_RATE"), BEAT_PER_MIN),
    "spo2": Metric(OXIMETER_VMD, 1, Coded(150456, "MDC_PULS_OXIM_SAT_O2"), PERCENT),
    "respiratory_rate": Metric(
        RESP_VMD, 1, Coded(151562, "MDC_RESP_RATE"), RESP_PER_MIN,
        synonyms=(Coded(151578, "MDC_TTHOR_RESP_RATE"),),
    ),
    "temperature": Metric(TEMPERATURE_VMD, 1, Coded(150344, "MDC_TEMP"), DEGC, 1),
    "systolic": Metric(
        PRESSURE_VMD, 1, Coded(150021, "MDC_PRESS_BLD_NONINV_SYS"), MMHG,
        synonyms=(
            Coded(150017, "MDC_PRESS_BLD_SYS"),
            Coded(150020, "MDC_PRESS_BLD_NONINV"),
            Coded(150301, "MDC_PRESS_CUFF_SYS"),
        ),
    ),
    "diastolic": Metric(
        PRESSURE_VMD, 1, Coded(150022, "MDC_PRESS_BLD_NONINV_DIA"), MMHG,
        synonyms=(Coded(150018, "MDC_PRESS_BLD_DIA"), Coded(150302, "MDC_PRESS_CUFF_DIA")),
    ),
    "mean_arterial": Metric(
        PRESSURE_VMD, 1, Coded(150023, "MDC_PRESS_BLD_NONINV_MEAN"), MMHG,
        synonyms=(Coded(150019, "MDC_PRESS_BLD_MEAN"), Coded(150303, "MDC_PRESS_CUFF_MEAN")),
    ),
})  # fmt: skip
"""The numbers that this monitor sends, by the names that its faults and status use."""

CUFF: Final = frozenset({"systolic", "diastolic", "mean_arterial"})
"""Measured together, on the cuff's own cycle."""

LEADS: Final = MappingProxyType({
    "I": Coded(131329, "MDC_ECG_ELEC_POTL_I"),
    "II": Coded(131330, "MDC_ECG_ELEC_POTL_II"),
    "III": Coded(131389, "MDC_ECG_ELEC_POTL_III"),
    "aVR": Coded(131390, "MDC_ECG_ELEC_POTL_AVR"),
    "aVL": Coded(131391, "MDC_ECG_ELEC_POTL_AVL"),
    "aVF": Coded(131392, "MDC_ECG_ELEC_POTL_AVF"),
    "V1": Coded(131331, "MDC_ECG_ELEC_POTL_V1"),
    "V2": Coded(131332, "MDC_ECG_ELEC_POTL_V2"),
    "V3": Coded(131333, "MDC_ECG_ELEC_POTL_V3"),
    "V4": Coded(131334, "MDC_ECG_ELEC_POTL_V4"),
    "V5": Coded(131335, "MDC_ECG_ELEC_POTL_V5"),
    "V6": Coded(131336, "MDC_ECG_ELEC_POTL_V6"),
    "V": Coded(131415, "MDC_ECG_ELEC_POTL_V"),
})  # fmt: skip
"""ECG leads by their usual names, in the order of a printed 12-lead. `V`: one chest electrode."""

INDEPENDENT_LEADS: Final = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The eight that carry everything; the other four follow from I and II."""

PLETH: Final = Coded(150452, "MDC_PULS_OXIM_PLETH")
IMPEDANCE: Final = Coded(151780, "MDC_IMPED_TTHOR")
