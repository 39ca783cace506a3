"""Bounds what the broker keeps of MQTT sessions.

Every connection has its session kept, under a client id that whoever connects chooses: with one
credential the store could be filled (64 KiB a connection), and then nobody else's session could be
kept, so that nobody could connect. Law: the oldest goes first. A session that is gone is made again
by the next connection; our own are all clean, so that nothing is lost with one.
"""

from dataclasses import replace
from typing import Final

import nats
from nats.errors import Error as NatsError
from nats.js.api import RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from hub.broker.config import KEEPER_USER, SESSIONS
from protocols.errors import BrokenError

SESSION_BYTES: Final = 64 * 1024 * 1024
"""3 KiB for each of the 20,000 connections that the broker takes; one of ours has a few hundred."""

_TIMEOUT_S: Final = 10.0

_AS_MADE: Final = StreamConfig(
    name=SESSIONS,
    subjects=["$MQTT.sess.>"],
    storage=StorageType.FILE,
    retention=RetentionPolicy.LIMITS,
    max_msgs_per_subject=1,
    num_replicas=1,
)
"""As the broker itself makes it. Source: NATS server 2.15, server/mqtt.go."""


async def bound_sessions(address: str, password: str) -> None:
    """Have the broker, whose own protocol is spoken at `address`, keep `SESSION_BYTES` of them.

    Raises:
        BrokenError: it does not answer, or refuses.
    """
    try:
        client = await nats.connect(
            address, user=KEEPER_USER, password=password,
            connect_timeout=_TIMEOUT_S, allow_reconnect=False,
        )  # fmt: skip
        try:
            streams = client.jsm(timeout=_TIMEOUT_S)
            try:
                found = await streams.stream_info(SESSIONS)
            except NotFoundError:
                await streams.add_stream(replace(_AS_MADE, max_bytes=SESSION_BYTES))
            else:
                if found.config.max_bytes != SESSION_BYTES:
                    await streams.update_stream(replace(found.config, max_bytes=SESSION_BYTES))
        finally:
            await client.close()
    except (NatsError, OSError) as err:
        raise BrokenError(
            reason="the broker's sessions cannot be bounded", detail=f"{type(err).__name__}: {err}"
        ) from err
