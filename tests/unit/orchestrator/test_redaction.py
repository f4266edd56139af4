"""What admins are not shown of a webhook, however its provider writes names."""

import json

import pytest

from orchestrator.webhooks.redaction import redacted

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
