"""`python -m tests.chaos.crash_payments worker`: the real process, killed where the test says on a webhook's way.

Also `orchestrator`, which takes webhooks in, and `users`, whose ledger is told of them. See `doomed_orchestrator` for
how a process dies and rises.
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
from orchestrator.clients.users.payments import PaymentNews, PaymentReport, PaymentsClient, Provider
from orchestrator.container import Container, register_handlers
from orchestrator.features.inbound_webhooks.service import WebhookInbox
from orchestrator.jobs.observer import JobMoment, LoggingJobObserver
from orchestrator.jobs.registry import Registry
from orchestrator.settings import Settings as OrchestratorSettings
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from tests.chaos.auto_restart import rise
from tests.chaos.crash_orchestrator import DOOM_FILE, Doom
from users.app import create_app as create_users
from users.settings import Settings as UsersSettings

__all__ = ["AFTER_REPORT", "AFTER_STORE", "BEFORE_ANSWER", "BEFORE_REPORT", "BEFORE_STORE", "WAY", "doomed_tills"]

WAY: Final = "webhook"
"""What all points are of."""
BEFORE_STORE: Final = "before store"
AFTER_STORE: Final = "after store"
BEFORE_REPORT: Final = "before report"
AFTER_REPORT: Final = "after report"
BEFORE_ANSWER: Final = "before answer"
REPORTS: Final = "/internal/payments/events"


def doomed_tills(name: str) -> list[str]:
    """Return what to start a service with, in place of ``python -m <module>``."""
    return [sys.executable, "-m", "tests.chaos.crash_payments", name]


class DoomedInbox(WebhookInbox):
    """The real one with all it has, and two points to die at."""

    def __init__(self, inbox: WebhookInbox, doom: Doom) -> None:
        vars(self).update(vars(inbox))
        self._doom = doom

    async def receive(self, provider: Provider, body: bytes, signature: str) -> bool:
        self._doom.strike(BEFORE_STORE, WAY)
        is_new = await super().receive(provider, body, signature)
        self._doom.strike(AFTER_STORE, WAY)
        return is_new


class DoomedPayments(PaymentsClient):
    """Dies before the ledger is told, or when it has answered."""

    def __init__(self, payments: PaymentsClient, doom: Doom) -> None:
        vars(self).update(vars(payments))
        self._doom = doom

    async def report(self, news: PaymentNews, *, request_id: uuid.UUID) -> PaymentReport:
        self._doom.strike(BEFORE_REPORT, WAY)
        report = await super().report(news, request_id=request_id)
        self._doom.strike(AFTER_REPORT, WAY)
        return report


class DoomedJobObserver(LoggingJobObserver):
    def __init__(self, doom: Doom) -> None:
        self._doom = doom

    async def reached(self, moment: JobMoment, kind: str) -> None:
        self._doom.strike(moment, kind)


class DoomedAnswers:
    """Dies when the ledger has written what it was told, before it says so."""

    def __init__(self, app: ASGIApp, doom: Doom) -> None:
        self._app = app
        self._doom = doom

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def strike_or_send(message: Message) -> None:
            self._doom.strike(BEFORE_ANSWER, WAY)
            await send(message)

        is_report = scope.get("path") == REPORTS
        await self._app(scope, receive, strike_or_send if is_report else send)


def live_as_orchestrator(doom: Doom) -> None:
    settings = OrchestratorSettings()
    app: FastAPI = create_orchestrator(settings)
    app.state.services[WebhookInbox] = DoomedInbox(app.state.services[WebhookInbox], doom)
    serve(app, service="orchestrator", settings=settings)


def live_as_worker(doom: Doom) -> None:
    settings = WorkerSettings()

    def register(registry: Registry, container: Container) -> None:
        resources = container.resources
        payments = DoomedPayments(resources.clients.payments, doom)
        resources.clients = replace(resources.clients, payments=payments)
        register_handlers(registry, container)

    app = create_worker(settings, job_observer=DoomedJobObserver(doom), register=register)
    serve(app, service="worker", settings=settings)


def live_as_users(doom: Doom) -> None:
    settings = UsersSettings()
    app = create_users(settings)
    app.add_middleware(DoomedAnswers, doom=doom)
    serve(app, service="users", settings=settings)


LIVES: Final[Mapping[str, Callable[[Doom], None]]] = {
    "orchestrator": live_as_orchestrator,
    "worker": live_as_worker,
    "users": live_as_users,
}


if __name__ == "__main__":
    doom_of_all, life = Doom(Path(os.environ[DOOM_FILE])), LIVES[sys.argv[1]]
    rise(lambda: life(doom_of_all))
