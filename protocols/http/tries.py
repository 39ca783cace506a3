"""Wrong passwords and PINs, counted by who sends them: a guesser waits, and nobody else does."""

from collections import OrderedDict
from collections.abc import Hashable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

from protocols.clock import Clock
from protocols.errors import TooManyTriesError

WINDOW_S: Final = 60.0
_MOST_KEYS: Final = 10_000


def sender(address: str) -> str:
    """Return what counts as one sender behind `address`: an IPv4 address, or an IPv6 /64.

    One subscriber has a /64 at least. Source: RFC 6177, section 2.
    """
    try:
        ip = ip_address(address)
    except ValueError:  # a socket without an address
        return address
    if isinstance(ip, IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((int(ip), 128)).supernet(new_prefix=64))


class Tries:
    """At most `most` tries of each key within a minute; remembers a bounded number of keys."""

    def __init__(self, clock: Clock, *, most: int) -> None:
        self._clock = clock
        self._most = most
        self._at_s: OrderedDict[Hashable, list[float]] = OrderedDict()

    def count(self, key: Hashable) -> None:
        """Count one try of `key`, before it is looked at: tries sent all at once count each.

        Raises:
            TooManyTriesError: it has had its tries of this minute.
        """
        now_s = self._clock.monotonic_s()
        tries = [at for at in self._at_s.get(key, []) if now_s - at < WINDOW_S]
        if len(tries) >= self._most:
            raise TooManyTriesError(wait_s=max(1, round(WINDOW_S - (now_s - tries[0]))))
        self._at_s[key] = [*tries, now_s]
        self._at_s.move_to_end(key)
        while len(self._at_s) > _MOST_KEYS:
            self._at_s.popitem(last=False)

    def forgive(self, key: Hashable) -> None:
        """Take the newest try of `key` back: it was right."""
        if tries := self._at_s.get(key):
            tries.pop()

    def forget(self, key: Hashable) -> None:
        """Forget the tries of `key`: one was right."""
        self._at_s.pop(key, None)
