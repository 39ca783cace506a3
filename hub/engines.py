"""The processes that the hub stands on: database, broker, media; built in, or outside ones."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from hub.broker import HUB_USER, BrokerConfig, BrokerTls, BuiltInBroker, reachable
from hub.ingest.wire import BrokerAddress, Trust
from hub.media import MediaProcess
from hub.settings import HubSettings, MqttSettings
from hub.store import BuiltInPostgres, Pool, migrate, open_pool
from hub.tls import Tls
from protocols.errors import ConfigError
from protocols.runtime.ports import free_port
from protocols.runtime.supervise import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What the hub starts; None: an outside one is used. `mqtt`: where the broker is, for us."""

    postgres: BuiltInPostgres | None
    broker: BuiltInBroker | None
    mqtt: BrokerAddress
    media: MediaProcess

    def services(self) -> list[Service]:
        """Return them as services."""
        found = [Service(name="media", run=self.media.run, essential=False)]
        if self.postgres is not None:
            found.append(Service(name="postgres", run=self.postgres.run, essential=True))
        if self.broker is not None:
            found.append(Service(name="broker", run=self.broker.run, essential=True))
        return found

    async def clean_up(self) -> None:
        """Leave nothing behind; after the services have ended."""
        await self.media.close()
        if self.postgres is not None:
            self.postgres.clean_up()


async def engines_of(settings: HubSettings, tls: Tls | None) -> Engines:
    """Return the engines that `settings` describe, not yet started.

    Raises:
        ConfigError: an outside broker's files cannot be read.
    """
    folder = settings.data_dir.resolve()
    mqtt = settings.mqtt
    broker: BuiltInBroker | None = None
    if mqtt.url is not None:
        address = _outside(mqtt, mqtt.url)
    else:
        port = mqtt.port or free_port(mqtt.host)
        broker = _built_in(settings, port, tls)
        await broker.write_users([])  # nobody but us, until the database has said who else
        address = BrokerAddress(
            host=reachable(mqtt.host),
            port=port,
            username=HUB_USER,
            password=SecretStr(broker.password),
            trust=Trust(ca_file=tls.certificate.resolve(), ca_pem=tls.ca_pem, is_ours=True)
            if tls
            else None,
        )
    return Engines(
        postgres=None if settings.postgres.url else BuiltInPostgres(folder / "postgres"),
        broker=broker,
        mqtt=address,
        media=MediaProcess(settings.media, log_level=settings.log_level),
    )


@contextlib.asynccontextmanager
async def connected(
    settings: HubSettings, postgres: BuiltInPostgres | None
) -> AsyncIterator[tuple[Pool, SecretStr]]:
    """Yield a pool of the database, and its URL, once it is up and up to date.

    Raises:
        StorageError: it cannot be reached, or its migrations are not ours.
    """
    if postgres is not None:
        await postgres.wait_ready()
    url = settings.postgres.url or SecretStr(await _address_of(postgres))
    async with migrated(url.get_secret_value(), most=settings.postgres.pool) as pool:
        yield pool, url


@contextlib.asynccontextmanager
async def migrated(url: str, *, most: int) -> AsyncIterator[Pool]:
    """Yield a pool of at most `most` connections to a database, brought up to date.

    Raises:
        StorageError: it cannot be reached, or its migrations are not ours.
    """
    pool = await open_pool(url, most=most)
    try:
        await migrate(pool)
        yield pool
    finally:
        await pool.close()


async def _address_of(postgres: BuiltInPostgres | None) -> str:
    if postgres is None:
        raise ConfigError(reason="no database is named and none is built in")
    return await postgres.prepare()


def _built_in(settings: HubSettings, port: int, tls: Tls | None) -> BuiltInBroker:
    folder = settings.data_dir.resolve() / "broker"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = BrokerTls(certificate=tls.certificate.resolve(), key=tls.key.resolve()) if tls else None
    config = BrokerConfig(
        mqtt_host=settings.mqtt.host, mqtt_port=port, store=folder / "store", tls=files
    )
    return BuiltInBroker(folder, config)


def _outside(mqtt: MqttSettings, url: str) -> BrokerAddress:
    if mqtt.password_file is None:
        raise ConfigError(reason="an outside broker needs the setting mqtt.password_file")
    parts = urlsplit(url)
    trust = Trust(ca_file=mqtt.ca_file.resolve() if mqtt.ca_file else None)
    try:
        password = mqtt.password_file.read_text().strip()
        trust.context()
    except (OSError, ssl.SSLError) as err:
        raise ConfigError(
            reason="a file of the outside broker cannot be used", detail=str(err)[:160]
        ) from err
    return BrokerAddress(
        host=parts.hostname or "",
        port=parts.port or 0,
        username=mqtt.username,
        password=SecretStr(password),
        trust=trust if parts.scheme == "mqtts" else None,
    )
