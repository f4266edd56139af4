"""A webhook on its way to the ledger, with a kill at every point of it: the fan is credited once, every time.

The way: the orchestrator stores the webhook with its job, the relay sends the job's token, the worker claims the job,
reports to the ledger of users, writes what came of the webhook, then of the job, and acknowledges the token. A webhook
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
from tests.chaos.auto_restart import phoenix_command
from tests.chaos.crash_orchestrator import DOOM_FILE, Doom
from tests.chaos.crash_payments import (
    AFTER_REPORT,
    AFTER_STORE,
    BEFORE_ANSWER,
    BEFORE_REPORT,
    BEFORE_STORE,
    WAY,
    doomed_tills,
)
from tests.chaos.fans import CREDITS, Fan
from tests.chaos.services import Service
from tests.chaos.ticket_sales import Shop, data_of
from tests.support.http_client import http_client
from tests.support.servers import DatabaseFactory
from tests.support.waiting import eventually

AMOUNT = Decimal("400.00")
POINTS_OF_WORKER = (
    JobMoment.BEFORE_CLAIM,
    JobMoment.AFTER_CLAIM,
    BEFORE_REPORT,
    AFTER_REPORT,
    JobMoment.AFTER_EFFECT,  # the webhook's end is written, the job's is not
    JobMoment.AFTER_WRITE,  # the token is not acknowledged
)

LOGGED = "SELECT webhook_id, job_id, status, outcome, replays FROM webhook_log WHERE external_id = $1"
JOBS_OF = "SELECT job_id, status FROM jobs WHERE payload ->> 'webhook_id' = $1"
LETTERS_TO = "SELECT status FROM jobs WHERE kind = 'email' AND payload ->> 'user_id' = $1"
PAYMENT = "SELECT status, credited_at IS NOT NULL AS is_credited FROM payments WHERE payment_id = $1"
TOLD = "SELECT 1 FROM outbox WHERE convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1"
TOKENS = "SELECT sent_at FROM outbox WHERE convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1"


@pytest.fixture(scope="module")
def stack(database_url: DatabaseFactory, doom: Doom) -> Iterator[Stack]:
    """Whoever is on the way, and a broker of their own; all rise again when they are killed."""
    mortal = ("users", "orchestrator", "worker")
    env = {
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "JOB_LEASE_SECONDS": "2",
        "JOB_SCHEDULER_SECONDS": "0.1",
        "JOB_REDISPATCH_SECONDS": "0.5",
        "JOB_RETRY_SECONDS": "0.1",
        "OUTBOX_POLL_SECONDS": "0.1",
        DOOM_FILE: str(doom.file),
    }
    with (
        tempfile.TemporaryDirectory(prefix="ticketremaster-webhooks-") as folder,
        Stack(
            home=Path(folder),
            services=("sandbox", *mortal, "gateway"),
            existing=Existing(databases={package: database_url(package) for package in DATABASES}),
            env=env,
            commands={name: doomed_tills(name) for name in mortal} | {"gateway": phoenix_command("gateway")},
            migrate=False,
            seed=False,
            throwaway=True,
            spawn=database_url.fork_server.spawn,
        ) as running,
    ):
        yield running


@dataclass(frozen=True, kw_only=True)
class TopUp:
    """A fan's payment at Stripe, which the sandbox plays."""

    fan: Fan
    payment_id: uuid.UUID
    intent_id: str
    shop: Shop
    stripe: httpx.AsyncClient

    async def paid(self) -> dict[str, Any]:
        """Let the fan pay, and return what Stripe told the platform, and how that was answered."""
        return await self._told(f"/control/stripe/{self.intent_id}/succeed")

    async def credited_once(self, told: dict[str, Any]) -> None:
        """Wait until the webhook is done with, then see that it was done once, and stays so when it comes again."""
        if told["statuses"][-1] != 200:
            await self._told_again(told)
        await eventually(lambda: self._is_done(told["webhook_id"]))
        await self._assert_credited_once()
        await self._told_again(told)
        assert await self._is_done(told["webhook_id"])
        await eventually(self._fan_is_written_to)  # then nothing more follows from it
        await self._assert_credited_once()

    async def _is_done(self, external_id: str) -> bool:
        [webhook] = await self.shop.world.read("orchestrator", LOGGED, external_id)
        assert (webhook["status"], webhook["replays"]) == ("processed", 0), webhook
        jobs = await self.shop.world.read("orchestrator", JOBS_OF, str(webhook["webhook_id"]))
        assert jobs == [{"job_id": webhook["job_id"], "status": "completed"}]
        return True

    async def _fan_is_written_to(self) -> bool:
        letters = await self.shop.world.read("orchestrator", LETTERS_TO, str(self.fan.user_id))
        assert letters == [{"status": "completed"}]
        return True

    async def _assert_credited_once(self) -> None:
        world = self.shop.world
        assert await world.movements_of(self.payment_id) == ["top_up"]
        assert await world.balance_of(self.fan.user_id) == CREDITS + AMOUNT
        assert await world.read("users", PAYMENT, self.payment_id) == [{"status": "SUCCEEDED", "is_credited": True}]
        assert len(await world.read("users", TOLD, str(self.payment_id))) == 1

    async def _told_again(self, told: dict[str, Any]) -> None:
        """Send the webhook again until that is acknowledged: whoever was killed may still be on its way back."""

        async def repeat() -> bool:
            again = await self._told(f"/control/webhooks/{told['webhook_id']}/send")
            return bool(again["statuses"][-1] == 200)

        await eventually(repeat)

    async def _told(self, path: str) -> dict[str, Any]:
        answer = await self.stripe.post(path)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told


