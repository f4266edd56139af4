"""The adapter of Stripe Checkout against the sandbox."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from common.errors import Unprocessable
from devstack.sandbox.settings import Settings
from orchestrator.clients.users.payments import PaymentStatus, ProviderReport
from orchestrator.features.payments.adapters.stripe import StripePayments, StripeWebhooks
from orchestrator.features.payments.adapters.stripe_checkout import CheckoutRequest, StripeCheckout
from orchestrator.features.payments.errors import ProviderRefused, ProviderUnavailable
from tests.integration.providers.conftest import Control, WebhookReceiver
from tests.support.http_client import http_client
from tests.support.waiting import eventually

SHOP = "https://shop.example"


@pytest.fixture
def checkouts(stripe_payments: StripePayments) -> StripeCheckout:
    return StripeCheckout(stripe_payments, SHOP)


@pytest.fixture
def request_() -> CheckoutRequest:
    return CheckoutRequest(
        payment_id=uuid.uuid4(),
        user_id=uuid.uuid4(),
        order_id=uuid.uuid4(),
        name="Article",
        amount=Decimal("40.00"),
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )


def reports_of(receiver: WebhookReceiver, settings: Settings) -> list[tuple[str, PaymentStatus, uuid.UUID | None]]:
    webhooks = StripeWebhooks(settings.stripe_webhook_secret)
    for _, headers, body in receiver.received:
        webhooks.verify(body, headers["Stripe-Signature"])
    reports = [webhooks.read_report(body) for _, _, body in receiver.received]
    assert all(isinstance(report, ProviderReport) for report in reports)
    return [(report.provider_payment_id, report.status, report.payment_id) for report in reports if report]


async def test_session_is_paid_on_its_page_and_reported_by_its_intent(
    checkouts: StripeCheckout, request_: CheckoutRequest, webhook_receiver: WebhookReceiver, settings: Settings
) -> None:
    session = await checkouts.create(request_)
    assert session.url is not None
    assert (session.payment_intent, session.payment_status) == (None, "unpaid")
    async with http_client(session.url) as http:
        assert "SGD 40.00" in (await http.get(session.url)).text
        back = await http.post(f"{session.url}/cancel")
        assert back.headers["location"] == f"{SHOP}/order-status/{request_.order_id}?cancelled=1"
        paid = await http.post(f"{session.url}/pay")
    assert paid.headers["location"] == f"{SHOP}/order-status/{request_.order_id}?session_id={session.id}"
    reports = reports_of(webhook_receiver, settings)
    assert [report[1:] for report in reports] == [(PaymentStatus.SUCCEEDED, request_.payment_id)] * 2
    assert len({intent_id for intent_id, _, _ in reports}) == 1
    [listed] = [each async for each in checkouts.payments.since(request_.expires_at - timedelta(hours=2))
                if each.payment_id == request_.payment_id]  # fmt: skip
    assert (listed.status, listed.provider_payment_id) == (PaymentStatus.SUCCEEDED, reports[0][0])


async def test_repeated_request_finds_its_session_also_after_its_end(
    checkouts: StripeCheckout, request_: CheckoutRequest
) -> None:
    session = await checkouts.create(request_)
    assert await checkouts.create(request_) == session
    await checkouts.expire(session.id)
    await checkouts.expire(session.id)
    assert (await checkouts.create(request_)).id == session.id
    with pytest.raises(Unprocessable):
        await checkouts.create(replace(request_, amount=Decimal("41.00")))


async def test_expired_session_is_reported_by_its_own_id(
    checkouts: StripeCheckout, request_: CheckoutRequest, webhook_receiver: WebhookReceiver, settings: Settings
) -> None:
    session = await checkouts.create(request_)
    await checkouts.expire(session.id)

    async def look() -> bool:
        assert reports_of(webhook_receiver, settings) == [(session.id, PaymentStatus.EXPIRED, request_.payment_id)]
        return True

    await eventually(look)


async def test_declined_card_leaves_the_session_open_for_another(
    *,
    checkouts: StripeCheckout,
    request_: CheckoutRequest,
    control: Control,
    webhook_receiver: WebhookReceiver,
    settings: Settings,
) -> None:
    session = await checkouts.create(request_)
    await control(f"/stripe/checkout/{session.id}/decline")
    await control(f"/stripe/checkout/{session.id}/pay", first="session")
    reports = reports_of(webhook_receiver, settings)
    assert [status for _, status, _ in reports] == [PaymentStatus.FAILED, *[PaymentStatus.SUCCEEDED] * 2]
    assert len({intent_id for intent_id, _, _ in reports}) == 1
    await checkouts.expire(session.id)  # it is paid, and stays so


async def test_refusals_are_told_from_failures(
    checkouts: StripeCheckout, request_: CheckoutRequest, control: Control
) -> None:
    with pytest.raises(ProviderRefused):
        await checkouts.create(replace(request_, expires_at=datetime.now(UTC) + timedelta(minutes=10)))
    await control("/faults", path="/v1/checkout/sessions", status=503, times=1)
    with pytest.raises(ProviderUnavailable):
        await checkouts.create(request_)
