"""The NOWPayments adapter and the sandbox's NOWPayments, over HTTP."""

import uuid
from decimal import Decimal

import pytest
from pydantic import SecretStr

from orchestrator.clients.users.payments import PaymentStatus
from orchestrator.features.inbound_webhooks.adapters.supplier import SupplierWebhooks
from orchestrator.features.payments.adapters.nowpayments import CryptoPayment, NowPayments, NowPaymentsWebhooks
from orchestrator.features.payments.errors import ProviderRefused, ProviderTimeout, ProviderUnavailable
from tests.integration.providers.conftest import TIMEOUT_SECONDS, TOO_SLOW_SECONDS, Control, WebhookReceiver

PATH = "/v1/payment"


async def made(payments: NowPayments, amount: str = "45.00", pay_currency: str = "btc") -> CryptoPayment:
    return await payments.create(payment_id=uuid.uuid4(), amount=Decimal(amount), pay_currency=pay_currency)


async def test_payment_has_an_address_and_an_exact_amount(crypto_payments: NowPayments) -> None:
    payment = await made(crypto_payments, "45.09")
    assert (payment.payment_status, payment.price_amount, payment.price_currency) == (
        "waiting",
        Decimal("45.09"),
        "sgd",
    )
    assert (payment.pay_amount, payment.pay_currency) == (Decimal("0.00050100"), "btc")
    assert payment.pay_address
    assert payment.expiration_estimate_date is not None
    assert await crypto_payments.find(payment.payment_id) == payment


@pytest.mark.parametrize(("amount", "pay_currency"), [("1.00", "btc"), ("45.00", "gold")])
async def test_small_amount_or_unknown_currency_is_refused(
    crypto_payments: NowPayments, amount: str, pay_currency: str
) -> None:
    with pytest.raises(ProviderRefused):
        await made(crypto_payments, amount, pay_currency)


async def test_failures_are_distinguished(
    crypto_payments: NowPayments, short_timeout_crypto_payments: NowPayments, control: Control, sandbox_url: str
) -> None:
    await control("/faults", path=PATH, status=503, times=1)
    with pytest.raises(ProviderUnavailable):
        await made(crypto_payments)
    await control("/faults", path=PATH, delay_seconds=TOO_SLOW_SECONDS, times=1)
    with pytest.raises(ProviderTimeout):
        await made(short_timeout_crypto_payments)
    with pytest.raises(ProviderUnavailable):
        await crypto_payments.find("0")
    for url, key in ((sandbox_url, "wrong"), ("http://127.0.0.1:9", "sandbox-nowpayments-key")):
        elsewhere = NowPayments(api_url=url, key=SecretStr(key), timeout_seconds=TIMEOUT_SECONDS)
        with pytest.raises(ProviderUnavailable):
            await made(elsewhere)
        await elsewhere.close()


async def test_adapter_accepts_sandbox_webhooks(
    crypto_payments: NowPayments, control: Control, webhook_receiver: WebhookReceiver
) -> None:
    webhooks = NowPaymentsWebhooks(SecretStr("sandbox-nowpayments-ipn-secret"))
    payment = await made(crypto_payments)
    for status, paid in {"confirming": None, "partially_paid": 0.0002, "finished": None}.items():
        await control(f"/nowpayments/{payment.payment_id}", status=status, actually_paid=paid)
    facts, received = [], []
    for path, headers, body in webhook_receiver.received:
        assert path == "/api/webhooks/nowpayments"
        facts.append(webhooks.verify(body, headers[webhooks.signature_header]))
        received.append(webhooks.read_report(body))
    assert [fact.event_type for fact in facts] == ["payment.confirming", "payment.partially_paid", "payment.finished"]
    assert [(report.status, report.paid_amount) for report in received if report] == [
        (PaymentStatus.CONFIRMING, Decimal(0)),
        (PaymentStatus.PARTIALLY_PAID, Decimal("0.0002")),
        (PaymentStatus.SUCCEEDED, Decimal("0.0005")),
    ]


async def test_coins_sent_again_are_a_new_payment_of_the_first(
    crypto_payments: NowPayments, control: Control, webhook_receiver: WebhookReceiver
) -> None:
    webhooks = NowPaymentsWebhooks(SecretStr("sandbox-nowpayments-ipn-secret"))
    payment = await made(crypto_payments)
    await control(f"/nowpayments/{payment.payment_id}", status="partially_paid", actually_paid=0.0002, copies=0)
    await control(f"/nowpayments/{payment.payment_id}/deposit", actually_paid=0.0003)
    ((_, headers, body),) = webhook_receiver.received
    webhooks.verify(body, headers[webhooks.signature_header])
    notified = webhooks.read_report(body)
    assert notified is not None
    assert (notified.parent_payment_id, notified.payment_id) == (payment.payment_id, payment.order_id)
    assert (notified.status, notified.paid_amount, notified.pay_currency) == (
        PaymentStatus.SUCCEEDED,
        Decimal("0.0003"),
        "btc",
    )
    first, later = await crypto_payments.current(payment.payment_id)
    assert (first.provider_payment_id, first.parent_payment_id) == (payment.payment_id, None)
    assert later == notified


async def test_supplier_webhooks_can_be_sent(control: Control, webhook_receiver: WebhookReceiver) -> None:
    webhooks = SupplierWebhooks(SecretStr("sandbox-supplier-webhook-secret"))
    delivery = await control("/kinguin", type="order.ready", changes={"reservation_id": "r-1"})
    ((path, headers, body),) = webhook_receiver.received
    assert path == "/api/webhooks/kinguin"
    signature = {name.lower(): value for name, value in headers.items()}[webhooks.signature_header.lower()]
    assert webhooks.verify(body, signature).external_id == delivery["webhook_id"]