@pytest.fixture
async def stripe(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(stack.urls.sandbox) as http:
        yield http


@pytest.fixture
async def top_up(shop: Shop, stripe: httpx.AsyncClient) -> TopUp:
    return await begun(shop, stripe)


async def begun(shop: Shop, stripe: httpx.AsyncClient) -> TopUp:
    fan = await shop.new_fan()
    data = data_of(await fan.post("/api/credits/topup", {"amount": f"{AMOUNT}"}, key="top-up"))
    intent_id = data["client_secret"].partition("_secret_")[0]
    return TopUp(fan=fan, payment_id=uuid.UUID(data["payment_id"]), intent_id=intent_id, shop=shop, stripe=stripe)


@asynccontextmanager
async def reporting(top_up: TopUp) -> AsyncIterator[dict[str, Any]]:
    """Stay where the ledger is told and has not written; the job is in the worker's hands, its token as well."""
    async with top_up.shop.world.standstill("users") as is_waited_for:
        told = await top_up.paid()
        await eventually(is_waited_for)
        yield told


@pytest.mark.parametrize("moment", [BEFORE_STORE, AFTER_STORE])
async def test_orchestrator_killed_while_it_takes_the_webhook_in(top_up: TopUp, doom: Doom, moment: str) -> None:
    doom.arm(moment, WAY)
    told = await top_up.paid()
    assert doom.has_struck
    assert told["statuses"] != [200]
    await top_up.credited_once(told)


async def test_orchestrator_killed_when_it_has_said_yes(stack: Stack, top_up: TopUp) -> None:
    """Whatever it did not send, it or the worker will."""
    async with Service(stack, "worker").down():
        told = await top_up.paid()
        assert told["statuses"] == [200]
        await Service(stack, "orchestrator").kill()
    await top_up.credited_once(told)


@pytest.mark.parametrize("moment", POINTS_OF_WORKER)
async def test_worker_killed(top_up: TopUp, doom: Doom, moment: str) -> None:
    doom.arm(moment, WAY)
    told = await top_up.paid()
    assert told["statuses"] == [200]
    await eventually(lambda: doom.has_struck)
    await top_up.credited_once(told)


async def test_users_killed_before_the_credit_is_written(stack: Stack, top_up: TopUp) -> None:
    async with reporting(top_up) as told:
        await Service(stack, "users").kill()
    await top_up.credited_once(told)


async def test_users_killed_before_it_says_that_the_credit_is_written(top_up: TopUp, doom: Doom) -> None:
    doom.arm(BEFORE_ANSWER, WAY)
    told = await top_up.paid()
    await eventually(lambda: doom.has_struck)
    await top_up.credited_once(told)


async def test_worker_and_users_killed_together(stack: Stack, top_up: TopUp) -> None:
    async with reporting(top_up) as told:
        await Service(stack, "users").kill()
        await Service(stack, "worker").kill()
    await top_up.credited_once(told)


async def test_broker_gone_while_the_job_is_in_hand(stack: Stack, top_up: TopUp) -> None:
    """The token that was out comes again, and finds the job done or at work."""
    async with reporting(top_up) as told:
        stack.rabbitmq.kill()
    await asyncio.to_thread(stack.rabbitmq.start)
    await top_up.credited_once(told)


async def test_broker_gone_while_a_token_waits_in_it_and_a_webhook_comes_in(
    stack: Stack, shop: Shop, stripe: httpx.AsyncClient
) -> None:
    earlier, later = await begun(shop, stripe), await begun(shop, stripe)
    async with Service(stack, "worker").down():
        told_earlier = await earlier.paid()
        await eventually(lambda: token_is_out(shop, told_earlier))
        stack.rabbitmq.kill()
        told_later = await later.paid()
        assert told_later["statuses"] == [200]
        await asyncio.to_thread(stack.rabbitmq.start)
    for top_up, told in ((earlier, told_earlier), (later, told_later)):
        await top_up.credited_once(told)


async def token_is_out(shop: Shop, told: dict[str, Any]) -> bool:
    [webhook] = await shop.world.read("orchestrator", LOGGED, told["webhook_id"])
    tokens = await shop.world.read("orchestrator", TOKENS, str(webhook["job_id"]))
    return bool(tokens) and all(token["sent_at"] is not None for token in tokens)
