"""Buying credits: a payment opened, created at its provider and attached, once per idempotency key, despite failures."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from common.auth.service_tokens import ServiceTokens
from common.http.client import ServiceClient
from orchestrator.app import create_app
from orchestrator.clients.users.payments import PaymentsClient, Provider
from orchestrator.settings import WorkerSettings
from tests.integration.users.user_client import code_of
from tests.integration.webhooks.conftest import NewFan
from tests.integration.webhooks.webhook_fixtures import Fan, WebhookHarness, statuses
from tests.support.http_client import http_client
from tests.support.serving import serving

INTENTS = "/v1/payment_intents"
CRYPTO = "/v1/payment"


async def intents_of(harness: WebhookHarness, payment_id: str) -> list[dict[str, Any]]:
    """Return Stripe's intents of a payment."""
    key = harness.settings.stripe_secret_key.get_secret_value()
    answer = await harness.sandbox.get(INTENTS, params={"limit": 1000}, headers={"authorization": f"Bearer {key}"})
    return [each for each in answer.json()["data"] if each["metadata"]["payment_id"] == payment_id]


async def make_at_nowpayments(harness: WebhookHarness, payment_id: uuid.UUID) -> dict[str, Any]:
    """Create a payment as the service does, without receiving the response."""
    key = harness.settings.nowpayments_api_key.get_secret_value()
    wanted = {"price_amount": 45.0, "price_currency": "sgd", "pay_currency": "btc", "order_id": str(payment_id)}
    answer = await harness.sandbox.post(CRYPTO, json=wanted, headers={"x-api-key": key})
    assert answer.is_success, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
async def payments(settings: WorkerSettings) -> AsyncIterator[PaymentsClient]:
    """The client by which the service opens payments."""
    tokens = ServiceTokens(service="orchestrator", secret=settings.service_token_secret)
    users = ServiceClient(callee="users", base_url=settings.users_url, tokens=tokens)
    yield PaymentsClient(users)
    await users.close()


class TestTopUp:
    async def test_top_up_returns_what_the_browser_needs(self, harness: WebhookHarness, fan: Fan) -> None:
        answer = await fan.post("/credits/topup", {"amount": "50.00"})
        data = answer.json()["data"]
        assert set(data) == {"payment_id", "client_secret", "amount", "currency"}
        assert (data["amount"], data["currency"]) == ("50.00", "sgd")
        (intent,) = await intents_of(harness, data["payment_id"])
        assert intent["client_secret"] == data["client_secret"]
        assert (intent["amount"], intent["metadata"]["user_id"]) == (5_000, str(fan.user.user_id))
        (payment,) = await harness.payments_of(fan.user.user_id)
        assert (payment["provider"], payment["purpose"], payment["status"]) == ("stripe", "topup", "PENDING")
        assert payment["provider_payment_id"] == intent["id"]
        assert data["client_secret"] not in str(dict(payment))
        assert await fan.balance() == "0.00"

    @pytest.mark.parametrize("amount", [50, 12.34, "0.50", "999999.99"])
    async def test_amounts_are_numbers_or_text(self, fan: Fan, amount: Any) -> None:
        assert (await fan.post("/credits/topup", {"amount": amount})).status_code == 200

    @pytest.mark.parametrize("amount", ["0.49", "0", "-5", "1000000.00", "12.345", "much", True, None])
    async def test_other_amounts_are_refused(self, harness: WebhookHarness, fan: Fan, amount: Any) -> None:
        answer = await fan.post("/credits/topup", {"amount": amount})
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
        assert await harness.payments_of(fan.user.user_id) == []

    async def test_top_up_requires_a_token(self, harness: WebhookHarness) -> None:
        answer = await harness.http.post("/api/credits/topup", json={"amount": "50.00"})
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")


