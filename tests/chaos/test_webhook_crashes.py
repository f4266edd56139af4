"""Processes are killed at every point between a webhook and the ledger: the fan is credited exactly once.

The orchestrator stores the webhook with its job, the relay sends the job's wake-up message, the worker claims the job,
reports to the ledger of users, stores the webhook's outcome, then the job's, and acknowledges the message. A webhook
that was not acknowledged is sent again, as Stripe does.
"""

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.servers import Existing
from devstack.services import DATABASES
from devstack.stack import Stack
from orchestrator.jobs.observer import JobMoment
from tests.chaos.auto_restart import restarting_command
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CrashPoint
from tests.chaos.crash_payments import (
    AFTER_REPORT,
    AFTER_STORE,
    BEFORE_ANSWER,
    BEFORE_REPORT,
    BEFORE_STORE,
    WEBHOOK,
    crashable_command,
)
from tests.chaos.fans import CREDITS, Fan
from tests.chaos.services import Service
from tests.chaos.ticket_sales import TicketSales, data_of
from tests.support.http_client import http_client
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

AMOUNT = Decimal("400.00")
POINTS_OF_WORKER = (
    JobMoment.BEFORE_CLAIM,
    JobMoment.AFTER_CLAIM,
    BEFORE_REPORT,
    AFTER_REPORT,
    JobMoment.AFTER_EFFECT,  # the webhook's outcome is stored, the job's is not
    JobMoment.AFTER_WRITE,  # the wake-up message is not acknowledged
)

LOGGED = "SELECT webhook_id, job_id, status, outcome, replays FROM webhook_log WHERE external_id = $1"
JOBS_OF = "SELECT job_id, status FROM jobs WHERE payload ->> 'webhook_id' = $1"
EMAILS_TO = "SELECT status FROM jobs WHERE kind = 'email' AND payload ->> 'user_id' = $1"
PAYMENT = "SELECT status, credited_at IS NOT NULL AS is_credited FROM payments WHERE payment_id = $1"
MESSAGES_ABOUT = "SELECT 1 FROM outbox WHERE convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1"
WAKE_UPS = "SELECT sent_at FROM outbox WHERE convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, crash_point: CrashPoint) -> Iterator[Stack]:
    """The services between webhook and ledger, with their own broker; all restart when they are killed."""
    crashable = ("users", "orchestrator", "worker")
    env = {
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "JOB_LEASE_SECONDS": "2",
        "JOB_SCHEDULER_SECONDS": "0.1",
        "JOB_REDISPATCH_SECONDS": "0.5",
        "JOB_RETRY_SECONDS": "0.1",
        "OUTBOX_POLL_SECONDS": "0.1",
        CRASH_POINT_FILE: str(crash_point.file),
    }
    with (
        tempfile.TemporaryDirectory(prefix="ticketremaster-webhooks-") as folder,
        Stack(
            home=Path(folder),
            services=("sandbox", *crashable, "gateway"),
            existing=Existing(databases={package: database_url(package) for package in DATABASES}),
            env=env,
            commands={name: crashable_command(name) for name in crashable} | {"gateway": restarting_command("gateway")},
            migrate=False,
            seed=False,
            throwaway=True,
            spawn=database_url.fork_server.spawn,
        ) as running,
    ):
        yield running


@dataclass(frozen=True, kw_only=True)
class TopUp:
    """A fan's payment at Stripe, for which the sandbox stands in."""

    fan: Fan
    payment_id: uuid.UUID
    intent_id: str
    sales: TicketSales
    stripe: httpx.AsyncClient

    async def pay_at_stripe(self) -> dict[str, Any]:
        """Let the fan pay; return the webhook that Stripe sent and the responses to it."""
        return await self._send(f"/control/stripe/{self.intent_id}/succeed")

    async def assert_credited_once(self, sent: dict[str, Any]) -> None:
        """Wait until the webhook is processed, and check that it took effect once, even if it is sent again."""
        if sent["statuses"][-1] != 200:
            await self._resend(sent)
        await eventually(lambda: self._is_done(sent["webhook_id"]))
        await self._assert_credited_once()
        await self._resend(sent)
        assert await self._is_done(sent["webhook_id"])
        await eventually(self._email_is_sent)  # the last effect of a credit
        await self._assert_credited_once()

    async def _is_done(self, external_id: str) -> bool:
        [webhook] = await self.sales.databases.read("orchestrator", LOGGED, external_id)
        assert (webhook["status"], webhook["replays"]) == ("processed", 0), webhook
        jobs = await self.sales.databases.read("orchestrator", JOBS_OF, str(webhook["webhook_id"]))
        assert jobs == [{"job_id": webhook["job_id"], "status": "completed"}]
        return True

    async def _email_is_sent(self) -> bool:
        emails = await self.sales.databases.read("orchestrator", EMAILS_TO, str(self.fan.user_id))
        assert emails == [{"status": "completed"}]
        return True

    async def _assert_credited_once(self) -> None:
        databases = self.sales.databases
        assert await databases.movements_of(self.payment_id) == ["top_up"]
        assert await databases.balance_of(self.fan.user_id) == CREDITS + AMOUNT
        assert await databases.read("users", PAYMENT, self.payment_id) == [{"status": "SUCCEEDED", "is_credited": True}]
        assert len(await databases.read("users", MESSAGES_ABOUT, str(self.payment_id))) == 1

    async def _resend(self, sent: dict[str, Any]) -> None:
        """Send the webhook until it is acknowledged; a killed process may still be starting."""

        async def repeat() -> bool:
            again = await self._send(f"/control/webhooks/{sent['webhook_id']}/send")
            return bool(again["statuses"][-1] == 200)

        await eventually(repeat)

    async def _send(self, path: str) -> dict[str, Any]:
        answer = await self.stripe.post(path)
        assert answer.is_success, answer.text
        sent: dict[str, Any] = answer.json()
        return sent


