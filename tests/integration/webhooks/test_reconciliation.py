"""Payments compared with the providers' records: reconciliation repairs the effects of a lost webhook once."""

import asyncio
import os
import re
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
    """Reconcile, and return the findings about these payments."""
    done: Reconciled = await reconcile(settings)
    return [difference for difference in done.differences if str(difference.payment_id) in payment_ids]


def beyond_the_window(settings: WorkerSettings) -> WorkerSettings:
    """Make every payment older than the period that reconciliation covers."""
    return settings.model_copy(update={"reconcile_days": -1.0})


async def unconfirmed_credit(settings: WorkerSettings, payment_id: str) -> list[PaymentStatus | None]:
    """Reconcile, and return the provider's status of a payment that the ledger has credited."""
    done: Reconciled = await reconcile(settings)
    return [found.theirs for found in done.unfounded if str(found.payment_id) == payment_id]


async def crypto_id(harness: WebhookHarness, paid: dict[str, Any]) -> str:
    (payment,) = await harness.payments_with(paid["payment_id"])
    return str(payment["provider_payment_id"])


class TestStripe:
    async def test_payment_with_a_lost_webhook_is_credited_once(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        (difference,) = await found(settings, top_up["payment_id"])
        assert (difference.ours, difference.theirs) == (PaymentStatus.PENDING, PaymentStatus.SUCCEEDED)
        assert difference.outcome is ReportOutcome.CREDITED
        assert await fan.balance() == "50.00"
        assert await found(settings, top_up["payment_id"]) == []
        assert await harness.movements(top_up["payment_id"]) == 1

    async def test_refund_with_a_lost_webhook_is_found(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        await reconcile(settings)
        await harness.control(f"/stripe/{top_up['intent_id']}/refund", copies=0)
        (difference,) = await found(settings, top_up["payment_id"])
        assert (difference.ours, difference.theirs) == (PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED)
        assert await fan.balance() == "0.00"

    async def test_partial_refunds_and_disputes_with_lost_webhooks_are_found(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        intent = f"/stripe/{top_up['intent_id']}"
        await harness.control(f"{intent}/succeed", copies=0)
        await reconcile(settings)
        for settings_then, change, theirs, balance in (
            (settings, f"{intent}/refund", "REFUNDED", "40.00"),
            (settings, f"{intent}/dispute", "OPEN", "40.00"),
            (settings, f"{intent}/dispute/withdraw", "WITHDRAWN", "0.00"),
            # The dispute is open, so it is compared whatever its age.
            (settings.model_copy(update={"reconcile_days": -40.0}), f"{intent}/dispute/win", "WON", "40.00"),
        ):
            await harness.control(change, copies=0, **({"amount": 1_000} if change.endswith("refund") else {}))
            (difference,) = await found(settings_then, top_up["payment_id"])
            assert (difference.theirs, difference.outcome) == (theirs, ReportOutcome.NOTED)
            assert await fan.balance() == balance
            assert await found(settings_then, top_up["payment_id"]) == []

    async def test_dispute_of_an_old_payment_is_found(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        await reconcile(settings)
        await harness.control(f"/stripe/{top_up['intent_id']}/dispute", copies=0)
        await harness.control(f"/stripe/{top_up['intent_id']}/dispute/withdraw", copies=0)
        (difference,) = await found(beyond_the_window(settings), top_up["payment_id"])
        assert difference.theirs == "WITHDRAWN"
        assert await fan.balance() == "0.00"

    async def test_payment_refunded_before_its_report_is_not_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        await harness.control(f"/stripe/{top_up['intent_id']}/refund", copies=0)
        (difference,) = await found(settings, top_up["payment_id"])
        assert (difference.theirs, difference.outcome) == (PaymentStatus.REFUNDED, ReportOutcome.NOTED)
        assert await harness.movements(top_up["payment_id"]) == 0

    async def test_payment_without_a_provider_id_is_found_by_payment_id(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.clear_attachment(top_up["payment_id"])
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        (difference,) = await found(settings, top_up["payment_id"])
        assert (difference.ours, difference.outcome) == (PaymentStatus.PENDING, ReportOutcome.CREDITED)
        assert await fan.balance() == "50.00"

    async def test_old_payment_paid_late_is_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        (difference,) = await found(beyond_the_window(settings), top_up["payment_id"])
        assert difference.outcome is ReportOutcome.CREDITED
        assert await fan.balance() == "50.00"

    async def test_old_payment_paid_after_a_declined_card_is_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        declined = stripe_event("payment_intent.payment_failed", intent(top_up, fan), id=event_id())
        async with serving(create_worker(settings), settings):
            await harness.notify_by_stripe(declined)
            await harness.ends(declined["id"], "processed")
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        (difference,) = await found(beyond_the_window(settings), top_up["payment_id"])
        assert (difference.ours, difference.outcome) == (PaymentStatus.FAILED, ReportOutcome.CREDITED)

    async def test_credited_payment_that_the_provider_reports_unpaid_is_reported(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        event = success(top_up, fan, event_id=event_id())
        async with serving(create_worker(settings), settings):
            await harness.notify_by_stripe(event)
            await harness.ends(event["id"], "processed")
        assert await unconfirmed_credit(settings, top_up["payment_id"]) == [PaymentStatus.PENDING]
        assert await fan.balance() == "50.00"
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        assert await unconfirmed_credit(settings, top_up["payment_id"]) == []

    async def test_credited_payment_unknown_to_stripe_is_reported(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        event = success(top_up, fan, event_id=event_id())
        async with serving(create_worker(settings), settings):
            await harness.notify_by_stripe(event)
            await harness.ends(event["id"], "processed")
        await harness.rename(top_up["payment_id"], f"pi_{uuid.uuid4().hex}")
        assert await unconfirmed_credit(settings, top_up["payment_id"]) == [None]
        assert await fan.balance() == "50.00"
        await harness.rename(top_up["payment_id"], top_up["intent_id"])
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)

    async def test_lost_success_is_credited_despite_a_partial_refund(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        await harness.control(f"/stripe/{top_up['intent_id']}/refund", copies=0, amount=1_000)
        outcomes = [difference.outcome for difference in await found(settings, top_up["payment_id"])]
        assert outcomes == [ReportOutcome.CREDITED, ReportOutcome.NOTED]
        assert await fan.balance() == "40.00"

    async def test_open_payments_are_not_changed(self, fan: Fan, settings: WorkerSettings) -> None:
        top_up = await fan.top_up()
        assert await found(settings, top_up["payment_id"]) == []

    async def test_late_webhook_changes_nothing(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        await reconcile(settings)
        event = success(top_up, fan, event_id=event_id())
        async with serving(create_worker(settings), settings):
            await harness.notify_by_stripe(event)
            await harness.ends(event["id"], "ignored")
        assert await fan.balance() == "50.00"


class TestCrypto:
    async def test_payment_with_a_lost_notification_is_credited_once(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        (difference,) = await found(settings, paid["payment_id"])
        assert difference.outcome is ReportOutcome.CREDITED
        assert await fan.balance() == "45.00"
        assert await found(settings, paid["payment_id"]) == []

    async def test_expired_payment_paid_late_is_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        for status in ("expired", "finished"):
            await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status=status, copies=0)
            assert len(await found(settings, paid["payment_id"])) == 1
        assert await fan.balance() == "45.00"

    async def test_refund_with_a_lost_webhook_is_found(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        for status, balance in (("finished", "45.00"), ("refunded", "0.00")):
            await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status=status, copies=0)
            assert len(await found(settings, paid["payment_id"])) == 1
            assert await fan.balance() == balance

    async def test_failed_query_does_not_stop_the_others(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        unavailable_provider, available_provider = await fan.pay_by_crypto(), await fan.pay_by_crypto()
        for paid in (unavailable_provider, available_provider):
            await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        await harness.control(
            "/faults", path=f"/v1/payment/{await crypto_id(harness, unavailable_provider)}", status=500
        )
        done = await reconcile(settings)
        assert done.unasked == 1
        assert await fan.balance() == "45.00"

    async def test_crypto_payments_are_queried_during_a_stripe_outage(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        await harness.control("/faults", path="/v1/payment_intents", status=500)
        done = await reconcile(settings)
        assert (done.unreachable, done.needs_admin) == ([Provider.STRIPE], True)
        assert await fan.balance() == "45.00"

    async def test_old_payment_paid_late_is_credited(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        (difference,) = await found(beyond_the_window(settings), paid["payment_id"])
        assert difference.outcome is ReportOutcome.CREDITED

    async def test_further_partial_payment_is_stored(
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

    async def test_later_deposit_with_a_lost_notification_is_counted(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        paid = await fan.pay_by_crypto()
        name = await crypto_id(harness, paid)
        moved = {"status": "partially_paid", "copies": 0, "actually_paid": 0.0002}
        await harness.control(f"/nowpayments/{name}", **moved)
        await harness.control(f"/nowpayments/{name}/deposit", copies=0, actually_paid=0.0003)
        outcomes = [difference.outcome for difference in await found(settings, paid["payment_id"])]
        assert outcomes == [ReportOutcome.NOTED, ReportOutcome.CREDITED]
        assert await fan.balance() == "45.00"
        assert await found(settings, paid["payment_id"]) == []

    async def test_credited_payment_unknown_to_nowpayments_is_reported(
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

    async def test_amount_with_rounding_noise_is_credited(
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


class TestPeriodicRun:
    async def test_two_workers_reconcile_once_per_round(
        self, harness: WebhookHarness, fan: Fan, admin: Fan, settings: WorkerSettings
    ) -> None:
        often = settings.model_copy(update={"reconcile_interval_seconds": 2.0})
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
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

    async def test_command_prints_differences(
        self, harness: WebhookHarness, fan: Fan, environment: dict[str, str]
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        code, out, errors = await self.run(environment)
        assert code == 0, errors
        line = f"stripe {top_up['intent_id']} {top_up['payment_id']}: PENDING here, SUCCEEDED there -> CREDITED"
        assert line in out.splitlines()
        assert out.endswith("differed, 0 unfounded, 0 refused, 0 could not be checked\n")
        assert await fan.balance() == "50.00"

    async def test_command_exits_with_one_if_an_admin_must_act(
        self, harness: WebhookHarness, fan: Fan, environment: dict[str, str], settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        await harness.control(f"/stripe/{top_up['intent_id']}/succeed", copies=0)
        await reconcile(settings)
        await harness.control(f"/stripe/{top_up['intent_id']}/refund", copies=0, amount=1_000)
        code, out, _ = await self.run(environment)
        assert code == 0
        assert re.search(r"SUCCEEDED here, re_\w+ REFUNDED there -> NOTED", out)
        await harness.rename(top_up["payment_id"], "pi_unknown")
        assert (await self.run(environment))[0] == 1
        await harness.rename(top_up["payment_id"], top_up["intent_id"])

    async def test_command_exits_with_one_if_a_provider_is_unavailable_and_checks_the_other(
        self, harness: WebhookHarness, fan: Fan, environment: dict[str, str]
    ) -> None:
        paid = await fan.pay_by_crypto()
        await harness.control(f"/nowpayments/{await crypto_id(harness, paid)}", status="finished", copies=0)
        code, out, _ = await self.run(environment | {"STRIPE_API_URL": "http://127.0.0.1:9"})
        assert code == 1
        assert "stripe did not answer" in out.splitlines()
        assert f"{paid['payment_id']}: WAITING here" in out or f"{paid['payment_id']}: PENDING here" in out
        assert await fan.balance() == "45.00"

    async def test_command_reports_an_unavailable_ledger(self, environment: dict[str, str]) -> None:
        code, out, errors = await self.run(environment | {"USERS_URL": "http://127.0.0.1:9"})
        assert (code, out) == (1, "")
        assert "The users service did not respond: UPSTREAM_TIMEOUT" in errors
