"""Which codes mean which vital sign, waveform and unit.

Source: ISO/IEEE 11073-10101, code = partition × 65536 + term; the synonyms are those that messages
of deployed monitors carry. LOINC codes stand for the MDC code that measures the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal

WaveGroup = Literal["ecg", "pleth", "resp", "other"]


class Quantity(Enum):
    """What kind of number, and so which units it may come in."""

    RATE = "per minute"
    PERCENT = "percent"
    PRESSURE = "mmHg"
    TEMPERATURE = "degrees Celsius"
    GLUCOSE = "mmol/L"


class Pressure(Enum):
    """How a blood pressure was taken; the two are never mixed in one reading."""

    CUFF = "cuff"
    ARTERIAL = "arterial line"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A vital sign: the field of `VitalsReading`; of several in a message the least rank wins."""

    field: str
    quantity: Quantity
    rank: int = 0
    pressure: Pressure | None = None


_R, _P, _T, _G = Quantity.RATE, Quantity.PERCENT, Quantity.TEMPERATURE, Quantity.GLUCOSE
_VITALS: Final[tuple[tuple[int, str, Meaning], ...]] = (
    (147842, "MDC_ECG_HEART_RATE", Meaning("heart_rate_bpm", _R)),
    (147842, "MDC_ECG_CARD_BEAT_RATE", Meaning("heart_rate_bpm", _R)),
    (149530, "MDC_PULS_OXIM_PULS_RATE", Meaning("pulse_bpm", _R)),
    (149538, "MDC_PLETH_PULS_RATE", Meaning("pulse_bpm", _R, 1)),
    (149522, "MDC_BLD_PULS_RATE_INV", Meaning("pulse_bpm", _R, 2)),
    (149514, "MDC_PULS_RATE", Meaning("pulse_bpm", _R, 3)),
    (149546, "MDC_PULS_RATE_NON_INV", Meaning("pulse_bpm", _R, 4)),
    (150456, "MDC_PULS_OXIM_SAT_O2", Meaning("spo2_pct", _P)),
    (150472, "MDC_PULS_OXIM_SAT_O2_ART_LEFT", Meaning("spo2_pct", _P, 1)),
    (150476, "MDC_PULS_OXIM_SAT_O2_ART_RIGHT", Meaning("spo2_pct", _P, 1)),
    (151562, "MDC_RESP_RATE", Meaning("respiratory_rate_bpm", _R)),
    (151578, "MDC_TTHOR_RESP_RATE", Meaning("respiratory_rate_bpm", _R, 1)),
    (151552, "MDC_RESP", Meaning("respiratory_rate_bpm", _R, 1)),
    (151594, "MDC_CO2_RESP_RATE", Meaning("respiratory_rate_bpm", _R, 2)),
    (151570, "MDC_AWAY_RESP_RATE", Meaning("respiratory_rate_bpm", _R, 3)),
    (151586, "MDC_VENT_RESP_RATE", Meaning("respiratory_rate_bpm", _R, 4)),
    (150368, "MDC_TEMP_CORE", Meaning("body_temp_c", _T)),
    (150372, "MDC_TEMP_ESOPH", Meaning("body_temp_c", _T)),
    (150380, "MDC_TEMP_NASOPH", Meaning("body_temp_c", _T)),
    (188436, "MDC_TEMP_BLD", Meaning("body_temp_c", _T)),
    (188420, "MDC_TEMP_RECT", Meaning("body_temp_c", _T)),
    (150392, "MDC_TEMP_TYMP", Meaning("body_temp_c", _T)),
    (188428, "MDC_TEMP_EAR", Meaning("body_temp_c", _T)),
    (188424, "MDC_TEMP_ORAL", Meaning("body_temp_c", _T)),
    (150364, "MDC_TEMP_BODY", Meaning("body_temp_c", _T, 1)),
    (150344, "MDC_TEMP", Meaning("body_temp_c", _T, 1)),
    (188452, "MDC_TEMP_AXILLA", Meaning("body_temp_c", _T, 2)),
    (188496, "MDC_TEMP_AXIL", Meaning("body_temp_c", _T, 2)),
    (151728, "MDC_AWAY_CO2_ET", Meaning("etco2_mmhg", Quantity.PRESSURE)),
    (151708, "MDC_CONC_AWAY_CO2_ET", Meaning("etco2_mmhg", Quantity.PRESSURE, 1)),
    (160184, "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD", Meaning("glucose_mmol_l", _G)),
    (160188, "MDC_CONC_GLU_CAPILLARY_PLASMA", Meaning("glucose_mmol_l", _G)),
    (160192, "MDC_CONC_GLU_VENOUS_WHOLEBLOOD", Meaning("glucose_mmol_l", _G)),
    (160196, "MDC_CONC_GLU_VENOUS_PLASMA", Meaning("glucose_mmol_l", _G)),
    (160200, "MDC_CONC_GLU_ARTERIAL_WHOLEBLOOD", Meaning("glucose_mmol_l", _G)),
    (160204, "MDC_CONC_GLU_ARTERIAL_PLASMA", Meaning("glucose_mmol_l", _G)),
    (160364, "MDC_CONC_GLU_UNDETERMINED_WHOLEBLOOD", Meaning("glucose_mmol_l", _G, 1)),
    (160368, "MDC_CONC_GLU_UNDETERMINED_PLASMA", Meaning("glucose_mmol_l", _G, 1)),
    (160020, "MDC_CONC_GLU_GEN", Meaning("glucose_mmol_l", _G, 1)),
)  # fmt: skip

