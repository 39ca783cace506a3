"""Bodies: which are understood, checked by the hundred; read only where somebody wants to know.

What is surely good by its shape is not made into a message: of a thousand positions a second one
or two are looked at. Every other body is decoded and put to its model.
"""

import logging
from collections.abc import Sequence
from typing import Final

from hub.ingest import metrics
from protocols.errors import RemoteProtocolError
from protocols.link import Stream
from protocols.link.wire import Loader
from protocols.messages import Message, parse_many
from protocols.messages.shapes import LEAST_BODIES, Shapes

log = logging.getLogger(__name__)

Body = tuple[Stream, bytes]

SHAPED: Final = frozenset({Stream.POSITION, Stream.VITALS})
"""Said each second by everybody, and one like the other; what the others say is always read."""


class Unread:
    """Stands for a message that is good and has not been read."""


UNREAD: Final = Unread()

Judged = Message | Unread | None
"""None: not understood."""


class Bodies:
    """Judges one batch after another."""

    def __init__(self, loader: Loader) -> None:
        """`loader`: with a secret, for bodies of different units are read together."""
        self._loader = loader
        self._shapes = Shapes()

    def judge(self, bodies: Sequence[Body]) -> list[Judged]:
        """Return of each of `bodies` its message, or that it is good, or None, which is counted."""
        judged: list[Judged] = [UNREAD] * len(bodies)
        alike: dict[tuple[Stream, int], list[int]] = {}
        for at, (stream, body) in enumerate(bodies):
            key = (stream, len(body))
            places = alike.get(key)
            if places is None:
                alike[key] = [at]
            else:
                places.append(at)
        odd: list[int] = []
        for (stream, _), places in alike.items():
            if len(places) < LEAST_BODIES or stream not in SHAPED:
                odd += places
                continue
            good = self._shapes.fit(stream, [bodies[at][1] for at in places])
            if not good.all():
                odd += [at for at, fits in zip(places, good.tolist(), strict=True) if not fits]
        if odd:
            self._read_odd(bodies, odd, alike, judged)
        return judged

    def read(self, bodies: Sequence[Body]) -> list[Message | None]:
        """Return the message in each of `bodies`; None where it is none, which is counted."""
        try:
            found = parse_many(bodies, loader=self._loader)
        except Exception as err:  # noqa: BLE001 -- one unit's body must not stop the others'
            if len(bodies) > 1:
                return [message for each in bodies for message in self.read([each])]
            metrics.NOT_UNDERSTOOD.labels("unreadable").inc()
            log.error("ingest.unreadable", extra={"error": type(err).__name__})  # noqa: TRY400
            return [None]
        for message in found:
            if isinstance(message, RemoteProtocolError):
                metrics.NOT_UNDERSTOOD.labels(str(message.facts["reason"])).inc()
        return [None if isinstance(each, RemoteProtocolError) else each for each in found]

    def _read_odd(
        self,
        bodies: Sequence[Body],
        odd: Sequence[int],
        alike: dict[tuple[Stream, int], list[int]],
        judged: list[Judged],
    ) -> None:
        """Read those of `bodies` that no shape answers for; learn one shape of each length."""
        learned: set[tuple[Stream, int]] = set()
        messages = self.read([bodies[at] for at in odd])
        for at, message in zip(odd, messages, strict=True):
            judged[at] = message
            stream, body = bodies[at]
            key = (stream, len(body))
            if message is not None and key not in learned and len(alike[key]) >= LEAST_BODIES:
                learned.add(key)
                self._shapes.learn(stream, type(message), body)
