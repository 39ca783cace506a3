"""The alarms as a page: the life of one as a drawing, and every default limit with its source."""

from collections.abc import Iterator

from protocols.clinical.alarms import DEFAULTS, TRANSITIONS, Limit, PatientClass, Phase

_INTRO = """# Alarms

What the vehicle's own agent calls attention to, on the tablet, at the doctor's and at the
operator's. It is no certified alarm system; it follows IEC 60601-1-8 where a program can.

An alarm is written to the vehicle's journal before any screen shows it; should the journal refuse,
it is shown all the same and written later. It ends only by a change that says why. What is not
measured any more never ends an alarm by silence: a technical alarm of the same priority takes its
place. The monitor's own alarms (HL7 `ORU^R40`, and the flags in OBX-8) are taken over as they are.

## The life of an alarm

`over`: the condition has ended, but nobody has seen the alarm yet; it stands until somebody has
(asystole, and what the monitor calls a high alarm). A seen alarm is silent until it gets worse.
"""

_LIMITS = """
## Default limits

Raised below *low* and above *high* (medium), below *lowest* and above *highest* (high); *back* is
how far within a limit the value must come again, *delay* how long it must be beyond (three seconds
at most beyond the outermost; delays after Görges et al. Anesth Analg 2009;108:1546). Every limit is
a setting, `alarms.limits`. NEWS2 and the shock index alarm for adults only.
"""


def alarms_page() -> str:
    """Return the page as Markdown; the diagram is Mermaid."""
    arrows = [
        f"    {phase.value} --> {reached.value} : {event.value}"
        for phase, moves in TRANSITIONS.items()
        for event, reached in moves.items()
    ]
    drawing = [
        "```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.CLEARED.value}", *arrows, "```",
    ]  # fmt: skip
    lines = [_INTRO, *drawing, _LIMITS]
    for patient in PatientClass:
        lines += [f"### {patient.value}", "", *_table(patient), ""]
    return "\n".join(lines)


def _table(patient: PatientClass) -> Iterator[str]:
    yield "| vital sign | lowest | low | high | highest | back | delay, s | source |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for parameter, limit in DEFAULTS[patient].items():
        yield f"| `{parameter}` | {_numbers(limit)} | {limit.source} |"


def _numbers(limit: Limit) -> str:
    sides = (limit.lowest, limit.low, limit.high, limit.highest, limit.back, limit.delay_s)
    return " | ".join("—" if side is None else f"{side:g}" for side in sides)
