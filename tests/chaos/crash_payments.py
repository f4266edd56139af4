"""`python -m tests.chaos.crash_payments worker`: the real worker, which crashes while it processes a webhook.

Likewise `orchestrator`, which receives webhooks, and `users`, whose ledger gets the reports. See `crash_orchestrator`
for how a process crashes and restarts.
"""

import os
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.http.app import serve
from orchestrator.app import create_app as create_orchestrator
from orchestrator.clients.users.payments import PaymentsClient, Provider, ProviderReport, ReportResult
from orchestrator.container import Container, register_handlers
from orchestrator.features.inbound_webhooks.service import WebhookInbox
from orchestrator.jobs.observer import JobMoment, LoggingJobObserver
from orchestrator.jobs.registry import Registry
from orchestrator.settings import Settings as OrchestratorSettings
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from tests.chaos.auto_restart import restart_forever
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CrashPoint
from users.app import create_app as create_users
from users.settings import Settings as UsersSettings

__all__ = [
    "AFTER_REPORT",
    "AFTER_STORE",
    "BEFORE_ANSWER",
    "BEFORE_REPORT",
    "BEFORE_STORE",
    "WEBHOOK",
    "crashable_command",
]

WEBHOOK: Final = "webhook"
"""The step of every crash point."""
BEFORE_STORE: Final = "before store"
AFTER_STORE: Final = "after store"
BEFORE_REPORT: Final = "before report"
AFTER_REPORT: Final = "after report"
BEFORE_ANSWER: Final = "before answer"
REPORTS: Final = "/internal/payments/events"


def crashable_command(name: str) -> list[str]:
    """Return the command that replaces ``python -m <module>``."""
    return [sys.executable, "-m", "tests.chaos.crash_payments", name]


class CrashingInbox(WebhookInbox):
    """The real inbox with two crash points."""

    def __init__(self, inbox: WebhookInbox, crash_point: CrashPoint) -> None:
        vars(self).update(vars(inbox))
        self._doom = crash_point

    async def receive(self, provider: Provider, body: bytes, signature: str) -> bool:
        self._doom.crash_if_reached(BEFORE_STORE, WEBHOOK)
        is_new = await super().receive(provider, body, signature)
        self._doom.crash_if_reached(AFTER_STORE, WEBHOOK)
        return is_new


class CrashingPayments(PaymentsClient):
    """Crashes before the ledger gets the report, or after it has responded."""

    def __init__(self, payments: PaymentsClient, crash_point: CrashPoint) -> None:
        vars(self).update(vars(payments))
        self._doom = crash_point

    async def report(self, report: ProviderReport, *, request_id: uuid.UUID) -> ReportResult:
        self._doom.crash_if_reached(BEFORE_REPORT, WEBHOOK)
        result = await super().report(report, request_id=request_id)
        self._doom.crash_if_reached(AFTER_REPORT, WEBHOOK)
        return result


class CrashingJobObserver(LoggingJobObserver):
    def __init__(self, crash_point: CrashPoint) -> None:
        self._doom = crash_point

    async def moment_reached(self, moment: JobMoment, kind: str) -> None:
        self._doom.crash_if_reached(moment, kind)


class CrashingResponses:
    """Crashes after the ledger has stored the report and before it responds."""

    def __init__(self, app: ASGIApp, crash_point: CrashPoint) -> None:
        self._app = app
        self._doom = crash_point

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def crash_or_send(message: Message) -> None:
            self._doom.crash_if_reached(BEFORE_ANSWER, WEBHOOK)
            await send(message)

        is_report = scope.get("path") == REPORTS
        await self._app(scope, receive, crash_or_send if is_report else send)


def serve_orchestrator(crash_point: CrashPoint) -> None:
    settings = OrchestratorSettings()
    app: FastAPI = create_orchestrator(settings)
    app.state.services[WebhookInbox] = CrashingInbox(app.state.services[WebhookInbox], crash_point)
    serve(app, service="orchestrator", settings=settings)


def serve_worker(crash_point: CrashPoint) -> None:
    settings = WorkerSettings()

    def register(registry: Registry, container: Container) -> None:
        resources = container.resources
        payments = CrashingPayments(resources.clients.payments, crash_point)
        resources.clients = replace(resources.clients, payments=payments)
        register_handlers(registry, container)

    app = create_worker(settings, job_observer=CrashingJobObserver(crash_point), register=register)
    serve(app, service="worker", settings=settings)


def serve_users(crash_point: CrashPoint) -> None:
    settings = UsersSettings()
    app = create_users(settings)
    app.add_middleware(CrashingResponses, crash_point=crash_point)
    serve(app, service="users", settings=settings)


SERVICES: Final[Mapping[str, Callable[[CrashPoint], None]]] = {
    "orchestrator": serve_orchestrator,
    "worker": serve_worker,
    "users": serve_users,
}


if __name__ == "__main__":
    shared_crash_point, serve_service = CrashPoint(Path(os.environ[CRASH_POINT_FILE])), SERVICES[sys.argv[1]]
    restart_forever(lambda: serve_service(shared_crash_point))
