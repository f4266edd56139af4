"""`python -m orchestrator.worker`: works on jobs, and keeps sagas and messages going when the HTTP process is down."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from fastapi import FastAPI

from common.http.app import base_app, serve
from common.periodic import Retention
from orchestrator.container import SERVICE, Container, wire
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.features.notifications.office import NotificationWorker
from orchestrator.features.parked_messages.lot import ParkingLot
from orchestrator.features.payments.jobs import PaymentRounds
from orchestrator.handlers import register_handlers
from orchestrator.jobs.observer import JobObserver, LoggingJobObserver
from orchestrator.jobs.registry import Registry
from orchestrator.jobs.worker import JobWorker, WorkPace
from orchestrator.saga_engine.observer import Observer
from orchestrator.settings import WorkerSettings

__all__ = ["create_worker"]

SECONDS_PER_DAY: Final = 86_400.0

HandlerRegistration = Callable[[Registry, Container], None]


def create_worker(
    settings: WorkerSettings,
    *,
    observer: Observer | None = None,
    job_observer: JobObserver | None = None,
    register: HandlerRegistration = register_handlers,
) -> FastAPI:
    """Return an app with health and metrics only; the work is in the background.

    Args:
        observer: is told of every saga step, besides logs and metrics.
        job_observer: is told of every try of a job, in place of logs and metrics.
        register: says which function does which kind of job.
    """
    machinery = wire(settings, observer=observer)
    workforce = _workforce(settings, machinery, job_observer or LoggingJobObserver(), register)
    rounds = PaymentRounds(machinery.jobs, interval_seconds=settings.reconcile_interval_seconds)
    office = _office(settings, machinery)
    retention = _webhook_retention(settings, machinery)
    parking = ParkingLot.of(
        machinery.database, rabbitmq_url=settings.rabbitmq_url.get_secret_value(), topology=machinery.topology
    )
    machinery.health.optional["jobs"] = workforce.intake.broker.is_healthy
    machinery.health.optional["notifications"] = office.consumer.broker.is_healthy
    machinery.health.optional["parking"] = parking.keeper.broker.is_healthy

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        machinery.start()
        workforce.start()
        rounds.start()
        office.start()
        parking.start()
        retention.start()
        yield
        await retention.close()
        await parking.close()
        await office.close()
        await rounds.close()
        await workforce.close(grace_seconds=settings.shutdown_grace_seconds)
        await machinery.close()

    return base_app(
        service=SERVICE,
        title="TicketRemaster worker",
        settings=settings,
        lifespan=lifespan,
        health=machinery.health,
    )


def _workforce(
    settings: WorkerSettings, machinery: Container, observer: JobObserver, register: HandlerRegistration
) -> JobWorker:
    registry = Registry()
    register(registry, machinery)
    return JobWorker.of(
        machinery.database,
        registry,
        observer,
        rabbitmq_url=settings.rabbitmq_url.get_secret_value(),
        topology=machinery.topology,
        policies=machinery.job_policies,
        waits_on_broker=machinery.job_waits,
        pace=WorkPace(
            lease_seconds=settings.job_lease_seconds,
            interval_seconds=settings.job_scheduler_seconds,
            grace_seconds=settings.job_grace_seconds,
            trim_seconds=settings.job_trim_seconds,
        ),
        on_announced=machinery.background.relay.poke,
    )


def _office(settings: WorkerSettings, machinery: Container) -> NotificationWorker:
    return NotificationWorker.of(
        machinery.database,
        machinery.jobs,
        machinery.background.publisher,
        rabbitmq_url=settings.rabbitmq_url.get_secret_value(),
        topology=machinery.topology,
        settings=settings,
        on_recorded=machinery.background.relay.poke,
    )


def _webhook_retention(settings: WorkerSettings, machinery: Container) -> Retention:
    log = WebhookLog(machinery.database)
    keep_seconds = settings.webhook_log_days * SECONDS_PER_DAY
    return Retention(log.end_abandoned, partial(log.trim, keep_seconds=keep_seconds))


def main() -> None:
    settings = WorkerSettings()
    os.nice(settings.worker_niceness)
    serve(create_worker(settings), service="worker", settings=settings)


if __name__ == "__main__":
    main()
