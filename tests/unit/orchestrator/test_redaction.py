"""What admins are not shown of a webhook, however its provider writes names."""

import json

import pytest

from common.redaction import redacted

SECRETS = (
    "activationKey licenseKey gameKeys apiKey redeemCode firstName lastName clientIp pin cvv receipt_url client_secret"
    " keys code serial_number customer_email billingAddress"
)


@pytest.mark.parametrize("name", SECRETS.split())
def test_a_secret_is_hidden_wherever_it_stands(name: str) -> None:
    body = json.dumps({"data": [{name: "abc"}], "status": "ready"}).encode()
    assert redacted(body) == {"data": [{name: "[redacted]"}], "status": "ready"}


@pytest.mark.parametrize("name", ["eventId", "status", "payment_status", "pay_address", "keyword", "shipping", "price"])
def test_facts_are_shown(name: str) -> None:
    assert redacted(json.dumps({name: "abc"}).encode()) == {name: "abc"}


@pytest.mark.parametrize("body", [b"hello", b"\xff", b'{"id": "\\ud800"}', b"[" * 100_000, b"[" * 300 + b"]" * 300])
def test_what_no_answer_can_hold_is_not_shown(body: bytes) -> None:
    assert redacted(body) is None


def test_a_number_that_no_answer_can_hold_stays_as_it_was_written() -> None:
    assert redacted(b'{"amount": 1e999, "wei": 18446744073709551616, "rate": 1.5, "nothing": NaN}') == {
        "amount": "1e999",
        "wei": "18446744073709551616",
        "rate": 1.5,
        "nothing": "NaN",
    }
