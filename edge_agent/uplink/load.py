"""What the readings' way to the hub says of the link: for those who use what it leaves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLoad:
    """The better path at one moment."""

    is_answered: bool = True  # what was sent is being acknowledged
    late_s: float = 0.0  # the oldest unanswered frame waits so much longer than the quickest did
    queue_s: float = 0.0  # how long frames queue on their way, by the newest acks
    carried_bps: float | None = None  # at best in the last ten seconds, bit/s
    sent_bytes: int = 0  # in all, since the start
    stills_waiting: int = 0  # records
