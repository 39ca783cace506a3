"""What has been accepted: how far each stream went, what the hub has of it, and who is told."""

from collections.abc import Callable, Iterable, Mapping

from edge_agent.journal.rows import Row, StreamAccount
from protocols.link.ack import Held
from protocols.link.streams import Stream
from protocols.messages import Gap

Listener = Callable[[Row], None]
"""Told of each accepted record, in order, in the loop's thread; returns at once, never raises."""


class Accepted:
    """The streams' accounts, as the file stands."""

    def __init__(self, accounts: dict[Stream, StreamAccount]) -> None:
        self._accounts = accounts
        self._listeners: list[tuple[Listener, bool]] = []
        self._gap_listeners: list[Callable[[Gap], None]] = []

    @property
    def accounts(self) -> Mapping[Stream, StreamAccount]:
        """Of every stream that has one."""
        return self._accounts

    def of(self, stream: Stream) -> StreamAccount:
        """Return the account of `stream`."""
        return self._accounts.get(stream, StreamAccount(last_seq=0, held=Held()))

    def hub_has(self, stream: Stream, held: Held) -> None:
        """Note what the hub has of `stream`."""
        self._accounts[stream] = StreamAccount(last_seq=self.of(stream).last_seq, held=held)

    def on_append(self, listener: Listener, *, also_salvaged: bool) -> None:
        """Have `listener` told of every record accepted from now on."""
        self._listeners.append((listener, also_salvaged))

    def on_shed(self, listener: Callable[[Gap], None]) -> None:
        """Have `listener` told of every gap that shedding makes."""
        self._gap_listeners.append(listener)

    def committed(self, rows: Iterable[Row]) -> None:
        """Note and tell what the file now holds."""
        for row in rows:
            self._accounts[row.stream] = StreamAccount(
                last_seq=row.seq, held=self.of(row.stream).held
            )
            for listener, also_salvaged in self._listeners:
                if row.origin is None or also_salvaged:
                    listener(row)

    def shed(self, gap: Gap, declaration: Row) -> None:
        """Note and tell what was given up, and the record that says so."""
        for listener in self._gap_listeners:
            listener(gap)
        self.committed([declaration])
