"""The hub put together: what runs, what is told of what, and in which order it starts and stops.

Engines (database, broker, media) are processes of their own. Everything else are services of this
process over them; they have ended before the engines are stopped.
"""

import asyncio
import contextlib
import gc
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from pydantic import SecretStr

from hub.access.desk import Desk
from hub.api.application import Parts, build_api
from hub.api.feed import Feed
from hub.broker import reachable
from hub.consult import Consult, read_formulary
from hub.dispatch import Orders
from hub.engines import Engines, connected, engines_of
from hub.fleet import FleetPicture
from hub.fleet.births import Births
from hub.fleet.restore import restore
from hub.handoff import Handoff, read_hospitals
from hub.ingest import Callers, HubMqtt, IngestWorkers, Taps
from hub.media import Lasting, MediaTokens
from hub.recordings import Recordings
from hub.roster import Roster
from hub.settings import HubSettings
from hub.store import Pool, upkeep
from hub.store.database import DATABASE_ERRORS
from hub.tls import Tls, tls_of
from protocols.clock import Clock
from protocols.errors import ConfigError
from protocols.http.server import CertificateFiles, HttpServer
from protocols.ids import UnitId
from protocols.link.topics import caller_filters
from protocols.runtime.files import read_or_make_secret
from protocols.runtime.supervise import Service, supervise

MEDIA_TOKEN_S: Final = 300
_LOOK_S: Final = 1.0
_HEALTH_S: Final = 2.0
_COLLECT_AFTER: Final = 50_000  # objects made and not gone again

OnReady = Callable[[dict[str, Any]], None]


async def run_hub(settings: HubSettings, *, clock: Clock, on_ready: OnReady) -> None:
    """Run the hub until cancelled; `on_ready` is told the addresses once every part works.

    Raises:
        ConfigError: a setting, a file or a port is wrong.
        StorageError: the database cannot be reached or brought up to date.
        ExceptionGroup: of these, or of ServiceLostError: a part failed past its restart budget.
    """
    _make_folder(settings)
    tls = tls_of(settings, clock)
    files = CertificateFiles(tls.certificate, tls.key) if tls else None
    http = HttpServer(host=settings.http.host, port=settings.http.port, tls=files)
    engines = await engines_of(settings, tls)
    try:
        async with (
            supervised(engines.services(), clock),
            connected(settings, engines.postgres) as (pool, url),
        ):
            addresses = _addresses(settings, engines, tls, http)
            hub = _Hub(settings, clock, pool, url, engines, http, addresses)
            await hub.remember()
            async with supervised(hub.services(), clock):
                await hub.wait_ready()
                gc.collect()
                gc.freeze()  # what stands since the start is looked at no more
                gc.set_threshold(_COLLECT_AFTER, 20, 20)
                on_ready(hub.addresses)
                await asyncio.Event().wait()
    finally:
        http.close()
        await engines.clean_up()


