"""The agent put together: what runs on one vehicle, and what is told of what.

The journal stands under everything: it is opened first and closed last. Devices write to it; the
uplink, the scores and the tablet hear of what it has accepted. Nothing here needs the hub.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

from edge_agent.backoff import Backoff
from edge_agent.cameras import Cameras, Recorded
from edge_agent.clock_keeper import ClockKeeper
from edge_agent.devices import Driver, MonitorHl7, open_gnss
from edge_agent.hub_http import HubAccess
from edge_agent.hub_time import HubTime
from edge_agent.journal import Journal, Salvage, open_journal
from edge_agent.journal.settings import trace_of
from edge_agent.orders import HubPictures, OrderDesk, Pictures
from edge_agent.settings import EdgeSettings
from edge_agent.tablet.feed import TabletFeed
from edge_agent.tablet.routes import tablet_app
from edge_agent.tablet.sign_in import SignIn, read_or_make_pin
from edge_agent.tablet.state import Vehicle
from edge_agent.triage import Alarms, Around, Run, Scores
from edge_agent.uplink import BrokerAccess, LinkReporter, Uplink
from edge_agent.uplink.inbox import OrderInbox
from edge_agent.uplink.settings import Credential, doors_of, read_credential, tls_of
from edge_agent.uplink.trace import Trace
from edge_agent.vehicle_clock import VehicleClock
from edge_agent.voice import VoiceDesk
from protocols.clock import Clock
from protocols.errors import ConfigError
from protocols.http.server import CertificateFiles, HttpServer, is_loopback
from protocols.ids import UnitId
from protocols.messages import DeviceHealth, Presence
from protocols.runtime.supervise import Service, supervise
from protocols.video import HEIGHT_PX

SOFTWARE: Final = f"goldenhour {version('goldenhour')}"

_LISTENING_S: Final = 3.0

OnReady = Callable[[dict[str, Any]], None]


async def run_agent(
    settings: EdgeSettings, *, clock: Clock, rng: random.Random, on_ready: OnReady
) -> None:
    """Run the agent until cancelled; `on_ready` is told the addresses once all listen.

    Where the hub does not recognise the journal, all begins again with a new one.

    Raises:
        ConfigError: a setting, a file or a port is wrong.
        ExceptionGroup: of these, or of ServiceLostError: an essential part failed for good.
    """
    while True:
        await _run_with_one_journal(settings, clock=clock, rng=rng, on_ready=on_ready)


async def _run_with_one_journal(
    settings: EdgeSettings, *, clock: Clock, rng: random.Random, on_ready: OnReady
) -> None:
    _make_folder(settings)
    credential = read_credential(settings.hub.credential_file)
    if credential.unit != settings.unit_id:
        raise ConfigError(
            reason="the credential is another unit's",
            unit=settings.unit_id,
            file_of=credential.unit,
        )
    tablet = _tablet_server(settings)
    vehicle_clock = VehicleClock(clock)
    path = settings.data_dir / "journal.db"
    try:
        async with (
            open_journal(path, settings.journal, vehicle_clock) as journal,
            _supervised([Service(name="journal", run=journal.run, essential=True)], clock),
        ):
            agent = _Agent(settings, credential, journal, tablet, vehicle_clock, rng)
            await agent.remember()
            async with _supervised(agent.services(), clock):
                await tablet.wait_ready()
                on_ready(await agent.addresses())
                await agent.journal_retired()
    finally:
        tablet.close()


class _Agent:
    """The services of one vehicle, and what each is told by which."""

    def __init__(  # noqa: PLR0913, PLR0917 -- all that it stands on
        self,
        settings: EdgeSettings,
        credential: Credential,
        journal: Journal,
        tablet: HttpServer,
        clock: VehicleClock,
        rng: random.Random,
    ) -> None:
        self._settings, self._journal, self._tablet = settings, journal, tablet
        self._since_utc_us = 0
        self._clock = clock
        self._clock_keeper = ClockKeeper(journal, clock)
        self._unit = UnitId(settings.unit_id)
        tls = tls_of(settings.hub)
        self._run = Run(journal, clock)
        self._scores = Scores(journal, clock)
        hub_time = HubTime(clock)
        self._pictures = Pictures(
            settings.data_dir / "pictures", clock=clock, backoff=Backoff(rng=rng)
        )
        self._orders = OrderDesk(
            journal,
            self._run,
            clock,
            unit=self._unit,
            hub_time=hub_time,
            pictures=self._pictures,
        )
        inbox = OrderInbox(journal, clock, hub_time)
        inbox.on_orders(self._orders.nudge)
        password = credential.password.get_secret_value()
        self._access = HubAccess(
            http_url=settings.hub.http_url, unit=self._unit, password=password, tls=tls
        )
        self._cameras = Cameras(
            settings.cameras,
            settings.media,
            access=self._access,
            journal=journal,
            load=lambda: self._uplink.load(),  # noqa: PLW0108 -- made further down
            clock=clock,
            rng=rng,
            recorded=Recorded(
                folder=settings.data_dir / "recordings",
                settings=settings.recording,
                encounter=lambda: self._run.state.encounter_id,
                link=self._link_now,
            ),
        )
        self._alarms = Alarms(
            journal,
            clock,
            settings.alarms,
            run=self._run,
            around=Around(
                devices=self._devices,
                cameras=self._cameras.states_by_name,
                is_linked=lambda: self._reporter.status.state != "store-and-forward",
            ),
        )
        self._drivers = _drivers(settings, journal, self._alarms, clock, rng)
        self._uplink = Uplink(
            journal,
            inbox,
            BrokerAccess(unit=self._unit, password=password, tls=tls),
            doors_of(settings.hub),
            describe=self._presence,
            clock=clock,
            rng=rng,
            trace=Trace(trace_of(journal.path), clock),
        )
        self._reporter = LinkReporter(
            journal,
            self._uplink,
            clock,
            software=SOFTWARE,
            devices=self._devices,
            cameras=self._cameras.health,
        )
        self._voice = VoiceDesk(
            self._access,
            encounter=lambda: self._run.state.encounter_id,
            load=self._uplink.load,
            moves=lambda: any(health.step in HEIGHT_PX for health in self._cameras.health()),
            clock=clock,
        )
        self._vehicle = Vehicle(
            unit=self._unit,
            call_sign=settings.call_sign,
            profile=settings.profile,
            clock=clock,
            run=self._run,
            scores=self._scores,
            alarms=self._alarms,
            orders=self._orders,
            link=lambda: self._reporter.status,
            devices=self._devices,
            cameras=self._cameras.states,
            shutter=self._cameras.shut,
            voice=self._voice,
        )
        self._feed = TabletFeed(self._vehicle)
        journal.on_append(self._feed.appended)

    async def remember(self) -> None:
        """Take up what the journal holds of before; the time first."""
        await self._clock_keeper.restore()
        self._since_utc_us = self._clock.utc_us()
        await self._run.restore()
        await self._scores.restore()
        await self._alarms.restore()
        await self._orders.restore()
        self._pictures.tidy()
        await self._cameras.remember()

    async def journal_retired(self) -> None:
        """Return when this journal must not be used any longer."""
        await self._uplink.retired.wait()

    def services(self) -> list[Service]:
        """Return what runs on the vehicle."""
        parts = {
            "uplink": self._uplink.run,
            "salvage": Salvage(self._journal, self._clock).run,
            "clock": self._clock_keeper.run,
            "link-report": self._reporter.run,
            "run": self._run.run,
            "scores": self._scores.run,
            "alarms": self._alarms.run,
            "orders": self._orders.run,
            "pictures": self._fetch_pictures,
            "tablet-feed": self._feed.run,
            "voice": self._voice.run,
            "cameras": self._cameras.run,
            "recordings": self._cameras.keep_recordings,
        }
        parts |= {driver.health().name: driver.run for driver in self._drivers}
        kept = [Service(name=name, run=run, essential=False) for name, run in parts.items()]
        return [*kept, Service(name="tablet", run=self._serve_tablet, essential=True)]

    async def addresses(self) -> dict[str, Any]:
        """Return where the tablet and the devices reach this agent, once they can."""
        found: dict[str, Any] = {"unit": self._unit, "tablet_port": self._tablet.port}
        for driver in self._drivers:
            if isinstance(driver, MonitorHl7):
                # a port that somebody else has is tried again; the crew's tablet waits for nobody
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LISTENING_S):
                        await driver.listening.wait()
                        found["monitor_port"] = driver.port
        return found

    async def _fetch_pictures(self) -> None:
        hub = HubPictures(self._access)
        try:
            await self._pictures.run(hub.piece, self._orders.advice.fetched)
        finally:
            await hub.close()

    async def _serve_tablet(self) -> None:
        pin_file = self._settings.tablet.pin_file or self._settings.data_dir / "tablet-pin"
        sign_in = SignIn(
            read_or_make_pin(pin_file),
            self._clock,
            session_s=self._settings.tablet.session_hours * 3600,
        )
        app = tablet_app(
            self._vehicle,
            journal=self._journal,
            feed=self._feed,
            sign_in=sign_in,
            clock=self._clock,
        )
        await self._tablet.run(app)

    def _link_now(self) -> tuple[float | None, int]:
        """Return the link's round trip (None: there is no link), and how many records wait."""
        uplink = self._uplink
        if not (uplink.is_connected and uplink.is_answered):
            return None, 0
        return uplink.sender.round_trip.smoothed_s, uplink.sender.backlog_waiting()

    def _devices(self) -> list[DeviceHealth]:
        return [driver.health() for driver in self._drivers]

    def _presence(self, connection: str, online: bool) -> Presence:  # noqa: FBT001 -- birth or death
        return Presence(
            online=online,
            connection=connection,
            journal=self._journal.id,
            profile=self._settings.profile,
            call_sign=self._settings.call_sign,
            cameras=list(self._settings.cameras),
            software=SOFTWARE,
            since_utc_us=max(0, self._since_utc_us),
        )


