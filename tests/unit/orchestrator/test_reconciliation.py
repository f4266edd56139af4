"""A reconciliation round during failures of providers or of the ledger."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.errors import InvalidRequest, ServiceError, Unavailable
from common.http.client import ServiceClient
from common.settings import DEV_SERVICE_TOKEN_SECRET
from orchestrator.clients.users.payments import (
    PaymentFacts,
    PaymentsClient,
    PaymentStatus,
    Provider,
    ProviderReport,
    ReportOutcome,
    ReportResult,
)
from orchestrator.features.payments.adapters.nowpayments import CryptoPayment, NowPayments
from orchestrator.features.payments.adapters.stripe import StripePayments
from orchestrator.features.payments.errors import ProviderTimeout, ProviderUnavailable
from orchestrator.features.payments.service.reconciliation import Reconciliation, _is_unfounded

NOW = datetime.now(UTC)
WEEK = NOW - timedelta(days=7)


def payment(status: PaymentStatus = PaymentStatus.PENDING, *, name: str = "", days_ago: float = 0) -> PaymentFacts:
    return PaymentFacts(
        payment_id=uuid.uuid4(),
        amount=Decimal("50.00"),
        currency="sgd",
        status=status,
        status_at=NOW - timedelta(days=days_ago),
        provider_payment_id=name or uuid.uuid4().hex,
        details={},
        created_at=NOW - timedelta(days=days_ago),
    )


def test_part_that_an_ended_order_was_settled_at_is_founded() -> None:
    part = CryptoPayment.model_validate(
        {"payment_id": "7", "payment_status": "partially_paid", "price_amount": 50, "price_currency": "sgd"}
    ).as_report()
    assert part is not None
    credited = payment(PaymentStatus.SUCCEEDED, name="7")
    assert _is_unfounded(credited, part)
    assert not _is_unfounded(credited.model_copy(update={"original_amount": Decimal("80.00")}), part)


class StubPayments(PaymentsClient):
    """Returns these crypto payments oldest first, as the real client does, and records the reports."""

    def __init__(self, payments: list[PaymentFacts], *, refuses: dict[str, ServiceError] | None = None) -> None:
        tokens = ServiceTokens(service="orchestrator", secret=SecretStr(DEV_SERVICE_TOKEN_SECRET))
        super().__init__(ServiceClient(callee="users", base_url="http://127.0.0.1:1", tokens=tokens))
        self.payments = sorted(payments, key=lambda payment: payment.created_at)
        self.refuses = refuses or {}
        self.reported: list[str] = []

    async def since(
        self,
        moment: datetime,  # noqa: ARG002
        *,
        provider: Provider,
        statuses: list[PaymentStatus] | None = None,
        has_open_dispute: bool = False,
    ) -> AsyncIterator[PaymentFacts]:
        for each in self.payments:
            if provider is Provider.NOWPAYMENTS and each.status in (statuses or []) and not has_open_dispute:
                yield each

    async def report(self, report: ProviderReport, *, request_id: uuid.UUID) -> ReportResult:  # noqa: ARG002
        if error := self.refuses.get(report.provider_payment_id):
            raise error
        self.reported.append(report.provider_payment_id)
        return ReportResult(outcome=ReportOutcome.CREDITED, payment_id=report.payment_id)


class NoStripePayments(StripePayments):
    """A Stripe without payments."""

    def __init__(self) -> None: ...

    async def since(self, moment: datetime) -> AsyncIterator[ProviderReport]:  # noqa: ARG002
        nothing: list[ProviderReport] = []
        for report in nothing:
            yield report

    def reversals_since(self, moment: datetime) -> AsyncIterator[ProviderReport]:
        return self.since(moment)


class StubNowPayments(NowPayments):
    """Responds as configured and counts concurrent calls."""

    def __init__(self, answer: Callable[[str], str | ServiceError] = lambda _: "finished") -> None:
        self._answer = answer
        self.queried: list[str] = []
        self.most_at_once = 0
        self._at_once = 0

    async def find(self, provider_payment_id: str) -> CryptoPayment:
        self.queried.append(provider_payment_id)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        for _ in range(5):  # lets other tasks start
            await asyncio.sleep(0)
        self._at_once -= 1
        answer = self._answer(provider_payment_id)
        if isinstance(answer, ServiceError):
            raise answer
        said: dict[str, Any] = {"payment_status": answer, "price_amount": 50, "price_currency": "sgd"}
        return CryptoPayment(payment_id=provider_payment_id, **said)


def reconciliation(payments_client: StubPayments, now_payments: StubNowPayments) -> Reconciliation:
    return Reconciliation(stripe=NoStripePayments(), nowpayments=now_payments, payments=payments_client)


async def test_refused_report_does_not_stop_the_round() -> None:
    bad, good = payment(name="bad"), payment(name="good", days_ago=1)
    payments_client = StubPayments([bad, good], refuses={"bad": InvalidRequest()})
    done = await reconciliation(payments_client, StubNowPayments()).run(WEEK)
    assert (payments_client.reported, done.refused, done.compared) == (["good"], 1, 2)


async def test_unavailable_ledger_ends_the_round() -> None:
    payments_client = StubPayments([payment(name="a")], refuses={"a": Unavailable()})
    with pytest.raises(Unavailable):
        await reconciliation(payments_client, StubNowPayments()).run(WEEK)


async def test_newest_payments_are_queried_first_four_at_a_time() -> None:
    now_payments = StubNowPayments()
    payments_client = StubPayments([payment(name=str(days), days_ago=days) for days in (3, 1, 6, 2, 5, 4)])
    await reconciliation(payments_client, now_payments).run(WEEK)
    assert now_payments.queried == ["1", "2", "3", "4", "5", "6"]
    assert payments_client.reported == now_payments.queried
    assert now_payments.most_at_once == 4


async def test_old_open_payment_is_queried_once_in_24_rounds() -> None:
    old, new = payment(days_ago=8), payment(days_ago=1)
    now_payments = StubNowPayments(lambda _: "waiting")
    for turn in range(24):
        await reconciliation(StubPayments([old, new]), now_payments).run(WEEK, round_number=turn)
    assert Counter(now_payments.queried) == {old.provider_payment_id: 1, new.provider_payment_id: 24}


async def test_provider_that_times_out_is_not_queried_further() -> None:
    now_payments = StubNowPayments(lambda name: ProviderTimeout() if int(name) < 4 else "finished")
    payments_client = StubPayments([payment(name=str(days), days_ago=days) for days in range(7)])
    done = await reconciliation(payments_client, now_payments).run(WEEK)
    assert (now_payments.queried, done.unasked, payments_client.reported) == (["0", "1", "2", "3"], 7, [])


async def test_provider_error_does_not_stop_the_other_queries() -> None:
    now_payments = StubNowPayments(lambda name: ProviderUnavailable() if int(name) < 4 else "finished")
    payments_client = StubPayments([payment(name=str(days), days_ago=days) for days in range(7)])
    done = await reconciliation(payments_client, now_payments).run(WEEK)
    assert (done.unasked, payments_client.reported) == (4, ["4", "5", "6"])


async def test_final_payments_are_queried_for_a_day() -> None:
    decided = [PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.SUCCEEDED]
    old = [payment(status, name=f"old {status}", days_ago=1.1) for status in (*decided, PaymentStatus.PARTIALLY_PAID)]
    new = [payment(status, name=f"new {status}", days_ago=0.9) for status in (*decided, PaymentStatus.REFUNDED)]
    now_payments = StubNowPayments(lambda _: "refunded")
    await reconciliation(StubPayments(old + new), now_payments).run(WEEK)
    assert sorted(now_payments.queried) == ["new EXPIRED", "new FAILED", "new SUCCEEDED", "old PARTIALLY_PAID"]
