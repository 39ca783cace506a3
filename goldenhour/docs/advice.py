"""What may become of advice, as a drawing for each kind, from the one transition table."""

from protocols.consult import TRANSITIONS, AdviceKind, AdviceState

_TITLES = {
    AdviceKind.ADVICE: "Words",
    AdviceKind.MEDICATION: "A drug: read back first, given at a time of its own",
}


def advice_page() -> str:
    """Return the page as Markdown; the diagrams are Mermaid."""
    lines = [
        "# Advice and orders",
        "",
        "What may become of a doctor's advice. Every legal move is drawn here; there is no other.",
        "The vehicle moves it, the hub follows. `misread` is on record and changes nothing.",
        "So is `fetched`: the picture has arrived. A picture moves as words do; confirmed is seen.",
    ]
    for kind, table in TRANSITIONS.items():
        lines += ["", f"## {_TITLES[kind]}", "", "```mermaid", "stateDiagram-v2"]
        lines += [f"    [*] --> {AdviceState.SENT.value}"]
        lines += [
            f"    {state.value} --> {reached.value} : {event.value}"
            for state, moves in table.items()
            for event, reached in moves.items()
        ]
        ends = {reached for moves in table.values() for reached in moves.values()} - table.keys()
        lines += [f"    {state.value} --> [*]" for state in AdviceState if state in ends]
        lines += ["```"]
    return "\n".join([*lines, ""])