_PRESSURES: Final = (  # first code of sys, dia, mean in a row; head of the names; how; rank
    (150021, "MDC_PRESS_BLD_NONINV", Pressure.CUFF, 0),
    (150301, "MDC_PRESS_CUFF", Pressure.CUFF, 1),
    (150017, "MDC_PRESS_BLD", Pressure.CUFF, 3),  # says neither; monitors send their cuff so
    (150033, "MDC_PRESS_BLD_ART", Pressure.ARTERIAL, 0),
    (150037, "MDC_PRESS_BLD_ART_ABP", Pressure.ARTERIAL, 1),
    (150029, "MDC_PRESS_BLD_AORT", Pressure.ARTERIAL, 2),
)
_PHASES: Final = (
    ("SYS", "systolic_mmhg"), ("DIA", "diastolic_mmhg"), ("MEAN", "mean_arterial_mmhg"),
)  # fmt: skip

UNUSED: Final = MappingProxyType({
    150388: "MDC_TEMP_SKIN", 188432: "MDC_TEMP_FINGER", 188448: "MDC_TEMP_TOE",
    188440: "MDC_TEMP_DIFF", 150356: "MDC_TEMP_AWAY", 160208: "MDC_CONC_GLU_CONTROL",
    150448: "MDC_PULS_OXIM_PERF_REL", 150324: "MDC_SAT_O2_ART", 150316: "MDC_SAT_O2",
})  # fmt: skip
"""Understood, and no vital sign of a reading: a skin probe, a test of the glucose meter."""


def _meanings() -> tuple[dict[int, Meaning], dict[str, Meaning]]:
    rows = list(_VITALS)
    for first, head, pressure, rank in _PRESSURES:
        for offset, (phase, name) in enumerate(_PHASES):
            meaning = Meaning(name, Quantity.PRESSURE, rank, pressure)
            rows.append((first + offset, f"{head}_{phase}", meaning))
    bare = Meaning("systolic_mmhg", Quantity.PRESSURE, 2, Pressure.CUFF)
    rows.append((150020, "MDC_PRESS_BLD_NONINV", bare))  # the group's own code, seen for systolic
    return {code: what for code, _, what in rows}, {name: what for _, name, what in rows}


_by_code, _by_name = _meanings()
BY_CODE: Final[Mapping[int, Meaning]] = MappingProxyType(_by_code)
"""Vital signs by MDC code."""
BY_NAME: Final[Mapping[str, Meaning]] = MappingProxyType(_by_name)
"""Vital signs by reference id."""

LOINC: Final = MappingProxyType({
    "8867-4": 147842, "59408-5": 150456, "2708-6": 150456, "9279-1": 151562, "8310-5": 150364,
    "8480-6": 150017, "8462-4": 150018, "8478-0": 150019,
})  # fmt: skip