class TestIdempotency:
    async def test_idempotency_key_opens_one_payment(self, harness: WebhookHarness, fan: Fan) -> None:
        first = await fan.top_up(key="k1")
        assert await fan.top_up(key="k1") == first
        assert (await fan.top_up(key="k2"))["payment_id"] != first["payment_id"]
        assert (await fan.top_up())["payment_id"] != first["payment_id"]
        assert len(await harness.payments_of(fan.user.user_id)) == 3

    async def test_concurrent_repetitions_open_one_payment(self, harness: WebhookHarness, fan: Fan) -> None:
        answers = await asyncio.gather(*(fan.top_up(key="rush") for _ in range(10)))
        assert len({answer["client_secret"] for answer in answers}) == 1
        assert len(await intents_of(harness, answers[0]["payment_id"])) == 1
        assert len(await harness.payments_of(fan.user.user_id)) == 1

    async def test_key_with_another_amount_is_refused(self, fan: Fan) -> None:
        await fan.top_up("50.00", key="k3")
        answer = await fan.post("/credits/topup", {"amount": "60.00"}, key="k3")
        assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_keys_are_scoped_to_the_user(self, fan: Fan, new_fan: NewFan) -> None:
        other = await new_fan()
        assert (await fan.top_up(key="k4"))["payment_id"] != (await other.top_up(key="k4"))["payment_id"]

    async def test_repetition_finds_the_intent_even_after_stripe_expired_the_key(
        self, harness: WebhookHarness, fan: Fan
    ) -> None:
        """Stripe deletes keys after a day; by then the intent id is stored here."""
        first = await fan.top_up(key="old")
        await harness.control("/stripe/forget-keys")
        assert await fan.top_up(key="old") == first
        assert len(await intents_of(harness, first["payment_id"])) == 1


class TestFailures:
    async def test_stripe_outage_opens_nothing_and_the_request_can_be_repeated(
        self, harness: WebhookHarness, fan: Fan
    ) -> None:
        await harness.control("/faults", path=INTENTS, status=500, times=1)
        answer = await fan.post("/credits/topup", {"amount": "50.00"}, key="again")
        assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
        (payment,) = await harness.payments_of(fan.user.user_id)
        assert payment["provider_payment_id"] is None
        top_up = await fan.top_up(key="again")
        assert top_up["payment_id"] == str(payment["payment_id"])

    async def test_lost_stripe_response_creates_no_second_intent(
        self, harness: WebhookHarness, fan: Fan, settings: WorkerSettings
    ) -> None:
        await harness.control("/faults", path=INTENTS, delay_seconds=2, times=1)
        short_timeout = settings.model_copy(update={"provider_timeout_seconds": 0.5})
        async with serving(create_app(short_timeout), short_timeout) as url, http_client(url) as http:
            answer = await replace(fan, http=http).post("/credits/topup", {"amount": "50.00"}, key="slow")
        assert (answer.status_code, code_of(answer)) == (504, "UPSTREAM_TIMEOUT")
        top_up = await fan.top_up(key="slow")
        assert len(await intents_of(harness, top_up["payment_id"])) == 1

    async def test_crash_before_storing_the_intent_id_is_recovered(self, harness: WebhookHarness, fan: Fan) -> None:
        first = await fan.top_up(key="died")
        await harness.clear_attachment(first["payment_id"])
        assert await fan.top_up(key="died") == first


