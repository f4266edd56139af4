"""What admins do not see of a webhook, in every naming style."""

import json

import pytest

from common.redaction import redacted

SECRETS = (
    "activationKey licenseKey gameKeys apiKey redeemCode firstName lastName clientIp pin cvv receipt_url client_secret"
    " keys code serial_number customer_email billingAddress"
)


@pytest.mark.parametrize("name", SECRETS.split())
def test_secret_is_redacted_at_any_depth(name: str) -> None:
    body = json.dumps({"data": [{name: "abc"}], "status": "ready"}).encode()
    assert redacted(body) == {"data": [{name: "[redacted]"}], "status": "ready"}


@pytest.mark.parametrize("name", ["eventId", "status", "payment_status", "pay_address", "keyword", "shipping", "price"])
def test_other_fields_are_shown(name: str) -> None:
    assert redacted(json.dumps({name: "abc"}).encode()) == {name: "abc"}


@pytest.mark.parametrize("body", [b"hello", b"\xff", b'{"id": "\\ud800"}', b"[" * 100_000, b"[" * 300 + b"]" * 300])
def test_body_that_json_cannot_represent_is_not_shown(body: bytes) -> None:
    assert redacted(body) is None


def test_number_out_of_range_is_shown_as_its_text() -> None:
    assert redacted(b'{"amount": 1e999, "wei": 18446744073709551616, "rate": 1.5, "nothing": NaN}') == {
        "amount": "1e999",
        "wei": "18446744073709551616",
        "rate": 1.5,
        "nothing": "NaN",
    }