_LEADS: Final = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
WAVES: Final[Mapping[int, tuple[str, WaveGroup]]] = MappingProxyType({
    131328: ("MDC_ECG_ELEC_POTL", "ecg"),
    **{131329 + at: (f"MDC_ECG_ELEC_POTL_{lead}", "ecg") for at, lead in enumerate(_LEADS)},
    131389: ("MDC_ECG_ELEC_POTL_III", "ecg"),
    131390: ("MDC_ECG_ELEC_POTL_AVR", "ecg"),
    131391: ("MDC_ECG_ELEC_POTL_AVL", "ecg"),
    131392: ("MDC_ECG_ELEC_POTL_AVF", "ecg"),
    131415: ("MDC_ECG_ELEC_POTL_V", "ecg"),
    150452: ("MDC_PULS_OXIM_PLETH", "pleth"),
    149504: ("MDC_PULS_OXIM_PLETH", "pleth"),  # as older gateways send it
    151780: ("MDC_IMPED_TTHOR", "resp"),
    151552: ("MDC_RESP", "resp"),
    151724: ("MDC_AWAY_CO2", "other"),
    150032: ("MDC_PRESS_BLD_ART", "other"),
    150036: ("MDC_PRESS_BLD_ART_ABP", "other"),
    150016: ("MDC_PRESS_BLD", "other"),
})  # fmt: skip
"""Waveforms by MDC code: reference id and group."""

MMHG_PER_KPA: Final = 7.500_616_827
"""Source: 1 mmHg = 133.322 387 415 Pa."""

MG_DL_PER_MMOL_L: Final = 18.0156
"""Source: molar mass of glucose, 180.156 g/mol."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Value in the quantity's own unit = (value − zero) × scale."""

    quantity: Quantity
    scale: float = 1.0
    zero: float = 0.0


_FAHRENHEIT: Final = Unit(_T, 5 / 9, 32.0)
UNITS: Final[Mapping[str, Unit]] = MappingProxyType({
    **dict.fromkeys(
        ("264864", "MDC_DIM_BEAT_PER_MIN", "264928", "MDC_DIM_RESP_PER_MIN", "264672",
         "MDC_DIM_PER_MIN", "/MIN", "1/MIN", "BPM", "RPM", "{BEATS}/MIN", "{BREATHS}/MIN"),
        Unit(_R),
    ),
    **dict.fromkeys(("262688", "MDC_DIM_PERCENT", "%"), Unit(_P)),
    **dict.fromkeys(("266016", "MDC_DIM_MMHG", "MM[HG]", "MMHG"), Unit(Quantity.PRESSURE)),
    **dict.fromkeys(
        ("265987", "MDC_DIM_KILO_PASCAL", "KPA"), Unit(Quantity.PRESSURE, MMHG_PER_KPA)
    ),
    **dict.fromkeys(
        ("265986", "MDC_DIM_HECTO_PASCAL", "HPA"), Unit(Quantity.PRESSURE, MMHG_PER_KPA / 10)
    ),
    **dict.fromkeys(("268192", "MDC_DIM_DEGC", "CEL", "°C", "DEGC"), Unit(_T)),
    **dict.fromkeys(
        ("266560", "268224", "MDC_DIM_FAHR", "[DEGF]", "°F", "DEGF"), _FAHRENHEIT
    ),
    **dict.fromkeys(("266866", "MDC_DIM_MILLI_MOLE_PER_L", "MMOL/L"), Unit(_G)),
    **dict.fromkeys(
        ("264274", "MDC_DIM_MILLI_G_PER_DL", "MG/DL"), Unit(_G, 1 / MG_DL_PER_MMOL_L)
    ),
})  # fmt: skip
"""Units of vital signs by MDC code, reference id or usual spelling, in capitals."""

PLAIN: Final = frozenset({Quantity.RATE, Quantity.PERCENT})
"""Quantities that come in one unit only: theirs may be left out."""

WAVE_UNITS: Final[Mapping[str, str]] = MappingProxyType({
    "266419": "uV", "MDC_DIM_MICRO_VOLT": "uV", "UV": "uV",
    "266418": "mV", "MDC_DIM_MILLI_VOLT": "mV", "MV": "mV",
    "262688": "%", "MDC_DIM_PERCENT": "%", "%": "%",
    "262656": "1", "MDC_DIM_DIMLESS": "1", "1": "1", "": "1",
    "266016": "mm[Hg]", "MDC_DIM_MMHG": "mm[Hg]", "MMHG": "mm[Hg]", "MM[HG]": "mm[Hg]",
    "265987": "kPa", "MDC_DIM_KILO_PASCAL": "kPa", "KPA": "kPa",
    "MDC_DIM_OHM": "Ohm", "MDC_DIM_X_OHM": "Ohm", "OHM": "Ohm",
})  # fmt: skip
"""UCUM units of waveforms."""
