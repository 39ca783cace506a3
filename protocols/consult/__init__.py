"""Consultation, as both ends must agree on it: what may become of advice. Pure."""

from protocols.consult.advice import (
    OPEN,
    TRANSITIONS,
    AdviceEvent,
    AdviceKind,
    AdviceState,
    advance,
    merged,
    reaches,
)

__all__ = [
    "OPEN", "TRANSITIONS", "AdviceEvent", "AdviceKind", "AdviceState", "advance", "merged",
    "reaches",
]  # fmt: skip
