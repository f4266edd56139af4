"""Features: what each capability adds to the orchestrator's processes, and the resources it uses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from fastapi import APIRouter
from pydantic_settings import BaseSettings
from sqlalchemy import Table

from common.db.engine import Database
from common.db.retention import Retention
from common.messaging.broker import Broker
from common.messaging.consumer import Consumer, MessageHandler
from common.messaging.declarations import Topology
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from common.periodic import PeriodicTask
from orchestrator.clients import SERVICE, Clients
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import JobHandler
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.plan import AnyPlan

__all__ = ["REPAIR_INTERVAL_SECONDS", "Feature", "Resources"]

REPAIR_INTERVAL_SECONDS: Final = 600.0
"""How often workers look for records whose job has ended without recording its outcome."""

Service = TypeVar("Service")
Settings = TypeVar("Settings", bound=BaseSettings)


@dataclass(slots=True, kw_only=True)
class Resources:
    """What features are constructed from. `engine` and `services` are set once the plans are constructed."""

    settings: BaseSettings
    rabbitmq_url: str
    database: Database
    topology: Topology
    publisher: Publisher
    relay: OutboxRelay
    clients: Clients
    jobs: JobQueue
    engine: SagaEngine = field(init=False)
    services: dict[type[Any], Any] = field(default_factory=dict)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)
    """Closes the features' connections when the process ends."""

    def settings_of(self, kind: type[Settings]) -> Settings:
        """Return the process's settings as the class that a feature uses.

        Raises:
            TypeError: the process's settings do not include that class.
        """
        if not isinstance(self.settings, kind):
            raise TypeError(f"{type(self.settings).__name__} is not a {kind.__name__}")
        return self.settings

    def service(self, kind: type[Service]) -> Service:
        """Return the service of a class, which an earlier feature provides."""
        service: Service = self.services[kind]
        return service

    def consumer(self, queue: str, handler: MessageHandler, *, name: str = SERVICE) -> Consumer:
        """Return a consumer of a queue with its own connection, named after `name` and the queue."""
        return Consumer(
            self.rabbitmq_url,
            service=name,
            topology=self.topology,
            queue=queue,
            handler=handler,
            publisher=self.publisher,
        )


def _nothing(_: Resources) -> tuple[()]:
    return ()


def _no_brokers(_: Resources) -> Mapping[str, Broker]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One capability. Every part is optional; the callables are called once per process, in the order below.

    Args:
        tables: what the feature stores in orchestrator_db.
        routers: routes under ``/api``; the gateway forwards those on its allow-list.
        internal_routers: routes that only services call.
        plans: the sagas, constructed before the engine.
        services: the objects that routes, jobs and later features use, each known by its class.
        job_policies: the rules of the feature's kinds of jobs.
        job_handlers: the handlers of these jobs, in workers.
        consumers: connections that consume messages in every process, by name.
        worker_consumers: the same, in workers only; `/health` shows their names.
        periodic: periodic tasks, in workers.
        retentions: how long rows of the feature's tables are kept; workers delete older ones.
    """

    tables: Sequence[Table] = ()
    routers: Sequence[APIRouter] = ()
    internal_routers: Sequence[APIRouter] = ()
    plans: Callable[[Resources], Iterable[AnyPlan]] = _nothing
    services: Callable[[Resources], Iterable[object]] = _nothing
    job_policies: Sequence[JobPolicy] = ()
    job_handlers: Callable[[Resources], Iterable[JobHandler]] = _nothing
    consumers: Callable[[Resources], Mapping[str, Broker]] = _no_brokers
    worker_consumers: Callable[[Resources], Mapping[str, Broker]] = _no_brokers
    periodic: Callable[[Resources], Iterable[PeriodicTask]] = _nothing
    retentions: Callable[[Resources], Iterable[Retention]] = _nothing
