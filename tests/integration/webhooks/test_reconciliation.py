"""Payments compared with the providers' own records: what a lost webhook left behind is repaired, once."""

import asyncio
import os
import sys
import uuid
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.clients.users.payments import PaymentStatus, Provider, ReportOutcome
from orchestrator.features.payments.service.reconciliation_report import Difference, Reconciled
from orchestrator.reconcile import reconcile
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from tests.integration.webhooks.webhook_fixtures import Fan, WebhookHarness, event_id, intent, success
from tests.support.serving import serving
from tests.support.signing import stripe_event


async def found(settings: WorkerSettings, *payment_ids: str) -> list[Difference]:
    """Reconcile, and return what was found of these payments."""
    done: Reconciled = await reconcile(settings)
    return [difference for difference in done.differences if str(difference.payment_id) in payment_ids]


def beyond_the_window(settings: WorkerSettings) -> WorkerSettings:
    """Let every payment be older than what reconciliation looks back to."""
    return settings.model_copy(update={"reconcile_days": -1.0})


async def unconfirmed_credit(settings: WorkerSettings, payment_id: str) -> list[PaymentStatus | None]:
    """Reconcile, and return what the provider says instead of a payment that we have credited."""
    done: Reconciled = await reconcile(settings)
    return [found.theirs for found in done.unfounded if str(found.payment_id) == payment_id]


async def crypto_id(harness: WebhookHarness, paid: dict[str, Any]) -> str:
    (payment,) = await harness.payments_with(paid["payment_id"])
    return str(payment["provider_payment_id"])


