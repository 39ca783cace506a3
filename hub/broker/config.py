"""The built-in broker's configuration: listeners, and what each credential may touch. Pure.

Law: no credential has the broker keep more than a bound. What it keeps is: retained messages (the
topics that a unit may publish to, once each), and sessions (`hub.broker.sessions` bounds them). It
keeps nothing for a session that is away: nobody may subscribe at QoS 1 or publish at QoS 2.

Source: NATS server 2.15 configuration, MQTT, accounts and authorization. A topic `gh/1/5/A-1/up/x`
is the subject `gh.1.5.A-1.up.x`; a filter `a/#` also needs `a` itself.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocols.ids import UnitId
from protocols.link.streams import UP
from protocols.link.topics import link_ack, presence, unit_root, up
from protocols.link.wire import MAX_MESSAGE_BYTES

HUB_USER: Final = "goldenhour.hub"
"""A dot stands in no unit's id: no unit can be called like the hub."""

KEEPER_USER: Final = "goldenhour.keeper"
"""Who bounds the store of sessions, over the broker's own protocol, and may do nothing else."""

SESSIONS: Final = "$MQTT_sess"
"""The broker's stream of MQTT sessions. Source: README-MQTT of NATS server."""

MAX_PAYLOAD_BYTES: Final = MAX_MESSAGE_BYTES + 4 * 1024
"""Our longest message and its topic; a longer one closes the connection that sent it."""

LOG_BYTES: Final = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTls:
    """PEM files of the MQTT listener."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Where the broker listens and keeps what is retained."""

    mqtt_host: str
    mqtt_port: int
    store: Path
    tls: BrokerTls | None

    @property
    def log(self) -> Path:
        """The broker's own log, beside its store."""
        return self.store.with_name("nats.log")

    @property
    def ports(self) -> Path:
        """The folder in which the broker says where it listens."""
        return self.store.with_name("ports")

    def text(self) -> str:
        """Return the main file; it includes `users.conf` from the same folder."""
        q = json.dumps
        tls = (
            f"tls {{ cert_file: {q(str(self.tls.certificate))}, key_file: {q(str(self.tls.key))} }}"
            if self.tls
            else ""
        )
        return f"""\
server_name: goldenhour-hub
# the broker's own protocol, for its keeper alone: loopback, any port, told in a file
listen: "127.0.0.1:-1"
ports_file_dir: {q(str(self.ports))}
max_payload: {MAX_PAYLOAD_BYTES}
max_connections: 20000
# here and not on the command line: a reload that finds them changed is refused whole
log_file: {q(str(self.log))}
logfile_size_limit: {LOG_BYTES}
jetstream {{ store_dir: {q(str(self.store))}, max_memory_store: 64MB, max_file_store: 1GB }}
mqtt {{
  # thousands of units that come at once each have their session made; the usual 5 s are too few
  js_api_timeout: "30s"
  # what is published at QoS 2 and never released would be kept
  reject_qos2_publish: true
  listen: {q(f"{self.mqtt_host}:{self.mqtt_port}")}
  {tls}
}}
include "users.conf"
"""


_ROOT, _NAME, _HASH = "<root>", "<name>", "<hash>"


def _subject(topic: str) -> str:
    return topic.replace("/", ".")


def _of_pattern(topics: Iterable[str], unit: UnitId) -> list[str]:
    """Return the subjects of `unit`'s `topics`, with `_ROOT` in the place of its own root."""
    return [_subject(topic).replace(_subject(unit_root(unit)), _ROOT) for topic in topics]


_ANY: Final = UnitId("any")
_SAID: Final = _of_pattern([*(up(_ANY, each) for each in UP), link_ack(_ANY), presence(_ANY)], _ANY)
_MANAGED: Final = [f"$JS.API.STREAM.{verb}.{SESSIONS}" for verb in ("INFO", "CREATE", "UPDATE")]


def users_text(hub_password_bcrypt: str, units: Iterable[tuple[UnitId, str]]) -> str:
    """Return `users.conf`; `units` are (unit, bcrypt hash).

    A unit may publish to the topics that there are and to no other: what it has the broker keep
    (retained, or a will) is bounded by their number.
    """
    rows = [
        _user(HUB_USER, hub_password_bcrypt, publish=["gh.>"], subscribe=["gh.>"]),
        _user(
            KEEPER_USER, hub_password_bcrypt, kind="STANDARD",
            publish=_MANAGED, subscribe=["_INBOX.>"],
        ),
    ]  # fmt: skip
    # thousands of rows that differ in three words only
    pattern = _user(_NAME, _HASH, publish=_SAID, subscribe=[_ROOT, f"{_ROOT}.>"])
    for unit, hashed in units:
        row = pattern.replace(_ROOT, _subject(unit_root(unit)))
        rows.append(row.replace(_NAME, unit).replace(_HASH, hashed))
    users = "\n".join(rows)
    return f"accounts {{ FLEET {{ jetstream: enabled\n  users: [\n{users}\n  ] }} }}\n"


def _user(
    name: str, hashed: str, *, publish: list[str], subscribe: list[str], kind: str = "MQTT"
) -> str:
    q = json.dumps
    # a subscription at QoS 1 or 2 is one to this subject, too; what waits for it would be kept
    heard = f'{{ allow: {q(subscribe)}, deny: ["$MQTT.sub.>"] }}'
    return (
        f"    {{ user: {q(name)}, password: {q(hashed)}, allowed_connection_types: [{q(kind)}],"
        f" permissions: {{ publish: {q(publish)}, subscribe: {heard} }} }}"
    )