@pytest.fixture
async def stripe(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(stack.urls.sandbox) as http:
        yield http


@pytest.fixture
async def top_up(sales: TicketSales, stripe: httpx.AsyncClient) -> TopUp:
    return await begin_top_up(sales, stripe)


async def begin_top_up(sales: TicketSales, stripe: httpx.AsyncClient) -> TopUp:
    fan = await sales.new_fan()
    data = data_of(await fan.post("/api/credits/topup", {"amount": f"{AMOUNT}"}, key="top-up"))
    intent_id = data["client_secret"].partition("_secret_")[0]
    return TopUp(fan=fan, payment_id=uuid.UUID(data["payment_id"]), intent_id=intent_id, sales=sales, stripe=stripe)


@asynccontextmanager
async def reporting(top_up: TopUp) -> AsyncIterator[dict[str, Any]]:
    """Block the ledger's write: the worker runs the job, and its wake-up message is unacknowledged."""
    async with top_up.sales.databases.writes_blocked("users") as is_blocked:
        sent = await top_up.pay_at_stripe()
        await eventually(is_blocked)
        yield sent


@pytest.mark.parametrize("moment", [BEFORE_STORE, AFTER_STORE])
async def test_orchestrator_killed_while_storing_a_webhook(top_up: TopUp, crash_point: CrashPoint, moment: str) -> None:
    crash_point.arm(moment, WEBHOOK)
    sent = await top_up.pay_at_stripe()
    assert crash_point.has_crashed
    assert sent["statuses"] != [200]
    await top_up.assert_credited_once(sent)


async def test_orchestrator_killed_after_acknowledging_the_webhook(stack: Stack, top_up: TopUp) -> None:
    """The orchestrator or the worker sends what was not sent."""
    async with Service(stack, "worker").down():
        sent = await top_up.pay_at_stripe()
        assert sent["statuses"] == [200]
        await Service(stack, "orchestrator").kill()
    await top_up.assert_credited_once(sent)


@pytest.mark.parametrize("moment", POINTS_OF_WORKER)
async def test_worker_killed(top_up: TopUp, crash_point: CrashPoint, moment: str) -> None:
    crash_point.arm(moment, WEBHOOK)
    sent = await top_up.pay_at_stripe()
    assert sent["statuses"] == [200]
    await eventually(lambda: crash_point.has_crashed)
    await top_up.assert_credited_once(sent)


async def test_users_killed_before_the_credit_is_written(stack: Stack, top_up: TopUp) -> None:
    async with reporting(top_up) as sent:
        await Service(stack, "users").kill()
    await top_up.assert_credited_once(sent)


async def test_users_killed_before_responding(top_up: TopUp, crash_point: CrashPoint) -> None:
    crash_point.arm(BEFORE_ANSWER, WEBHOOK)
    sent = await top_up.pay_at_stripe()
    await eventually(lambda: crash_point.has_crashed)
    await top_up.assert_credited_once(sent)


async def test_worker_and_users_killed_together(stack: Stack, top_up: TopUp) -> None:
    async with reporting(top_up) as sent:
        await Service(stack, "users").kill()
        await Service(stack, "worker").kill()
    await top_up.assert_credited_once(sent)


async def test_broker_down_while_the_job_runs(stack: Stack, top_up: TopUp) -> None:
    """The unacknowledged message is redelivered, and finds the job done or running."""
    async with reporting(top_up) as sent:
        stack.rabbitmq.kill()
    await asyncio.to_thread(stack.rabbitmq.start)
    await top_up.assert_credited_once(sent)


async def test_broker_down_with_a_queued_job_and_a_new_webhook(
    stack: Stack, sales: TicketSales, stripe: httpx.AsyncClient
) -> None:
    earlier, later = await begin_top_up(sales, stripe), await begin_top_up(sales, stripe)
    async with Service(stack, "worker").down():
        sent_earlier = await earlier.pay_at_stripe()
        await eventually(lambda: wake_up_is_sent(sales, sent_earlier))
        stack.rabbitmq.kill()
        sent_later = await later.pay_at_stripe()
        assert sent_later["statuses"] == [200]
        await asyncio.to_thread(stack.rabbitmq.start)
    for top_up, sent in ((earlier, sent_earlier), (later, sent_later)):
        await top_up.assert_credited_once(sent)


async def wake_up_is_sent(sales: TicketSales, sent: dict[str, Any]) -> bool:
    [webhook] = await sales.databases.read("orchestrator", LOGGED, sent["webhook_id"])
    wake_ups = await sales.databases.read("orchestrator", WAKE_UPS, str(webhook["job_id"]))
    return bool(wake_ups) and all(wake_up["sent_at"] is not None for wake_up in wake_ups)
