r"""HL7 v2.6 ORU^R01 messages, as a patient monitor's gateway sends them. Pure.

Numerics follow IHE [DEV-01] (the former PCD-01): OBR-4 `182777000^monitoring of patient^SCT`, one
OBX of type NM for each number. Waveforms follow IHE PCD's Waveform Content Module: OBR-4
`69121^MDC_OBS_WAVE_CTS^MDC` with the first and the last sample's time in OBR-7 and OBR-8, one OBX
of type NA for each signal, and its attributes as OBX whose OBX-4 is the signal's with one more
level: `.1` samples per second, `.2` the resolution (units per bit), `.3` the sample value that
means "no signal". OBX-4 is the containment MDS.VMD.CHAN.METRIC, OBX-18 the device's EUI-64.

What a real monitor does not say and this one does, under the private system `99GH`:

- `0^GH_SIGNAL_SOURCE^99GH`, type ST: what made the signal, `model` or `recording: PTB s0010_re`.
  It holds for the OBX-4 that it names and for everything beneath (a trailing `.0` level stands for
  all: `1.5.1.0` is every signal of that channel, `1.0.0.0` the whole message); the closest one
  wins.
- `0^GH_SAMPLE_INDEX^99GH`, type NM, beneath OBR-4 69121: how many samples of this group came
  before, since the monitor was switched on. A jump is a hole.
- `0^GH_ZERO_OFFSET^99GH`, type NM, attribute `.4` of a signal: the sample value that means zero,
  where that is not 0.

Alerts follow IHE [DEV-04] (the former PCD-04): ORU^R40, OBR-4 `196616^MDC_EVT_ALARM^MDC`, facets
one level beneath the metric; OBX-8 of the numbers themselves says the same.

A driver that ignores all three loses nothing that a real monitor would have told it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from firmware_sim.monitor.alarms import EVENTS, LIMITS, Alert
from firmware_sim.monitor.codes import (
    ALARM,
    ALARM_STATE,
    DIMLESS,
    ECG_VMD,
    EVENT_HIGH,
    EVENT_LOW,
    EVENT_PHASE,
    INVALID_SAMPLE,
    MDS,
    METRICS,
    MONITORING,
    OXIMETER_VMD,
    PER_SEC,
    RESOLUTION,
    RESP_VMD,
    SAMPLE_INDEX,
    SAMPLE_RATE,
    SIGNAL_SOURCE,
    WAVES_CONTINUOUS,
    ZERO_OFFSET,
    Coded,
    Part,
)
from firmware_sim.monitor.signals import INVALID, Group, Samples

_PROFILE = "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO"
_ALERT_PROFILE = "IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.4.4^ISO"
_VMD_OF = {"ecg": ECG_VMD, "pleth": OXIMETER_VMD, "resp": RESP_VMD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who speaks of whom. `eui64` is sixteen hexadecimal digits."""

    eui64: str
    bed: str
    patient_id: str = ""
    patient_name: str = ""  # `family^given`, in any script
    utc_offset_minutes: int = 480


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One measured number: which, its text as sent, when, and what made it."""

    metric: str
    text: str
    measured_utc_us: int
    source: str
    code: Coded | None = None  # a synonym, where the usual code is not used
    flags: str = ""  # the monitor's own limit is broken: L or H, and the priority


class OruWriter:
    """Writes the messages of one monitor; every message has a control id of its own."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._boot = ""
        self._count = 0

    def restart(self, utc_us: int) -> None:
        """Begin a new series of control ids, as after power on."""
        self._boot = f"{utc_us // 1_000_000:X}"
        self._count = 0

    def numerics(
        self, numbers: Sequence[Number], *, now_utc_us: int, extra: Sequence[str] = ()
    ) -> tuple[str, str]:
        """Return `(control id, message)` with `numbers`; `extra` segments go last."""
        rows = _Rows(self)
        rows.part(MDS)
        rows.text(SIGNAL_SOURCE, MDS.place, "model")
        seen: set[str] = set()
        for number in numbers:
            metric = METRICS[number.metric]
            if metric.vmd.place not in seen:
                seen.add(metric.vmd.place)
                rows.part(metric.vmd)
            rows.number(
                number.code or metric.code, metric.place, number.text, metric.unit,
                number.measured_utc_us, number.flags,
            )  # fmt: skip
            if number.source != "model":
                rows.text(SIGNAL_SOURCE, metric.place, number.source)
        obr = self._obr(1, MONITORING, now_utc_us, now_utc_us)
        return self._message([obr, *rows.segments, *extra], now_utc_us)

    def waves(
        self,
        blocks: Sequence[tuple[Group, int, Samples, int]],
        *,
        now_utc_us: int,
        extra: Sequence[str] = (),
    ) -> tuple[str, str]:
        """Return `(control id, message)` with one OBR for each of `blocks`.

        A block is its group, the index of its first sample, the samples (channels, n), n ≥ 1, and
        the time of the first sample.
        """
        segments: list[str] = []
        rows = _Rows(self)
        for number, (group, first, samples, start_utc_us) in enumerate(blocks, start=1):
            span_us = (samples.shape[1] - 1) * 1_000_000 // group.rate_hz
            segments.append(
                self._obr(number, WAVES_CONTINUOUS, start_utc_us, start_utc_us + span_us)
            )
            _wave_rows(rows, group, first, samples, start_utc_us)
            segments.extend(rows.segments)
            rows.segments.clear()
        return self._message([*segments, *extra], now_utc_us)

    def alert(self, alert: Alert, *, now_utc_us: int) -> tuple[str, str]:
        """Return `(control id, message)` of one alert, IHE [DEV-04] (the former PCD-04)."""
        rows = _Rows(self)
        if alert.event is not None:
            name, priority, kind, words = EVENTS[alert.event]
            place = f"{MDS.place.removesuffix('.0.0.0')}.0.0.{len(name)}"
            event = f"0^{name}^MDC^^^^^^{escape(words)}"
            rows.facet("CWE", ALARM, f"{place}.1", event, flags=f"{priority}~{kind}")
        else:
            metric = METRICS[alert.metric or ""]
            low, high = LIMITS[alert.metric or ""]
            is_low = alert.value is not None and alert.value < low
            place = metric.place
            flags = f"{'L' if is_low else 'H'}~PM~SP"
            code = EVENT_LOW if is_low else EVENT_HIGH
            rows.facet("CWE", code, f"{place}.1", metric.code.field(), flags=flags)
            text = "" if alert.value is None else f"{alert.value:.{metric.decimals}f}"
            rows.facet(
                "NM", metric.code, f"{place}.2", text, unit=metric.unit.field(),
                reference=f"{low:g}-{high:g}",
            )  # fmt: skip
        state = "inactive" if alert.phase == "end" else "active"
        rows.facet("ST", EVENT_PHASE, f"{place}.3", alert.phase)
        rows.facet("ST", ALARM_STATE, f"{place}.4", state)
        obr = self._obr(1, ALARM, now_utc_us, now_utc_us)
        return self._message([obr, *rows.segments], now_utc_us, kind="ORU^R40^ORU_R40")

    def time(self, utc_us: int) -> str:
        """Return an HL7 DTM with the monitor's own offset, to a tenth of a millisecond."""
        zone = timezone(timedelta(minutes=self.identity.utc_offset_minutes))
        at = datetime.fromtimestamp(utc_us // 1_000_000, UTC).astimezone(zone)
        return f"{at:%Y%m%d%H%M%S}.{utc_us % 1_000_000 // 100:04d}{at:%z}"

    def equipment(self) -> str:
        """Return OBX-18."""
        eui = self.identity.eui64
        return f"{eui}^GH_SIM_MONITOR^{eui}^EUI-64"

    def _obr(self, number: int, service: Coded, start_utc_us: int, end_utc_us: int) -> str:
        order = f"{self._boot}{self._count + 1}^GH_SIM_MONITOR^{self.identity.eui64}^EUI-64"
        return (
            f"OBR|{number}|{order}|{order}|{service.field()}|||"
            f"{self.time(start_utc_us)}|{self.time(end_utc_us)}"
        )

    def _message(
        self, body: Sequence[str], now_utc_us: int, *, kind: str = "ORU^R01^ORU_R01"
    ) -> tuple[str, str]:
        self._count += 1
        control_id = f"{self._boot}-{self._count}"
        who = self.identity
        msh = (
            f"MSH|^~\\&|GH_SIM_MONITOR^{who.eui64}^EUI-64||||{self.time(now_utc_us)}||"
            f"{kind}|{control_id}|P|2.6|||AL|NE|CHN|UNICODE UTF-8|zh^Chinese^ISO639||"
            f"{_PROFILE if 'R01' in kind else _ALERT_PROFILE}"
        )
        pid = f"PID|||{who.patient_id}^^^GH^PI||{who.patient_name}^^^^^L|||"
        pv1 = f"PV1||E|AMB^^{who.bed}"
        return control_id, "\r".join([msh, pid, pv1, *body]) + "\r"


class _Rows:
    """OBX segments, numbered through one message."""

    def __init__(self, writer: OruWriter) -> None:
        self._writer = writer
        self._count = 0
        self.segments: list[str] = []

    def part(self, part: Part) -> None:
        self._add("", part.code, part.place, "", "", "X", "")

    def number(  # noqa: PLR0913, PLR0917 -- the fields of an OBX, in their order
        self, code: Coded, place: str, text: str, unit: Coded, at_utc_us: int, flags: str
    ) -> None:
        at = self._writer.time(at_utc_us)
        self._add("NM", code, place, text, unit.field(), "R", at, flags=flags)

    def facet(  # noqa: PLR0913 -- the fields of an OBX
        self,
        kind: str,
        code: Coded,
        place: str,
        value: str,
        *,
        unit: str = "",
        reference: str = "",
        flags: str = "",
    ) -> None:
        self._add(kind, code, place, value, unit, "F", "", reference=reference, flags=flags)

    def attribute(self, code: Coded, place: str, text: str, unit: Coded = DIMLESS) -> None:
        self._add("NM", code, place, text, unit.field(), "R", "")

    def text(self, code: Coded, place: str, text: str) -> None:
        self._add("ST", code, place, escape(text), "", "R", "")

    def array(self, code: Coded, place: str, values: str, at_utc_us: int) -> None:
        self._add("NA", code, place, values, DIMLESS.field(), "R", self._writer.time(at_utc_us))

    def _add(  # noqa: PLR0913, PLR0917 -- the fields of an OBX, in their order
        self,
        kind: str,
        code: Coded,
        place: str,
        value: str,
        unit: str,
        status: str,
        at: str,
        *,
        reference: str = "",
        flags: str = "",
    ) -> None:
        self._count += 1
        self.segments.append(
            f"OBX|{self._count}|{kind}|{code.field()}|{place}|{value}|{unit}|{reference}|{flags}|||{status}|||{at}"
            f"||||{self._writer.equipment()}"
        )


def _wave_rows(rows: _Rows, group: Group, first: int, samples: Samples, start_utc_us: int) -> None:
    vmd = _VMD_OF[group.kind]
    head = f"{vmd.place.removesuffix('.0.0')}.1"
    rows.part(MDS)
    rows.part(vmd)
    rows.text(SIGNAL_SOURCE, f"{head}.0", group.source)
    rows.attribute(SAMPLE_INDEX, f"{head}.0", str(first))
    for channel, values in zip(group.channels, samples.tolist(), strict=True):
        place = f"{head}.{channel.code.code}"
        rows.array(channel.code, place, "^".join(map(str, values)), start_utc_us)
        rows.attribute(SAMPLE_RATE, f"{place}.1", str(group.rate_hz), PER_SEC)
        rows.attribute(RESOLUTION, f"{place}.2", f"{channel.resolution:.12g}", channel.unit)
        rows.attribute(INVALID_SAMPLE, f"{place}.3", str(INVALID))
        if channel.zero_offset:
            rows.attribute(ZERO_OFFSET, f"{place}.4", str(channel.zero_offset))


_ESCAPES: Mapping[str, str] = {
    "\\": "\\E\\",
    "|": "\\F\\",
    "^": "\\S\\",
    "&": "\\T\\",
    "~": "\\R\\",
}


def escape(text: str) -> str:
    r"""Return `text` with the five delimiters escaped, line ends as spaces."""
    return "".join(_ESCAPES.get(c, c) for c in text.replace("\r", " ").replace("\n", " "))