class TestStripe:
    async def test_a_payment_whose_webhook_was_lost_is_credited_once(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        (difference,) = await found(settings, topped_up["payment_id"])
        assert (difference.ours, difference.theirs) == (PaymentStatus.PENDING, PaymentStatus.SUCCEEDED)
        assert difference.outcome is ReportOutcome.CREDITED
        assert await fan.balance() == "50.00"
        assert await found(settings, topped_up["payment_id"]) == []
        assert await harness.movements(topped_up["payment_id"]) == 1

    async def test_a_refund_that_nobody_told_of_is_found(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        await reconcile(settings)
        await harness.control(f"/stripe/{topped_up['intent_id']}/refund", copies=0)
        (difference,) = await found(settings, topped_up["payment_id"])
        assert (difference.ours, difference.theirs) == (PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED)
        assert await fan.balance() == "0.00"

    async def test_a_payment_that_was_given_back_before_we_heard_of_it_is_not_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        await harness.control(f"/stripe/{topped_up['intent_id']}/refund", copies=0)
        (difference,) = await found(settings, topped_up["payment_id"])
        assert (difference.theirs, difference.outcome) == (PaymentStatus.REFUNDED, ReportOutcome.NOTED)
        assert await harness.movements(topped_up["payment_id"]) == 0

    async def test_one_whose_name_was_never_noted_is_found_by_ours(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        await harness.clear_attachment(topped_up["payment_id"])
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        (difference,) = await found(settings, topped_up["payment_id"])
        assert (difference.ours, difference.outcome) == (PaymentStatus.PENDING, ReportOutcome.CREDITED)
        assert await fan.balance() == "50.00"

    async def test_an_old_one_that_was_paid_late_is_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        (difference,) = await found(beyond_the_window(settings), topped_up["payment_id"])
        assert difference.outcome is ReportOutcome.CREDITED
        assert await fan.balance() == "50.00"

    async def test_so_is_an_old_one_whose_first_card_was_declined(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        declined = stripe_event("payment_intent.payment_failed", intent(topped_up, fan), id=event_id())
        async with serving(create_worker(settings), settings):
            await harness.notify_by_stripe(declined)
            await harness.ends(declined["id"], "processed")
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        (difference,) = await found(beyond_the_window(settings), topped_up["payment_id"])
        assert (difference.ours, difference.outcome) == (PaymentStatus.FAILED, ReportOutcome.CREDITED)

    async def test_one_that_we_have_credited_and_it_does_not_call_paid_is_reported(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        event = success(topped_up, fan, event_id=event_id())
        async with serving(create_worker(settings), settings):
            await harness.notify_by_stripe(event)
            await harness.ends(event["id"], "processed")
        assert await unconfirmed_credit(settings, topped_up["payment_id"]) == [PaymentStatus.PENDING]
        assert await fan.balance() == "50.00"
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        assert await unconfirmed_credit(settings, topped_up["payment_id"]) == []

    async def test_so_is_one_that_it_does_not_know(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        event = success(topped_up, fan, event_id=event_id())
        async with serving(create_worker(settings), settings):
            await harness.notify_by_stripe(event)
            await harness.ends(event["id"], "processed")
        await harness.rename(topped_up["payment_id"], f"pi_{uuid.uuid4().hex}")
        assert await unconfirmed_credit(settings, topped_up["payment_id"]) == [None]
        assert await fan.balance() == "50.00"
        await harness.rename(topped_up["payment_id"], topped_up["intent_id"])
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)

    async def test_open_ones_are_left_alone(self, fan: Fan, settings: WorkerSettings) -> None:
        topped_up = await fan.top_up()
        assert await found(settings, topped_up["payment_id"]) == []

    async def test_a_webhook_that_comes_after_all_changes_nothing(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        await reconcile(settings)
        event = success(topped_up, fan, event_id=event_id())
        async with serving(create_worker(settings), settings):
            await harness.notify_by_stripe(event)
            await harness.ends(event["id"], "ignored")
        assert await fan.balance() == "50.00"


class TestCrypto:
    async def test_a_payment_whose_notification_was_lost_is_credited_once(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        (difference,) = await found(settings, paid["payment_id"])
        assert difference.outcome is ReportOutcome.CREDITED
        assert await fan.balance() == "45.00"
        assert await found(settings, paid["payment_id"]) == []

    async def test_one_that_expired_and_was_paid_late_is_credited_too(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        for status in ("expired", "finished"):
            await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status=status, copies=0)
            assert len(await found(settings, paid["payment_id"])) == 1
        assert await fan.balance() == "45.00"

    async def test_a_refund_that_nobody_told_of_is_found(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        for status, balance in (("finished", "45.00"), ("refunded", "0.00")):
            await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status=status, copies=0)
            assert len(await found(settings, paid["payment_id"])) == 1
            assert await fan.balance() == balance

    async def test_one_that_cannot_be_asked_about_does_not_stop_the_others(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        dark, bright = await fan.pay_by_crypto(), await fan.pay_by_crypto()
        for paid in (dark, bright):
            await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        await harness.control("/faults", path=f"/v1/payment/{await crypto_id(harness, dark)}", status=500)
        done = await reconcile(settings)
        assert done.unasked == 1
        assert await fan.balance() == "45.00"

    async def test_it_is_asked_although_stripe_is_away(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        await harness.control("/faults", path="/v1/payment_intents", status=500)
        done = await reconcile(settings)
        assert (done.unreachable, done.is_for_people) == ([Provider.STRIPE], True)
        assert await fan.balance() == "45.00"

    async def test_an_old_one_that_was_paid_late_is_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        (difference,) = await found(beyond_the_window(settings), paid["payment_id"])
        assert difference.outcome is ReportOutcome.CREDITED

    async def test_another_part_of_the_money_is_noted(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        name = await crypto_id(harness, paid)
        for actually_paid in (0.0001, 0.0003):
            moved = {"status": "partially_paid", "copies": 0, "actually_paid": actually_paid}
            await harness.control(f"/nowpayments/{name}", **moved)
            (difference,) = await found(settings, paid["payment_id"])
            assert difference.outcome is ReportOutcome.NOTED
            assert (await fan.payment(paid["payment_id"]))["paid_amount"] == str(Decimal(str(actually_paid)))
        assert await found(settings, paid["payment_id"]) == []

    async def test_one_that_we_have_credited_and_it_does_not_know_is_reported(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        name = await crypto_id(harness, paid)
        await harness.control(f"/nowpayments/{name}", status="finished", copies=0)
        await reconcile(settings)
        await harness.rename(paid["payment_id"], "17")
        assert await unconfirmed_credit(settings, paid["payment_id"]) == [None]
        await harness.rename(paid["payment_id"], name)
        await harness.control(f"/nowpayments/{name}", status="failed", copies=0)
        assert await unconfirmed_credit(settings, paid["payment_id"]) == [PaymentStatus.FAILED]
        assert await fan.balance() == "45.00"
        await harness.control(f"/nowpayments/{name}", status="finished", copies=0)

    async def test_an_amount_with_noise_is_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(
            f"/nowpayments/{await crypto_id(harness, paid)}",
            status="finished",
            copies=0,
            actually_paid=0.0005555600000000001,
        )
        (difference,) = await found(settings, paid["payment_id"])
        assert difference.outcome is ReportOutcome.CREDITED
        assert (await fan.payment(paid["payment_id"]))["paid_amount"] == "0.00055556"


class TestByItself:
    async def test_a_worker_does_it_every_round_and_two_workers_do_it_once(
        self, harness: WebhookHarness, fan: Fan, admin: Fan, settings: WorkerSettings
    ) -> None:
        often = settings.model_copy(update={"reconcile_interval_seconds": 2.0})
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        async with serving(create_worker(often), often), serving(create_worker(often), often):
            await fan.has("50.00")
        jobs = (await admin.get("/admin/jobs", kind="reconciliation", per_page=100)).json()["data"]
        names = [(await admin.get(f"/admin/jobs/{job['job_id']}")).json()["data"]["idempotency_key"] for job in jobs]
        assert len(names) == len(set(names))


class TestCommand:
    @pytest.fixture
    def environment(self, settings: WorkerSettings) -> dict[str, str]:
        return os.environ | {
            "ENV": "test",
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "RABBITMQ_URL": settings.rabbitmq_url.get_secret_value(),
            "QR_KEYS": settings.qr_keys.get_secret_value(),
            "SERVICE_TOKEN_SECRET": settings.service_token_secret.get_secret_value(),
            "USERS_URL": settings.users_url,
            "STRIPE_API_URL": settings.stripe_api_url,
            "NOWPAYMENTS_API_URL": settings.nowpayments_api_url,
        }

    async def run(self, environment: dict[str, str]) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "orchestrator.reconcile",
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        return process.returncode, out.decode(), errors.decode()

    async def test_it_says_what_differed(self, harness: WebhookHarness, fan: Fan, environment: dict[str, str]) -> None:
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        code, out, errors = await self.run(environment)
        assert code == 0, errors
        line = f"stripe {topped_up['intent_id']} {topped_up['payment_id']}: PENDING here, SUCCEEDED there -> CREDITED"
        assert line in out.splitlines()
        assert out.endswith("differed, 0 unfounded, 0 refused, 0 could not be asked about\n")
        assert await fan.balance() == "50.00"

    async def test_it_ends_with_one_when_a_person_has_to_look(
        self, harness: WebhookHarness, fan: Fan, environment: dict[str, str], settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        await reconcile(settings)
        await harness.control(f"/stripe/{topped_up['intent_id']}/refund", copies=0, amount=1_000)
        code, out, _ = await self.run(environment)
        assert code == 1
        assert "SUCCEEDED here, REFUNDED there -> MISMATCH" in out

    async def test_it_ends_with_one_when_a_provider_is_away_and_does_the_other(
        self, harness: WebhookHarness, fan: Fan, environment: dict[str, str]
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        code, out, _ = await self.run(environment | {"STRIPE_API_URL": "http://127.0.0.1:9"})
        assert code == 1
        assert "stripe did not answer" in out.splitlines()
        assert f"{paid['payment_id']}: WAITING here" in out or f"{paid['payment_id']}: PENDING here" in out
        assert await fan.balance() == "45.00"

    async def test_it_says_that_nobody_could_be_asked(self, environment: dict[str, str]) -> None:
        code, out, errors = await self.run(environment | {"USERS_URL": "http://127.0.0.1:9"})
        assert (code, out) == (1, "")
        assert "Nobody could be asked: UPSTREAM_TIMEOUT" in errors


class TestPartialRefund:
    """Last in the file: from then on every round finds something for people."""

    async def test_a_lost_success_is_credited_although_some_was_given_back(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        topped_up = await fan.top_up()
        await harness.control(f"/stripe/{topped_up['intent_id']}/succeed", copies=0)
        await harness.control(f"/stripe/{topped_up['intent_id']}/refund", copies=0, amount=1_000)
        outcomes = [difference.outcome for difference in await found(settings, topped_up["payment_id"])]
        assert outcomes == [ReportOutcome.CREDITED, ReportOutcome.MISMATCH]
        assert await fan.balance() == "50.00"
