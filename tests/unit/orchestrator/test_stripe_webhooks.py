"""Stripe's webhooks: which are accepted, and what they mean."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator.clients.users.payments import PaymentStatus, ReportedReversal, ReversalStatus
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.features.payments.adapters.stripe import StripeWebhooks
from orchestrator.features.payments.errors import SignatureInvalid, WebhookStale, WebhookUnreadable
from tests.support.signing import SECRET, as_bytes, nowpayments_signature, stripe_event, stripe_signature

PAYMENT_ID, USER_ID = uuid.uuid4(), uuid.uuid4()
WEBHOOKS = StripeWebhooks(SECRET)


def intent(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 5_000,
        "amount_received": 5_000,
        "currency": "sgd",
        "status": "succeeded",
        "created": 1_795_000_000,
        "metadata": {"payment_id": str(PAYMENT_ID), "user_id": str(USER_ID)},
    }
    return made | changes


def charge(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "ch_1",
        "object": "charge",
        "amount": 5_000,
        "amount_refunded": 5_000,
        "currency": "sgd",
        "payment_intent": "pi_1",
        "metadata": {"payment_id": str(PAYMENT_ID), "user_id": str(USER_ID)},
    }
    return made | changes


def checkout(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "cs_1",
        "object": "checkout.session",
        "amount_total": 5_000,
        "currency": "sgd",
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "metadata": {"payment_id": str(PAYMENT_ID), "user_id": str(USER_ID)},
    }
    return made | changes


BODY = as_bytes(stripe_event("payment_intent.succeeded", intent()))


class TestVerify:
    def test_valid_stripe_signature_is_accepted(self) -> None:
        inbound = WEBHOOKS.verify(BODY, stripe_signature(BODY))
        assert inbound == VerifiedWebhook(external_id="evt_1", event_type="payment_intent.succeeded")

    def test_whitespace_in_the_body_is_part_of_the_signature(self) -> None:
        body = json.dumps(json.loads(BODY), indent=3).encode()
        assert WEBHOOKS.verify(body, stripe_signature(body)).external_id == "evt_1"

    @pytest.mark.parametrize("created", [10**15, -(10**12), 10**30, "0001-01-01T00:00:00Z", "soon", None])
    def test_payment_counts_whenever_it_was_made(self, created: Any) -> None:
        report = WEBHOOKS.read_report(
            as_bytes(stripe_event("payment_intent.succeeded", intent(created=created), created=created))
        )
        assert report is not None
        assert (report.status, report.occurred_at) == (PaymentStatus.SUCCEEDED, None)

    def test_one_of_several_signatures_is_enough(self) -> None:
        """While a secret is replaced, Stripe signs with both."""
        old = stripe_signature(BODY, secret=SecretStr("the old secret"))
        assert WEBHOOKS.verify(BODY, f"{old},{stripe_signature(BODY).partition(',')[2]}").external_id == "evt_1"

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            "nonsense",
            "t=,v1=",
            "t=1795000000",
            "t=12,v1=é",
            stripe_signature(BODY, secret=SecretStr("another secret")),
            stripe_signature(BODY).replace("v1=", "v0="),
            stripe_signature(BODY + b" "),
            nowpayments_signature(json.loads(BODY)),
        ],
    )
    def test_invalid_signature_is_refused(self, signature: str) -> None:
        with pytest.raises(SignatureInvalid):
            WEBHOOKS.verify(BODY, signature)

    def test_body_that_is_not_utf8_is_refused(self) -> None:
        with pytest.raises(SignatureInvalid):
            WEBHOOKS.verify(b"\xff\xfe", stripe_signature(b"\xff\xfe"))

    def test_expired_signature_is_refused_as_expired(self) -> None:
        WEBHOOKS.verify(BODY, stripe_signature(BODY, seconds_ago=290))
        with pytest.raises(WebhookStale):
            WEBHOOKS.verify(BODY, stripe_signature(BODY, seconds_ago=310))

    def test_timestamp_is_part_of_the_signature(self) -> None:
        old = stripe_signature(BODY, seconds_ago=400).partition(",")[2]
        now = stripe_signature(BODY).partition(",")[0]
        with pytest.raises(SignatureInvalid):
            WEBHOOKS.verify(BODY, f"{now},{old}")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"not json",
            as_bytes({"object": "event"}),
            as_bytes(stripe_event("payment_intent.succeeded", {}, id="")),
            as_bytes(stripe_event("payment_intent.succeeded", {}, id="evt\x00")),
            as_bytes(stripe_event("payment_intent.succeeded", {}, id="e" * 256)),
        ],
    )
    def test_signed_but_malformed_body_is_unreadable(self, body: bytes) -> None:
        with pytest.raises(WebhookUnreadable):
            WEBHOOKS.verify(body, stripe_signature(body))


class TestReports:
    def report(self, type_: str, subject: dict[str, Any]) -> Any:
        return WEBHOOKS.read_report(as_bytes(stripe_event(type_, subject)))

    def test_a_payment_that_succeeded(self) -> None:
        report = self.report("payment_intent.succeeded", intent())
        assert (report.provider_payment_id, report.status) == ("pi_1", PaymentStatus.SUCCEEDED)
        assert (report.amount, report.currency) == (Decimal("50.00"), "sgd")
        assert (report.payment_id, report.user_id) == (PAYMENT_ID, USER_ID)

    def test_amount_received_is_reported_not_the_amount_requested(self) -> None:
        assert self.report("payment_intent.succeeded", intent(amount_received=4_999)).amount == Decimal("49.99")

    @pytest.mark.parametrize(
        ("type_", "status"),
        [
            ("payment_intent.processing", PaymentStatus.CONFIRMING),
            ("payment_intent.payment_failed", PaymentStatus.FAILED),
            ("payment_intent.canceled", PaymentStatus.FAILED),
        ],
    )
    def test_other_payment_statuses(self, type_: str, status: PaymentStatus) -> None:
        report = self.report(type_, intent(amount_received=0))
        assert (report.status, report.amount) == (status, Decimal("50.00"))

    def test_refund_reports_its_amount(self) -> None:
        report = self.report("charge.refunded", charge(amount_refunded=2_000))
        assert (report.provider_payment_id, report.status) == ("pi_1", PaymentStatus.REFUNDED)
        assert (report.amount, report.payment_id) == (Decimal("20.00"), PAYMENT_ID)

    @pytest.mark.parametrize(
        ("type_", "said", "status", "sequence"),
        [
            ("refund.created", "pending", "REFUNDED", 0),
            ("refund.updated", "succeeded", "REFUNDED", 0),
            ("refund.failed", "failed", "FAILED", 1),
            ("charge.refund.updated", "canceled", "FAILED", 1),
        ],
    )
    def test_refund_is_reported_by_its_id(self, type_: str, said: str, status: str, sequence: int) -> None:
        refund = {"id": "re_1", "amount": 1_500, "currency": "sgd", "payment_intent": "pi_1", "status": said}
        report = self.report(type_, refund)
        assert (report.provider_payment_id, report.status, report.payment_id) == ("pi_1", PaymentStatus.REFUNDED, None)
        assert report.reversal == ReportedReversal(
            reversal_id="re_1", status=ReversalStatus(status), amount=Decimal("15.00"), sequence=sequence
        )

    @pytest.mark.parametrize(
        ("type_", "said", "movements", "status", "sequence"),
        [
            ("created", "warning_needs_response", [], "OPEN", 0),
            ("created", "needs_response", [], "OPEN", 0),
            ("created", "needs_response", [-5_000], "WITHDRAWN", 5),
            ("updated", "under_review", [-5_000], "WITHDRAWN", 5),
            ("funds_withdrawn", "needs_response", [-5_000], "WITHDRAWN", 5),
            ("funds_withdrawn", "needs_response", [], "WITHDRAWN", 1),
            ("closed", "lost", [-5_000], "LOST", 6),
            ("closed", "won", [-5_000], "WON", 7),
            ("funds_reinstated", "won", [-5_000, 5_000], "WON", 11),
            ("funds_reinstated", "under_review", [-5_000, 5_000], "WON", 11),
            ("funds_reinstated", "lost", [-5_000, 2_000], "LOST", 10),  # the part that was refunded before
            ("closed", "warning_closed", [], "CLOSED", 3),
            ("closed", "prevented", [], "CLOSED", 3),
        ],
    )
    def test_dispute_is_reported_by_what_moved(  # noqa: PLR0917 - all are the case
        self, type_: str, said: str, movements: list[int], status: str, sequence: int
    ) -> None:
        dispute = {
            "id": "dp_1",
            "amount": 5_000,
            "balance_transactions": [{"id": "txn_1", "amount": cents, "net": cents - 1_500} for cents in movements],
            "currency": "sgd",
            "payment_intent": "pi_1",
            "status": said,
        }
        report = self.report(f"charge.dispute.{type_}", dispute)
        assert report.reversal == ReportedReversal(
            reversal_id="dp_1", status=ReversalStatus(status), amount=Decimal("50.00"), sequence=sequence
        )

    def test_dispute_of_a_charge_without_an_intent_is_ignored(self) -> None:
        dispute = {"id": "dp_1", "amount": 5_000, "currency": "sgd", "payment_intent": None, "status": "won"}
        assert self.report("charge.dispute.closed", dispute) is None

    def test_charge_without_an_intent_is_ignored(self) -> None:
        assert self.report("charge.refunded", charge(payment_intent=None)) is None

    @pytest.mark.parametrize("type_", ["payment_intent.created", "customer.created", "invoice.paid"])
    def test_other_event_types_are_ignored(self, type_: str) -> None:
        assert self.report(type_, {"whatever": 1}) is None

    def test_foreign_metadata_is_ignored(self) -> None:
        report = self.report("payment_intent.succeeded", intent(metadata={"payment_id": "order 7"}))
        assert (report.payment_id, report.user_id) == (None, None)

    def test_event_without_required_fields_is_unreadable(self) -> None:
        with pytest.raises(WebhookUnreadable):
            self.report("payment_intent.succeeded", {"id": "pi_1"})


class TestCheckout:
    @pytest.mark.parametrize(
        ("happened", "changes", "expected"),
        [
            ("completed", {}, ("pi_1", PaymentStatus.SUCCEEDED)),
            ("completed", {"payment_status": "unpaid"}, ("pi_1", PaymentStatus.CONFIRMING)),
            ("async_payment_succeeded", {}, ("pi_1", PaymentStatus.SUCCEEDED)),
            ("async_payment_failed", {"payment_status": "unpaid"}, ("pi_1", PaymentStatus.FAILED)),
            ("expired", {"payment_intent": None}, ("cs_1", PaymentStatus.EXPIRED)),
            ("expired", {}, ("pi_1", PaymentStatus.EXPIRED)),
        ],
    )
    def test_session_reports_the_payment_of_its_intent(
        self, happened: str, changes: dict[str, Any], expected: tuple[str, PaymentStatus]
    ) -> None:
        report = WEBHOOKS.read_report(as_bytes(stripe_event(f"checkout.session.{happened}", checkout(**changes))))
        assert report is not None
        assert (report.provider_payment_id, report.status) == expected
        assert (report.payment_id, report.user_id, report.amount) == (PAYMENT_ID, USER_ID, Decimal("50.00"))

    def test_other_events_of_a_session_say_nothing(self) -> None:
        assert WEBHOOKS.read_report(as_bytes(stripe_event("checkout.session.updated", checkout()))) is None
