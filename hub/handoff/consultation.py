"""The consultation in the document: what happened in the room, and what was said. Pure.

Source: HL7 FHIR R4 (4.0.1), Communication; LOINC 11488-4, consult note.
"""

from collections.abc import Iterator
from typing import Final

from hub.handoff.case import Case
from hub.handoff.fhir import Ids, Json, instant

MOST_TEXTS: Final = 500
"""The newest of them; the hub keeps all."""


def texts(case: Case, ids: Ids) -> Iterator[tuple[str, Json]]:
    """Yield (name, Communication) of each text of the room, oldest first."""
    said = [entry for entry in case.record if entry.kind == "said"][-MOST_TEXTS:]
    for entry in said:
        yield (
            f"said/{entry.number}",
            {
                "resourceType": "Communication",
                "status": "completed",
                "subject": ids.reference("patient"),
                "encounter": ids.reference("encounter"),
                "sent": instant(entry.at_utc_us),
                "sender": {"display": entry.by or "-"},
                "payload": [{"contentString": entry.facts.get("text", "-")}],
            },
        )


def record_lines(case: Case) -> list[str]:
    """Return everything that happened, with its time, for people."""
    return [
        " ".join(
            [
                instant(entry.at_utc_us),
                entry.kind.replace("_", " "),
                *([f"({entry.by})"] if entry.by else []),
                *(f"{value}" for key, value in entry.facts.items() if key not in _SILENT),
            ]
        )
        for entry in case.record
    ]


_SILENT: Final = frozenset({"advice", "side", "organisation"})
