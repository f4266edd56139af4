"""The Stripe adapter and the sandbox's Stripe, over HTTP: the package's own requests, the API's own responses."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import stripe
from pydantic import SecretStr

from common.errors import Unprocessable
from orchestrator.clients.users.payments import PaymentStatus, ProviderReport
from orchestrator.features.payments.adapters.stripe import Intent, StripePayments, StripeWebhooks
from orchestrator.features.payments.errors import ProviderTimeout, ProviderUnavailable, SignatureInvalid, WebhookStale
from tests.integration.providers.conftest import TIMEOUT_SECONDS, TOO_SLOW_SECONDS, Control, WebhookReceiver

PATH = "/v1/payment_intents"
AN_HOUR_AGO = timedelta(hours=1)


async def made(payments: StripePayments, amount: str = "50.00") -> tuple[uuid.UUID, Intent]:
    payment_id = uuid.uuid4()
    return payment_id, await payments.create(payment_id=payment_id, user_id=uuid.uuid4(), amount=Decimal(amount))


async def listed(payments: StripePayments) -> dict[str, ProviderReport]:
    return {report.provider_payment_id: report async for report in payments.since(datetime.now(UTC) - AN_HOUR_AGO)}


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


class TestIntents:
    async def test_intent_is_created_in_cents_with_platform_ids(self, stripe_payments: StripePayments) -> None:
        payment_id, intent = await made(stripe_payments, "12.34")
        assert (intent.amount, intent.currency, intent.status) == (1_234, "sgd", "requires_payment_method")
        assert intent.metadata.payment_id == payment_id
        assert intent.client_secret
        assert await stripe_payments.find(intent.id) == intent

    async def test_payment_has_one_intent(self, stripe_payments: StripePayments) -> None:
        payment_id, user_id = uuid.uuid4(), uuid.uuid4()

        async def make(amount: str) -> Intent:
            return await stripe_payments.create(payment_id=payment_id, user_id=user_id, amount=Decimal(amount))

        intents = await asyncio.gather(*(make("50.00") for _ in range(5)))
        assert len({intent.id for intent in intents}) == 1
        with pytest.raises(Unprocessable):
            await make("51.00")

    async def test_unknown_id_is_not_found(self, stripe_payments: StripePayments) -> None:
        with pytest.raises(ProviderUnavailable):
            await stripe_payments.find("pi_unknown")

    async def test_all_are_listed_over_pages(self, stripe_payments: StripePayments) -> None:
        created = [(await made(stripe_payments))[1].id for _ in range(205)]
        assert set(created) <= set(await listed(stripe_payments))

    async def test_list_has_the_current_status(self, stripe_payments: StripePayments, control: Control) -> None:
        ids = {
            name: (await made(stripe_payments))[1].id for name in ("open", "paid", "cancelled", "refunded", "partly")
        }
        for name, event in {
            "paid": "succeed",
            "refunded": "succeed",
            "partly": "succeed",
            "cancelled": "cancel",
        }.items():
            await control(f"/stripe/{ids[name]}/{event}", copies=0)
        await control(f"/stripe/{ids['refunded']}/refund", copies=0)
        await control(f"/stripe/{ids['partly']}/refund", copies=0, amount=1_000)
        found = await listed(stripe_payments)
        assert {name: (found[id_].status, found[id_].amount) for name, id_ in ids.items()} == {
            "open": (PaymentStatus.PENDING, Decimal("50.00")),
            "paid": (PaymentStatus.SUCCEEDED, Decimal("50.00")),
            "cancelled": (PaymentStatus.FAILED, Decimal("50.00")),
            "refunded": (PaymentStatus.REFUNDED, Decimal("50.00")),
            "partly": (PaymentStatus.SUCCEEDED, Decimal("50.00")),
        }

    async def test_refunds_and_disputes_are_listed(self, stripe_payments: StripePayments, control: Control) -> None:
        payment_id, intent = await made(stripe_payments)
        await control(f"/stripe/{intent.id}/succeed", copies=0)
        await control(f"/stripe/{intent.id}/refund", copies=0, amount=1_000)
        await control(f"/stripe/{intent.id}/refund", copies=0, amount=500)
        await control(f"/stripe/{intent.id}/fail-refund", copies=0)
        await control(f"/stripe/{intent.id}/dispute", copies=0)
        await control(f"/stripe/{intent.id}/dispute/withdraw", copies=0)
        expected = {("FAILED", Decimal("5.00")), ("REFUNDED", Decimal("10.00")), ("WITHDRAWN", Decimal("50.00"))}
        since = [report async for report in stripe_payments.reversals_since(datetime.now(UTC) - AN_HOUR_AGO)]
        for reports in (await stripe_payments.current(intent.id), since):
            ours = [report for report in reports if report.provider_payment_id == intent.id and report.reversal]
            assert {(each.reversal.status, each.reversal.amount) for each in ours if each.reversal} == expected
            assert {report.payment_id for report in ours} == {payment_id}

    async def test_reversals_are_listed_over_pages(self, stripe_payments: StripePayments, control: Control) -> None:
        _, intent = await made(stripe_payments, "200.00")
        await control(f"/stripe/{intent.id}/succeed", copies=0)
        for _ in range(105):
            await control(f"/stripe/{intent.id}/refund", copies=0, amount=1)
        refunds = [report for report in await stripe_payments.current(intent.id) if report.reversal]
        assert len({report.reversal.reversal_id for report in refunds if report.reversal}) == 105


class TestFailures:
    async def test_library_does_not_retry_an_error(self, stripe_payments: StripePayments, control: Control) -> None:
        await control("/faults", path=PATH, status=500, times=1)
        with pytest.raises(ProviderUnavailable):
            await made(stripe_payments)
        await made(stripe_payments)  # the fault applied to one call, and that call was made

    async def test_timeout_leaves_the_outcome_unknown(
        self, short_timeout_stripe_payments: StripePayments, control: Control
    ) -> None:
        await control("/faults", path=PATH, delay_seconds=TOO_SLOW_SECONDS, times=1)
        with pytest.raises(ProviderTimeout):
            await made(short_timeout_stripe_payments)

    async def test_refused_connection_is_unavailable(self) -> None:
        payments = StripePayments(
            api_url="http://127.0.0.1:9", secret_key=SecretStr("sk"), timeout_seconds=TIMEOUT_SECONDS
        )
        with pytest.raises(ProviderUnavailable):
            await made(payments)
        await payments.close()

    async def test_wrong_api_key_is_unavailable_without_exposing_it(self, sandbox_url: str) -> None:
        payments = StripePayments(
            api_url=sandbox_url, secret_key=SecretStr("sk_wrong"), timeout_seconds=TIMEOUT_SECONDS
        )
        with pytest.raises(ProviderUnavailable) as refusal:
            await made(payments)
        assert "sk_wrong" not in str(refusal.value.private)
        await payments.close()


async def test_library_sends_no_telemetry(
    stripe_payments: StripePayments, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    await made(stripe_payments)
    assert not stripe.enable_telemetry
    assert files_in(tmp_path) == []


class TestWebhooks:
    """The adapter accepts the sandbox's webhooks."""

    @pytest.fixture
    def webhooks(self) -> StripeWebhooks:
        return StripeWebhooks(SecretStr("whsec_sandbox"))

    @pytest.mark.parametrize(
        ("event", "type_", "status"),
        [
            ("succeed", "payment_intent.succeeded", PaymentStatus.SUCCEEDED),
            ("fail", "payment_intent.payment_failed", PaymentStatus.FAILED),
            ("cancel", "payment_intent.canceled", PaymentStatus.FAILED),
        ],
    )
    async def test_each_status_change_is_notified(  # noqa: PLR0917 - three of them are the cases
        self,
        stripe_payments: StripePayments,
        control: Control,
        webhook_receiver: WebhookReceiver,
        webhooks: StripeWebhooks,
        event: str,
        type_: str,
        status: PaymentStatus,
    ) -> None:
        payment_id, intent = await made(stripe_payments)
        delivery = await control(f"/stripe/{intent.id}/{event}")
        assert delivery["statuses"] == [200]
        ((path, headers, body),) = webhook_receiver.received
        assert path == "/api/webhooks/stripe"
        inbound = webhooks.verify(body, headers[webhooks.signature_header])
        assert (inbound.external_id, inbound.event_type) == (delivery["webhook_id"], type_)
        report = webhooks.read_report(body)
        assert report is not None
        assert (report.payment_id, report.provider_payment_id, report.status) == (payment_id, intent.id, status)

    async def test_refund_is_notified_with_platform_ids(
        self,
        stripe_payments: StripePayments,
        control: Control,
        webhook_receiver: WebhookReceiver,
        webhooks: StripeWebhooks,
    ) -> None:
        payment_id, intent = await made(stripe_payments)
        await control(f"/stripe/{intent.id}/succeed", copies=0)
        await control(f"/stripe/{intent.id}/refund")
        total, single = [webhooks.read_report(body) for _, _, body in webhook_receiver.received]
        assert total is not None
        assert (total.payment_id, total.status, total.amount) == (payment_id, PaymentStatus.REFUNDED, Decimal("50.00"))
        assert single is not None
        assert single.reversal is not None
        assert (single.provider_payment_id, single.reversal.amount) == (intent.id, Decimal("50.00"))

    @pytest.mark.parametrize(
        ("events", "statuses"),
        [
            (["dispute", "dispute/withdraw", "dispute/win", "dispute/reinstate"], ["OPEN", "WITHDRAWN", "WON", "WON"]),
            (["dispute", "dispute/withdraw", "dispute/lose"], ["OPEN", "WITHDRAWN", "LOST"]),
            (["refund", "fail-refund"], ["REFUNDED", "FAILED"]),
        ],
    )
    async def test_each_change_of_a_refund_or_dispute_is_notified_in_rising_sequence(  # noqa: PLR0917 - two are cases
        self,
        stripe_payments: StripePayments,
        control: Control,
        webhook_receiver: WebhookReceiver,
        webhooks: StripeWebhooks,
        events: list[str],
        statuses: list[str],
    ) -> None:
        _, intent = await made(stripe_payments)
        await control(f"/stripe/{intent.id}/succeed", copies=0)
        for event in events:
            await control(f"/stripe/{intent.id}/{event}")
        reports = [webhooks.read_report(body) for _, _, body in webhook_receiver.received]
        reversals = [report.reversal for report in reports if report and report.reversal]
        assert [reversal.status for reversal in reversals] == statuses
        assert len({reversal.reversal_id for reversal in reversals}) == 1
        sequences = [reversal.sequence for reversal in reversals]
        assert sequences == sorted(set(sequences))

    async def test_webhook_can_be_lost_duplicated_and_delayed(
        self,
        stripe_payments: StripePayments,
        control: Control,
        webhook_receiver: WebhookReceiver,
        webhooks: StripeWebhooks,
    ) -> None:
        _, intent = await made(stripe_payments)
        delivery = await control(f"/stripe/{intent.id}/succeed", copies=0)
        assert webhook_receiver.received == []
        await control(f"/webhooks/{delivery['webhook_id']}/send", copies=3)
        assert len({body for _, _, body in webhook_receiver.received}) == 1
        assert len(webhook_receiver.received) == 3
        await control(f"/webhooks/{delivery['webhook_id']}/send", signed_seconds_ago=400)
        _, headers, body = webhook_receiver.received[-1]
        with pytest.raises(WebhookStale):
            webhooks.verify(body, headers[webhooks.signature_header])

    async def test_webhook_can_be_falsified(
        self, stripe_payments: StripePayments, control: Control, webhook_receiver: WebhookReceiver
    ) -> None:
        _, intent = await made(stripe_payments)
        await control(f"/stripe/{intent.id}/succeed", changes={"amount_received": 1})
        ((_, headers, body),) = webhook_receiver.received
        report = StripeWebhooks(SecretStr("whsec_sandbox")).read_report(body)
        assert report is not None
        assert report.amount == Decimal("0.01")
        with pytest.raises(SignatureInvalid):
            StripeWebhooks(SecretStr("whsec_other")).verify(body, headers["Stripe-Signature"])
