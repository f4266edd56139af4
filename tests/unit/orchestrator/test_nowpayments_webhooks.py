"""NOWPayments' notifications: which are accepted, and what they mean."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator.clients.users.payments import PaymentStatus
from orchestrator.features.payments.adapters.nowpayments import NowPaymentsWebhooks, sorted_json
from orchestrator.features.payments.errors import SignatureInvalid, WebhookUnreadable
from tests.support.signing import SECRET, as_bytes, hexadecimal, nowpayments_signature, stripe_signature

PAYMENT_ID = uuid.uuid4()
WEBHOOKS = NowPaymentsWebhooks(SECRET)


def notice(**changes: Any) -> dict[str, Any]:
    reported = {
        "payment_id": 5_077_125_051,
        "payment_status": "finished",
        "pay_address": "bc1q",
        "price_amount": 50,
        "price_currency": "SGD",
        "pay_amount": 0.00055556,
        "actually_paid": 0.00055556,
        "pay_currency": "btc",
        "order_id": str(PAYMENT_ID),
        "fee": {"withdrawalFee": 0, "depositFee": 0.1, "currency": "btc"},
    }
    return reported | changes


def verified(payload: dict[str, Any]) -> Any:
    return WEBHOOKS.verify(as_bytes(payload), nowpayments_signature(payload))


class TestSortedJson:
    def test_keys_are_sorted_at_every_level_without_whitespace(self) -> None:
        assert sorted_json(b'{"b": [ {"z": 1, "y": null} ], "a": {"d": true, "c": "x y"}}') == (
            b'{"a":{"c":"x y","d":true},"b":[{"y":null,"z":1}]}'
        )

    @pytest.mark.parametrize("number", ["50", "50.0", "0.00055556", "1e-7", "0.0000001", "-3", "12345678901234567890"])
    def test_numbers_keep_their_spelling(self, number: str) -> None:
        assert sorted_json(f'{{"a":{number}}}'.encode()) == f'{{"a":{number}}}'.encode()

    def test_non_ascii_characters_are_kept(self) -> None:
        assert sorted_json('{"a":"Grüße, 世界"}'.encode()) == '{"a":"Grüße, 世界"}'.encode()


class TestVerify:
    def test_valid_nowpayments_signature_is_accepted(self) -> None:
        inbound = verified(notice())
        assert inbound.external_id == "5077125051:finished:0.00055556"
        assert inbound.event_type == "payment.finished"

    def test_key_order_and_whitespace_do_not_change_the_signature(self) -> None:
        payload = notice()
        body = json.dumps(dict(reversed(payload.items())), indent=2).encode()
        WEBHOOKS.verify(body, nowpayments_signature(payload).upper())

    def test_each_status_and_partial_payment_has_its_own_event_id(self) -> None:
        reported = [
            notice(payment_status="waiting", actually_paid=0),
            notice(payment_status="partially_paid", actually_paid=0.0001),
            notice(payment_status="partially_paid", actually_paid=0.0002),
            notice(),
        ]
        assert len({verified(payload).external_id for payload in reported}) == len(reported)

    def test_same_status_in_another_notice_has_the_same_event_id(self) -> None:
        again = verified(notice(payment_id="5077125051", updated_at="2026-11-20T10:00:00Z"))
        assert again.external_id == verified(notice()).external_id

    def test_invalid_signature_is_refused(self) -> None:
        body = as_bytes(notice())
        for signature in (
            "",
            "é",
            nowpayments_signature(notice(price_amount=51)),
            nowpayments_signature(notice(), SecretStr("another secret")),
            hexadecimal(body, "sha512"),  # of the body as received, unsorted
            stripe_signature(body),
        ):
            with pytest.raises(SignatureInvalid):
                WEBHOOKS.verify(body, signature)

    @pytest.mark.parametrize(
        "body", [b"", b"not json", b"\xff", b"[" * 100_000, b'["\\ud800"]', b"[" * 500 + b"]" * 500]
    )
    def test_malformed_body_is_refused(self, body: bytes) -> None:
        with pytest.raises(SignatureInvalid):
            WEBHOOKS.verify(body, hexadecimal(body, "sha512"))

    @pytest.mark.parametrize(
        "payload", [{}, {"payment_id": "", "payment_status": "waiting"}, notice(payment_status="a\x00")]
    )
    def test_signed_but_malformed_body_is_unreadable(self, payload: dict[str, Any]) -> None:
        with pytest.raises(WebhookUnreadable):
            verified(payload)


class TestReports:
    @pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "soon", 10**30, None])
    def test_payment_counts_whenever_it_expires(self, date: Any) -> None:
        report = WEBHOOKS.read_report(as_bytes(notice(expiration_estimate_date=date)))
        assert report is not None
        assert report.status is PaymentStatus.SUCCEEDED

    @pytest.mark.parametrize(
        ("said", "status"),
        [
            ("waiting", PaymentStatus.WAITING),
            ("confirming", PaymentStatus.CONFIRMING),
            ("confirmed", PaymentStatus.CONFIRMING),
            ("sending", PaymentStatus.CONFIRMING),
            ("partially_paid", PaymentStatus.PARTIALLY_PAID),
            ("finished", PaymentStatus.SUCCEEDED),
            ("failed", PaymentStatus.FAILED),
            ("refunded", PaymentStatus.REFUNDED),
            ("expired", PaymentStatus.EXPIRED),
        ],
    )
    def test_every_provider_status_maps_to_a_payment_status(self, said: str, status: PaymentStatus) -> None:
        report = WEBHOOKS.read_report(as_bytes(notice(payment_status=said)))
        assert report is not None
        assert report.status is status
        assert (report.provider_payment_id, report.payment_id) == ("5077125051", PAYMENT_ID)
        assert (report.amount, report.currency) == (Decimal("50.00"), "sgd")
        assert report.paid_amount == Decimal("0.00055556")

    def test_other_statuses_are_ignored(self) -> None:
        assert WEBHOOKS.read_report(as_bytes(notice(payment_status="on_hold"))) is None

    @pytest.mark.parametrize("price", [50.001, 1e30, "fifty"])
    def test_price_outside_the_range_of_credits_is_unreadable(self, price: Any) -> None:
        with pytest.raises(WebhookUnreadable):
            WEBHOOKS.read_report(as_bytes(notice(price_amount=price)))

    @pytest.mark.parametrize(
        ("said", "paid"),
        [
            ("0.0005555600000000001", "0.00055556"),
            ("1e-30", "0"),
            ("123456789012.1234567890123456789", "123456789012.123456789012345679"),
            ("1000000000000", None),
            ("null", None),
        ],
    )
    def test_paid_amount_fits_the_ledgers_precision(self, said: str, paid: str | None) -> None:
        """The ledger stores 18 decimal places and 12 digits before them; the credit follows from the status."""
        body = as_bytes(notice(actually_paid=0)).replace(b'"actually_paid":0', f'"actually_paid":{said}'.encode())
        assert said.encode() in body
        report = WEBHOOKS.read_report(body)
        assert report is not None
        assert report.paid_amount == (paid and Decimal(paid))
        assert report.status is PaymentStatus.SUCCEEDED

    @pytest.mark.parametrize("extra", [None, [], "", [6_000_000_001, "6000000002"]])
    def test_first_payment_has_no_parent(self, extra: Any) -> None:
        report = WEBHOOKS.read_report(as_bytes(notice(parent_payment_id=None, payment_extra_ids=extra)))
        assert report is not None
        assert (report.parent_payment_id, report.pay_currency) == (None, None)

    def test_later_deposit_names_its_parent_and_its_coins(self) -> None:
        later = notice(payment_id=6_000_000_001, parent_payment_id=5_077_125_051, pay_currency="BTC", order_id=None)
        report = WEBHOOKS.read_report(as_bytes(later))
        assert report is not None
        assert (report.provider_payment_id, report.parent_payment_id) == ("6000000001", "5077125051")
        assert (report.pay_currency, report.paid_amount) == ("btc", Decimal("0.00055556"))
        assert report.payment_id is None
