"""Everything a process of the orchestrator shares, constructed once: clients, sagas, jobs and the features' services."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import orchestrator.jobs.models
import orchestrator.saga_engine.models  # noqa: F401 - importing a module defines its tables
from common.db.engine import Database
from common.health import Health
from common.messaging.broker import Broker
from common.messaging.outbox import OutboxRelay
from common.messaging.publisher import Publisher
from orchestrator.clients import SERVICE, Clients
from orchestrator.clients.events import EventsClient
from orchestrator.feature import Feature, Resources
from orchestrator.features import (
    audit,
    check_in,
    commissions,
    digital_goods,
    event_admin,
    event_cancellation,
    event_editing,
    events,
    inbound_webhooks,
    marketplace,
    menus,
    notifications,
    otp,
    outbound_webhooks,
    parked_messages,
    payments,
    payouts,
    performance_queue,
    personal_data,
    purchased_items,
    purchases,
    refunds,
    subscriptions,
    tickets,
    tips,
    transfers,
)
from orchestrator.jobs.policies import RESERVED, JobPolicy, with_backoff
from orchestrator.jobs.registry import Registry
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.jobs.repository.writer import JobWriter
from orchestrator.jobs.service import JobQueue
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.observer import LoggingObserver, Observer, Observers
from orchestrator.saga_engine.recoverer import Recoverer
from orchestrator.saga_engine.repository import SagaLog
from orchestrator.saga_engine.service import SagaAdminService
from orchestrator.settings import Settings
from rabbitmq.topology import DEFAULT_RETRY_SECONDS, platform_topology

# In the order in which routes are matched: the most frequent ones of an on-sale come first.
FEATURES: Final[tuple[Feature, ...]] = (
    purchases.FEATURE,
    events.FEATURE,
    tickets.FEATURE,
    transfers.FEATURE,
    otp.FEATURE,
    marketplace.FEATURE,
    refunds.FEATURE,
    event_cancellation.FEATURE,
    check_in.FEATURE,
    event_admin.FEATURE,
    event_editing.FEATURE,
    payments.FEATURE,
    inbound_webhooks.FEATURE,
    outbound_webhooks.FEATURE,
    notifications.FEATURE,
    parked_messages.FEATURE,
    audit.FEATURE,
    personal_data.FEATURE,
    purchased_items.FEATURE,
    menus.FEATURE,
    subscriptions.FEATURE,
    tips.FEATURE,
    performance_queue.FEATURE,
    payouts.FEATURE,
    commissions.FEATURE,
    digital_goods.FEATURE,
)
JOB_POLICIES: Final[Mapping[str, JobPolicy]] = {
    policy.kind: policy
    for policies in (RESERVED, *(feature.job_policies for feature in FEATURES))
    for policy in policies
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The parts of a process. Nothing connects before `start`, which needs a running event loop."""

    settings: Settings
    resources: Resources
    recoverer: Recoverer
    consumers: Mapping[str, Broker]
    health: Health

    @property
    def job_policies(self) -> Mapping[str, JobPolicy]:
        return with_backoff(JOB_POLICIES, self.settings.job_backoff)

    @property
    def broker_pauses(self) -> Collection[float]:
        """The pauses between attempts for which the broker has a queue."""
        return self.settings.job_backoff or DEFAULT_RETRY_SECONDS

    def start(self) -> None:
        self.resources.publisher.broker.start()
        self.resources.relay.start()
        self.recoverer.start()
        for broker in self.consumers.values():
            broker.start()

    async def close(self) -> None:
        resources = self.resources
        await resources.engine.close(grace_seconds=self.settings.shutdown_grace_seconds)
        for broker in self.consumers.values():
            await broker.close()
        await self.recoverer.close()
        await resources.relay.close()
        await resources.publisher.broker.close()
        await resources.closing.aclose()
        await resources.clients.close()
        await resources.database.close()


def build_container(settings: Settings, *, observer: Observer | None = None) -> Container:
    """Construct the parts of a process.

    Args:
        observer: observes every saga step, besides logs and metrics.
    """
    resources = _resources(settings)
    step_timeout_seconds = settings.saga_step_timeout_seconds
    plans = [plan.with_step_timeout(step_timeout_seconds) for feature in FEATURES for plan in feature.plans(resources)]
    log = SagaLog(
        resources.database,
        plans,
        wake_relay=resources.relay.wake,
        lease_margin_seconds=settings.saga_lease_margin_seconds,
    )
    observers = Observers([LoggingObserver(), *([observer] if observer else [])])
    engine = SagaEngine(log, plans, observers, request_budget_seconds=settings.request_budget_seconds)
    resources.engine = engine
    _add_services(resources)
    return Container(
        settings=settings,
        resources=resources,
        recoverer=Recoverer(engine, log, interval_seconds=settings.recover_interval_seconds),
        consumers={name: broker for feature in FEATURES for name, broker in feature.consumers(resources).items()},
        health=Health(
            required={"database": resources.database.is_healthy},
            # Reads of the others go on, sagas wait, and messages stay in the outbox.
            optional={**resources.clients.health_checks, "broker": resources.publisher.broker.is_healthy},
        ),
    )


def register_handlers(registry: Registry, container: Container) -> None:
    """Register the handlers of all features. Jobs of other kinds wait in their queues."""
    policies = container.job_policies
    for feature in FEATURES:
        for job in feature.job_handlers(container.resources):
            registry.register(policies[job.kind], job.payload_model, job.handler)


def _resources(settings: Settings) -> Resources:
    database = Database(settings, application_name=SERVICE)
    rabbitmq_url = settings.rabbitmq_url.get_secret_value()
    topology = platform_topology(settings.hold_ttl_seconds, settings.job_backoff or DEFAULT_RETRY_SECONDS)
    publisher = Publisher(
        rabbitmq_url, service=SERVICE, topology=topology, timeout_seconds=settings.publish_timeout_seconds
    )
    relay = OutboxRelay(
        database,
        publisher,
        poll_seconds=settings.outbox_poll_seconds,
        keep_hours=settings.outbox_retention_hours,
    )
    jobs = JobQueue(
        writer=JobWriter(database),
        queries=JobQueries(database),
        policies=with_backoff(JOB_POLICIES, settings.job_backoff),
        wake_relay=relay.wake,
    )
    return Resources(
        settings=settings,
        rabbitmq_url=rabbitmq_url,
        database=database,
        topology=topology,
        publisher=publisher,
        relay=relay,
        clients=Clients.connect(settings),
        jobs=jobs,
    )


def _add_services(resources: Resources) -> None:
    resources.services |= {
        SagaAdminService: SagaAdminService(resources.engine),
        JobQueue: resources.jobs,
        EventsClient: resources.clients.events,
    }
    for feature in FEATURES:
        resources.services |= {type(service): service for service in feature.services(resources)}
