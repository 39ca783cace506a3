"""Keep services running, each behind its own bulkhead."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from protocols.clock import Clock
from protocols.errors import ConfigError, ServiceLostError
from protocols.runtime.cancel import apart
from protocols.runtime.restart import RestartBudget

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A coroutine to keep running: returning means done, raising means failed."""

    name: str
    run: Callable[[], Awaitable[None]]
    essential: bool  # lost for good: the program ends, and init starts it afresh
    budget: RestartBudget = field(default_factory=RestartBudget)


async def supervise(services: Sequence[Service], clock: Clock) -> None:
    """Run `services` until all return; one that is not essential is retried for ever.

    Raises:
        ExceptionGroup: of ServiceLostError, or of the ConfigError that a service met; every other
            service was cancelled and has ended.
    """
    async with asyncio.TaskGroup() as group:
        for service in services:
            group.create_task(_keep_running(service, clock), name=service.name)


async def _keep_running(service: Service, clock: Clock) -> None:
    budget = service.budget
    while True:
        try:
            return await apart(service.run())
        except ConfigError:  # trying again would not mend it
            raise
        except Exception:  # the one broad catch: a camera bug must not stop the vitals
            log.exception("service.failed", extra={"service": service.name})
        budget, wait_s = budget.spend(clock.monotonic_s())
        if budget.exhausted and service.essential:
            raise ServiceLostError(service=service.name)
        await clock.sleep(wait_s)