class _Hub:
    """The services of one hub process, and what each is told by which."""

    def __init__(  # noqa: PLR0913, PLR0917 -- all that it stands on
        self,
        settings: HubSettings,
        clock: Clock,
        pool: Pool,
        url: SecretStr,
        engines: Engines,
        http: HttpServer,
        addresses: dict[str, Any],
    ) -> None:
        self.addresses = addresses
        self._settings, self._clock, self._pool = settings, clock, pool
        self._engines, self._http = engines, http
        self._mqtt = HubMqtt(engines.mqtt, filters=caller_filters(), hear=self._heard)
        self._fleet = FleetPicture(on_change=self._unit_changed)
        self._feed = Feed(self._fleet, clock)
        self._desk = Desk(pool, clock, session_s=settings.http.session_hours * 3600)
        self._lasting = Lasting(engines.media.client, clock, self._desk.standing)
        self._births = Births(pool)
        self._roster = Roster(pool, clock, fleet=self._fleet, broker=engines.broker)
        self._orders = Orders(pool, clock, publish=self._mqtt.publish)
        self._consult = Consult(
            pool,
            clock,
            orders=self._orders,
            feed=self._feed,
            fleet=self._fleet,
            media=engines.media.client,
            formulary=read_formulary(settings.consult.formulary_file),
            ring_step_s=settings.consult.ring_step_s,
        )
        self._handoff = Handoff(
            pool,
            clock,
            orders=self._orders,
            feed=self._feed,
            consult=self._consult,
            hospitals=read_hospitals(settings.handoff.hospitals_file),
            rng=random.SystemRandom(),
        )
        self._recordings = Recordings(
            pool,
            clock,
            settings.data_dir / "recordings",
            keep_days=settings.recordings.keep_days,
            min_free_bytes=settings.recordings.min_free_bytes,
        )
        taps = Taps()
        taps.whole_for(self._feed.watched)
        self._callers = Callers(taps, heard_link_ack=self._orders.heard_ack)
        self._ingest = IngestWorkers(
            count=settings.ingest.workers,
            database=url,
            broker=engines.mqtt,
            taps=taps,
            clock=clock,
            log_level=settings.log_level,
        )
        for hears_records in (self._fleet.records, self._feed.committed, self._consult.heard):
            taps.on_records(hears_records)
        for hears_presence in (
            self._fleet.presence,
            self._orders.heard_presence,
            self._births.hear,
            self._handoff.heard_presence,
            self._consult.directory.heard_presence,
        ):
            taps.on_presence(hears_presence)

    async def remember(self) -> None:
        """Take in what the database holds, before anything new is heard."""
        await upkeep.once(self._pool, self._clock)
        await restore(self._fleet, self._pool, self._clock)
        await self._consult.restore()

    def services(self) -> list[Service]:
        """Return what runs in this process."""
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "mqtt": self._mqtt.run,
            "orders": self._orders.run,
            "consult": self._consult.run,
            "voices": self._consult.voices.run,
            "handoff": self._handoff.run,
            "births": self._births.run,
            "media-rights": self._lasting.run,
            "links": self._watch_links,
            "roster": self._roster.run,
            "recordings": self._recordings.run,
            "upkeep": lambda: upkeep.run(self._pool, self._clock),
        }
        kept = [Service(name=name, run=run, essential=False) for name, run in parts.items()]
        http = Service(name="http", run=self._serve, essential=True)
        return [*kept, *self._ingest.services(), http]

    async def wait_ready(self) -> None:
        """Return when every part works."""
        await self._http.wait_ready()
        await self._mqtt.wait_ready()
        await self._ingest.wait_ready()
        await self._engines.media.wait_healthy()

    def _heard(self, messages: Sequence[tuple[str, bytes]]) -> None:
        self._callers.hear(messages)

    def _unit_changed(self, unit: UnitId) -> None:
        self._feed.unit_changed(unit)

    async def _serve(self) -> None:
        secret = read_or_make_secret(self._settings.data_dir / "media-token-secret")
        app = build_api(
            Parts(
                clock=self._clock,
                pool=self._pool,
                desk=self._desk,
                fleet=self._fleet,
                feed=self._feed,
                consult=self._consult,
                handoff=self._handoff,
                lasting=self._lasting,
                recordings=self._recordings,
                health=self._health,
                addresses=self.addresses,
                origins=frozenset(self._settings.http.origins),
                session_s=self._settings.http.session_hours * 3600,
            ),
            media=self._engines.media.client,
            tokens=MediaTokens(secret=secret, ttl_s=MEDIA_TOKEN_S, clock=self._clock),
            media_settings=self._settings.media,
        )
        await self._http.run(app)

    async def _health(self) -> dict[str, bool]:
        try:
            async with asyncio.timeout(_HEALTH_S):
                database = await self._pool.fetchval("SELECT true") is True
        except DATABASE_ERRORS:
            database = False
        return {
            "database": database,
            "broker": self._mqtt.is_connected,
            "ingest": self._ingest.is_working,
            "media": self._engines.media.is_healthy,
        }

    async def _watch_links(self) -> None:
        while True:
            await self._clock.sleep(_LOOK_S)
            self._fleet.look_at_links(now_utc_us=self._clock.utc_us())


@contextlib.asynccontextmanager
async def supervised(services: list[Service], clock: Clock) -> AsyncIterator[None]:
    """Run `services` as long as the body; a service that is lost ends the body."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervise(services, clock), name="supervise")
        yield
        running.cancel()


def _make_folder(settings: HubSettings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise ConfigError(
            reason="cannot use the folder of the hub's data",
            folder=str(settings.data_dir),
            detail=err.strerror or str(err),
        ) from err


def _addresses(
    settings: HubSettings, engines: Engines, tls: Tls | None, http: HttpServer
) -> dict[str, Any]:
    """Return how others reach this hub, by the first name that its certificate is made out to."""
    name = settings.tls.names[0] if settings.tls.names else None
    scheme = "https" if tls else "http"
    return {
        "mqtt": {"host": name or engines.mqtt.host, "port": engines.mqtt.port},
        "http_url": f"{scheme}://{name or reachable(settings.http.host)}:{http.port}",
        "ca_pem": tls.ca_pem if tls else None,
    }