def _drivers(
    settings: EdgeSettings,
    journal: Journal,
    alarms: Alarms,
    clock: VehicleClock,
    rng: random.Random,
) -> list[Driver]:
    found: list[Driver] = []
    if settings.gnss.source is not None:
        found.append(open_gnss(settings.gnss.source, record=journal.append, clock=clock, rng=rng))
    if settings.monitor.listen is not None:
        host, _, port = settings.monitor.listen.rpartition(":")
        if int(port) > 65_535:  # noqa: PLR2004 -- RFC 9293, 16 bits
            raise ConfigError(reason="no such port", setting="monitor.listen", given=port)
        monitor = MonitorHl7(
            host=host,
            port=int(port),
            record=journal.append,
            recall=journal.kept,
            alarms=alarms,
            clock=clock,
            rng=rng,
        )
        found.append(monitor)
    return found


def _tablet_server(settings: EdgeSettings) -> HttpServer:
    tablet = settings.tablet
    files = None
    if tablet.certificate_file is not None and tablet.key_file is not None:
        files = CertificateFiles(tablet.certificate_file, tablet.key_file)
    elif not is_loopback(tablet.host):
        raise ConfigError(
            reason="off loopback the tablet's pages need tablet.certificate_file and key_file",
            host=tablet.host,
        )
    return HttpServer(host=tablet.host, port=tablet.port, tls=files)


def _make_folder(settings: EdgeSettings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise ConfigError(
            reason="cannot use the folder of the agent's data",
            folder=str(settings.data_dir),
            detail=err.strerror or str(err),
        ) from err
    if urlsplit(settings.hub.http_url).hostname is None:
        raise ConfigError(reason="hub.http_url names no host", given=settings.hub.http_url)


@contextlib.asynccontextmanager
async def _supervised(services: list[Service], clock: Clock) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervise(services, clock), name="supervise")
        yield
        running.cancel()
