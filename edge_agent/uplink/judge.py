"""What to call the link, from what is measured. Pure."""

from typing import Final, Literal

LinkState = Literal["live", "thin", "store-and-forward", "recovering"]

THIN_ROUND_TRIP_S: Final = 1.0
"""A reading that takes this long to be acknowledged is no longer quite live."""

RECOVERING_RECORDS: Final = 20
"""A backlog of less than a few seconds' records is not worth a word."""


def judge(
    *, is_connected: bool, is_answered: bool, backlog_records: int, round_trip_s: float | None
) -> LinkState:
    """Return the link's state.

    `is_answered`: what was sent is being acknowledged; `backlog_records`: those from before this
    connection that the hub still lacks.
    """
    if not is_connected or not is_answered:
        return "store-and-forward"
    if backlog_records >= RECOVERING_RECORDS:
        return "recovering"
    if round_trip_s is not None and round_trip_s > THIN_ROUND_TRIP_S:
        return "thin"
    return "live"