class TestCrypto:
    async def test_crypto_payment_returns_payment_instructions(self, harness: WebhookHarness, fan: Fan) -> None:
        data = await fan.pay_by_crypto("45.00")
        assert set(data) == {
            "payment_id",
            "pay_address",
            "pay_amount",
            "pay_currency",
            "amount",
            "currency",
            "expires_at",
        }
        assert (data["pay_amount"], data["pay_currency"]) == ("0.0005", "btc")
        assert (data["amount"], data["currency"]) == ("45.00", "sgd")
        shown = await fan.payment(data["payment_id"])
        assert shown["details"]["pay_address"] == data["pay_address"]
        assert datetime.fromisoformat(shown["expires_at"]) == datetime.fromisoformat(data["expires_at"])
        (payment,) = await harness.payments_of(fan.user.user_id)
        assert (payment["provider"], payment["status"]) == ("nowpayments", "PENDING")

    async def test_idempotency_key_creates_one_address(self, harness: WebhookHarness, fan: Fan) -> None:
        first = await fan.pay_by_crypto(key="k1")
        assert await fan.pay_by_crypto(key="k1") == first
        together = await asyncio.gather(*(fan.pay_by_crypto(key="k2") for _ in range(10)))
        assert len({answer["pay_address"] for answer in together}) == 1
        assert len(await harness.payments_of(fan.user.user_id)) == 2

    @pytest.mark.parametrize(
        "wrong",
        [
            {"amount": "1.00"},
            {"pay_currency": "gold"},
            {"pay_currency": "../admin"},
            {"amount": None},
            {"purpose": "gift"},
            {"reference_id": str(uuid.uuid4())},
            {"purpose": "order"},
        ],
    )
    async def test_invalid_crypto_payment_is_refused(self, fan: Fan, wrong: dict[str, Any]) -> None:
        wanted = {"purpose": "topup", "amount": "45.00", "pay_currency": "btc"} | wrong
        answer = await fan.post("/payments/crypto", wanted)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("other", [{"pay_currency": "eth"}, {"amount": "46.00"}])
    async def test_a_key_that_was_used_for_another_request_is_refused(self, fan: Fan, other: dict[str, str]) -> None:
        await fan.pay_by_crypto(key="k")
        wanted = {"purpose": "topup", "amount": "45.00", "pay_currency": "btc"}
        answer = await fan.post("/payments/crypto", wanted | other, key="k")
        assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")

    @pytest.mark.usefixtures("running_worker")
    async def test_address_survives_a_lost_response_and_an_early_notification(
        self, harness: WebhookHarness, fan: Fan
    ) -> None:
        await harness.control("/faults", path=CRYPTO, status=502, times=1)
        wanted = {"purpose": "topup", "amount": "45.00", "pay_currency": "btc"}
        assert (await fan.post("/payments/crypto", wanted, key="k")).status_code == 503
        (payment,) = await harness.payments_of(fan.user.user_id)
        made = await make_at_nowpayments(harness, payment["payment_id"])
        assert (await harness.notify_by_nowpayments(made)).status_code == 200
        await harness.ends(f"{made['payment_id']}:waiting:0", "processed")
        assert (await fan.pay_by_crypto(key="k"))["pay_address"] == made["pay_address"]

    async def test_stored_response_is_returned_without_reading_the_order(
        self, fan: Fan, payments: PaymentsClient
    ) -> None:
        """The orders service is unavailable here: the status of the order cannot be read."""
        order_id, payment_id = uuid.uuid4(), uuid.uuid5(fan.user.user_id, "crypto/k")
        await payments.open(
            payment_id=payment_id,
            user_id=fan.user.user_id,
            provider=Provider.NOWPAYMENTS,
            purpose="order",
            reference=order_id,
            amount=Decimal("45.00"),
            details={"pay_currency": "btc"},
        )
        details = {"pay_address": "bc1q", "pay_amount": "0.0005", "pay_currency": "btc", "expires_at": None}
        await payments.attach(payment_id, provider_payment_id=str(payment_id), details=details)
        wanted = {"purpose": "order", "reference_id": str(order_id), "pay_currency": "btc"}
        answer = await fan.post("/payments/crypto", wanted, key="k")
        assert (answer.status_code, answer.json()["data"]["pay_address"]) == (200, "bc1q")
        for other in ({"pay_currency": "eth"}, {"amount": "1.00"}, {"reference_id": str(uuid.uuid4())}):
            assert code_of(await fan.post("/payments/crypto", wanted | other, key="k")) == "IDEMPOTENCY_KEY_REUSED"
        assert (await fan.post("/payments/crypto", wanted, key="another")).status_code == 504

    async def test_nowpayments_outage_can_be_repeated_later(self, harness: WebhookHarness, fan: Fan) -> None:
        await harness.control("/faults", path=CRYPTO, status=502, times=1)
        wanted = {"purpose": "topup", "amount": "45.00", "pay_currency": "btc"}
        calls = [fan.post("/payments/crypto", wanted, key="again") for _ in range(1)]
        assert await statuses(*calls) == {503: 1}
        assert (await fan.pay_by_crypto(key="again"))["pay_address"]
