"""The unit status machine as a drawing and a table, from its transition table."""

from protocols.dispatch.unit_status import STAMPS, TRANSITIONS, UnitStatus


def status_page() -> str:
    """Return the page as Markdown; the diagram is Mermaid."""
    arrows = [
        f"    {status.value} --> {reached.value} : {event.value}"
        for status, moves in TRANSITIONS.items()
        for event, reached in moves.items()
    ]
    stamps = [f"| `{event.value}` | `{node.value}` |" for event, node in STAMPS.items()]
    return "\n".join(
        [
            "# Unit status",
            "",
            "What a crew is doing. Every legal move is drawn here; there is no other.",
            "",
            "```mermaid",
            "stateDiagram-v2",
            f"    [*] --> {UnitStatus.AVAILABLE.value}",
            *arrows,
            "```",
            "",
            "Each event stamps a time node of the run:",
            "",
            "| event | time node |",
            "| --- | --- |",
            *stamps,
            "",
        ]
    )
