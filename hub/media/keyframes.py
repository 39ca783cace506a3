"""When to ask a publisher for a key frame. Pure: time comes in as an argument.

Law: whoever asks gets a key frame that begins after the question. Questions within `interval_s` of
the last request are answered by one more request at the interval's end (trailing edge: a throttle
with a leading edge alone leaves a viewer black for ever). A request that brings no key frame is
repeated, ever more slowly, until one comes.
"""

from dataclasses import dataclass

_LONGEST_WAIT_S = 4.0


@dataclass(slots=True, kw_only=True)
class KeyframeRequests:
    """Questions of many viewers, merged into few requests to one publisher."""

    interval_s: float = 0.3
    _sent_s: float | None = None
    _unanswered: int = 0
    _wanted: bool = False

    def ask(self) -> None:
        """Note that somebody needs a key frame."""
        self._wanted = True

    def due_s(self, now_s: float) -> float | None:
        """Return when the next request is to be sent (may be `now_s`); None if nobody asks."""
        if not self._wanted:
            return None
        if self._sent_s is None:
            return now_s
        wait_s = min(_LONGEST_WAIT_S, self.interval_s * 2.0 ** max(0, self._unanswered - 1))
        return max(now_s, self._sent_s + wait_s)

    def sent(self, now_s: float) -> None:
        """Note that a request has gone out."""
        self._sent_s = now_s
        self._unanswered += 1

    def seen(self) -> None:
        """Note that a key frame has come: it answers everyone who asked before."""
        self._wanted = False
        self._unanswered = 0

    def restart(self) -> None:
        """Forget the requests sent, as a new publisher has heard none of them."""
        self._sent_s = None
        self._unanswered = 0
