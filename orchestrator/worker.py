"""`python -m orchestrator.worker`: runs jobs, and continues sagas and messages if the HTTP process is down."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from common.db.retention import RetentionTask
from common.http.app import base_app, serve
from orchestrator.clients import SERVICE
from orchestrator.container import FEATURES, Container, build_container, register_handlers
from orchestrator.jobs.observer import JobObserver, LoggingJobObserver
from orchestrator.jobs.registry import Registry
from orchestrator.jobs.repository.maintenance import JOB_RETENTIONS
from orchestrator.jobs.worker import JobWorker, WorkerTimings
from orchestrator.saga_engine.observer import Observer
from orchestrator.saga_engine.repository import KEYS_RETENTION
from orchestrator.settings import WorkerSettings

__all__ = ["create_worker"]

HandlerRegistration = Callable[[Registry, Container], None]


def create_worker(
    settings: WorkerSettings,
    *,
    observer: Observer | None = None,
    job_observer: JobObserver | None = None,
    register: HandlerRegistration = register_handlers,
) -> FastAPI:
    """Return an app that serves health and metrics only; the work runs in the background.

    Args:
        observer: observes every saga step, besides logs and metrics.
        job_observer: observes every attempt of a job, in place of logs and metrics.
        register: registers the handlers of jobs.
    """
    container = build_container(settings, observer=observer)
    jobs = _job_worker(settings, container, job_observer or LoggingJobObserver(), register)
    consumers = {
        name: broker for feature in FEATURES for name, broker in feature.worker_consumers(container.resources).items()
    }
    retentions = [retention for feature in FEATURES for retention in feature.retentions(container.resources)]
    periodic = [
        RetentionTask(container.resources.database, [*retentions, KEYS_RETENTION, *JOB_RETENTIONS]),
        *(task for feature in FEATURES for task in feature.periodic(container.resources)),
    ]
    for name, broker in {"jobs": jobs.consumer.broker, **consumers}.items():
        container.health.optional[name] = broker.is_healthy

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            container.start()
            running.push_async_callback(container.close)
            jobs.start()
            running.push_async_callback(jobs.close, grace_seconds=settings.shutdown_grace_seconds)
            for broker in consumers.values():
                broker.start()
                running.push_async_callback(broker.close)
            for task in periodic:
                task.start()
                running.push_async_callback(task.close)
            yield

    return base_app(
        service=SERVICE,
        title="TicketRemaster worker",
        settings=settings,
        lifespan=lifespan,
        health=container.health,
    )


def _job_worker(
    settings: WorkerSettings, container: Container, observer: JobObserver, register: HandlerRegistration
) -> JobWorker:
    registry = Registry()
    register(registry, container)
    return JobWorker.of(
        container.resources.database,
        registry,
        observer,
        rabbitmq_url=container.resources.rabbitmq_url,
        topology=container.resources.topology,
        policies=container.job_policies,
        broker_pauses=container.broker_pauses,
        timings=WorkerTimings(
            lease_seconds=settings.job_lease_seconds,
            interval_seconds=settings.job_scheduler_seconds,
            redispatch_seconds=settings.job_redispatch_seconds,
            purge_interval_seconds=settings.job_purge_interval_seconds,
        ),
        wake_relay=container.resources.relay.wake,
    )


def main() -> None:
    settings = WorkerSettings()
    os.nice(settings.worker_niceness)
    serve(create_worker(settings), service="worker", settings=settings)


if __name__ == "__main__":
    main()
