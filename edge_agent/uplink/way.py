"""One way to the hub: an MQTT connection over one path, made again after each end.

Law: nothing here holds a record. A way that carries nothing is noticed by its silence: after
`SILENT_S` without a word from the hub the broker is asked to acknowledge the birth again, and if it
does not either, the connection is given up. A link that does not answer is tried again at once, for
nobody is troubled by it; one who refuses is asked again after a growing wait.
"""

import asyncio
import logging
import random
import ssl
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import aiomqtt

from edge_agent.backoff import CAP_S, Backoff
from edge_agent.uplink.dial import Door, reachable
from protocols.clock import Clock
from protocols.errors import BrokenError, LinkDownError, RemoteProtocolError
from protocols.ids import UnitId
from protocols.link.topics import down_ack, down_order, presence
from protocols.messages import Presence
from protocols.runtime.cancel import apart

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 5
CONNECT_TIMEOUT_S: Final = 5.0
SILENT_S: Final = 4.0

_REFUSED: Final = 0x80  # Source: MQTT 3.1.1, 3.9.3
_LOOK_S: Final = 0.5
_INCOMING: Final = 1000

Describe = Callable[[str, bool], Presence]
"""Words the unit's presence: of which connection, and whether it is a birth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccess:
    """How the unit proves itself to the broker, and the broker to it."""

    unit: UnitId
    password: str
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What a way asks of the uplink; each takes the way itself."""

    joined: Callable[["Way"], None]
    left: Callable[["Way"], None]
    pump: Callable[["Way"], Coroutine[Any, Any, None]]
    heard: Callable[["Way", str, bytes], Awaitable[None]]


class Way:
    """The connection over one path."""

    def __init__(  # noqa: PLR0913 -- the parts it joins
        self,
        name: str,
        door: Door,
        access: BrokerAccess,
        hooks: Hooks,
        *,
        client_id: str,
        describe: Describe,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.name = name
        self.is_connected = False
        self._door = door
        self._access = access
        self._hooks = hooks
        self._client_id = client_id
        self._describe = describe
        self._clock = clock
        self._rng = rng
        self._backoff = Backoff(rng=rng)
        self._client: aiomqtt.Client | None = None
        self._birth = b""
        self._unanswered_since_s: float | None = None
        self._was_refused = ""

    @property
    def is_answered(self) -> bool:
        """What was sent this way is being answered."""
        since_s = self._unanswered_since_s
        return since_s is None or self._clock.monotonic_s() - since_s < SILENT_S

    async def run(self) -> None:
        """Connect, and again after each end, until cancelled."""
        while True:
            began_s = self._clock.monotonic_s()
            is_refusal = False
            try:
                await apart(self._session())
            except* (aiomqtt.MqttError, BrokenError, LinkDownError, OSError) as group:
                is_refusal = _is_refusal(group.exceptions[0])
                self._note_end(group.exceptions[0])
            finally:
                self.is_connected, self._client = False, None
                self._hooks.left(self)
            if not is_refusal or self._clock.monotonic_s() - began_s > CAP_S:
                self._backoff.reset()
            await self._clock.sleep(self._backoff.next_s() if is_refusal else 0.0)

    async def publish(self, topic: str, payload: bytes, *, wants_answer: bool) -> None:
        """Send at QoS 0; silence tells something only after what `wants_answer` of the hub.

        Raises:
            aiomqtt.MqttError: the connection has ended.
        """
        if self._client is None:
            raise aiomqtt.MqttError("not connected")
        if wants_answer and self._unanswered_since_s is None:
            self._unanswered_since_s = self._clock.monotonic_s()
        await apart(self._client.publish(topic, payload, qos=0))

    def answered(self, *, all_of_it: bool) -> None:
        """Note that the hub has answered what was sent, and whether nothing is left to answer."""
        self._unanswered_since_s = None if all_of_it else self._clock.monotonic_s()

    async def _session(self) -> None:
        await reachable(self._door, rng=self._rng)
        unit, connection = self._access.unit, str(uuid.uuid4())
        death = self._describe(connection, False).to_payload()
        self._birth = self._describe(connection, True).to_payload()
        async with aiomqtt.Client(
            self._door.host,
            self._door.port,
            # the unit's own: the broker drops what is left of an earlier connection at once
            identifier=self._client_id,
            username=unit,
            password=self._access.password,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=KEEPALIVE_S,
            bind_address=self._door.local_address(),
            timeout=CONNECT_TIMEOUT_S,
            tls_context=self._access.tls,
            will=aiomqtt.Will(presence(unit), death, qos=1, retain=True),
            max_queued_incoming_messages=_INCOMING,
        ) as client:
            topics = [down_ack(unit), down_order(unit), presence(unit)]
            granted = await client.subscribe([(topic, 0) for topic in topics])
            if any(getattr(code, "value", code) >= _REFUSED for code in granted):
                raise BrokenError(reason="the broker refuses the unit's own topics")
            await client.publish(presence(unit), self._birth, qos=1, retain=True)
            self._begin(client)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(client), name=f"uplink.hear.{self.name}")
                group.create_task(self._hooks.pump(self), name=f"uplink.pump.{self.name}")
                group.create_task(self._watch(client), name=f"uplink.watch.{self.name}")

    def _begin(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._unanswered_since_s = None
        self._was_refused = ""
        self.is_connected = True
        self._hooks.joined(self)
        log.info("link.up", extra={"path": self.name})

    def _note_end(self, err: BaseException) -> None:
        """Log a change, not a state: an outage once, and each new reason once."""
        reason = f"{type(err).__name__}: {err}"[:200]
        if self.is_connected or reason != self._was_refused:
            log.warning("link.down", extra={"path": self.name, "reason": reason})
        self._was_refused = reason

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            topic = message.topic.value
            if topic == presence(self._access.unit):
                await self._correct(client, payload)
            else:
                await self._hooks.heard(self, topic, payload)

    async def _correct(self, client: aiomqtt.Client, payload: bytes) -> None:
        """Say again that the unit lives, where a late death of another connection stands."""
        if payload != self._birth and not _is_birth(payload):
            topic = presence(self._access.unit)
            await apart(client.publish(topic, self._birth, qos=1, retain=True))

    async def _watch(self, client: aiomqtt.Client) -> None:
        """Raise once the connection carries nothing.

        Raises:
            LinkDownError: neither the hub nor the broker answers.
        """
        while True:
            await self._clock.sleep(_LOOK_S)
            if self.is_answered:
                continue
            try:
                topic = presence(self._access.unit)
                said = client.publish(topic, self._birth, qos=1, retain=True, timeout=SILENT_S)
                await apart(said)
            except aiomqtt.MqttError as err:
                raise LinkDownError(reason="nothing is answered") from err
            await self._clock.sleep(SILENT_S)  # the broker lives: it is the hub that is away


def _is_refusal(err: BaseException) -> bool:
    """Whether somebody said no, or hung up; silence is no refusal."""
    return not isinstance(err, LinkDownError | TimeoutError) and "timed out" not in str(err)


def _is_birth(payload: bytes) -> bool:
    try:
        return Presence.from_payload(payload).online
    except RemoteProtocolError:
        return False
