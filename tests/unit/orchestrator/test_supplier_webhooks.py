"""The supplier's webhooks: which are accepted, and how they are identified."""

import traceback

import pytest
from pydantic import SecretStr

from orchestrator.features.inbound_webhooks.adapters.supplier import SupplierWebhooks
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.features.payments.errors import SignatureInvalid, WebhookUnreadable
from tests.support.signing import SECRET, as_bytes, hexadecimal, stripe_signature, supplier_signature

WEBHOOKS = SupplierWebhooks(SECRET)
BODY = as_bytes({"event_id": "kg-1", "type": "order.ready", "reservation_id": "r-1"})


def test_valid_supplier_signature_is_accepted() -> None:
    assert WEBHOOKS.verify(BODY, supplier_signature(BODY)) == VerifiedWebhook(
        external_id="kg-1", event_type="order.ready"
    )
    assert WEBHOOKS.read_report(BODY) is None


def test_camel_case_names_and_numeric_ids_are_accepted() -> None:
    body = as_bytes({"eventId": 7, "eventType": "order.ready"})
    assert WEBHOOKS.verify(body, supplier_signature(body)) == VerifiedWebhook(external_id="7", event_type="order.ready")


def test_notice_without_an_id_is_identified_by_its_content() -> None:
    one, other = as_bytes({"orderId": "A"}), as_bytes({"orderId": "B"})
    known = [WEBHOOKS.verify(body, supplier_signature(body)).external_id for body in (one, one, other)]
    assert known[0] == known[1] != known[2]


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "é",
        supplier_signature(BODY, SecretStr("another secret")),
        supplier_signature(BODY + b" "),
        hexadecimal(BODY, "sha512"),
        stripe_signature(BODY),
    ],
)
def test_invalid_signature_is_refused(signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        WEBHOOKS.verify(BODY, signature)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", as_bytes({"event_id": "a\x00"})])
def test_signed_but_malformed_body_is_unreadable(body: bytes) -> None:
    with pytest.raises(WebhookUnreadable):
        WEBHOOKS.verify(body, supplier_signature(body))
    with pytest.raises(WebhookUnreadable):
        WEBHOOKS.read_report(body)


def test_notice_says_what_became_of_a_reservation() -> None:
    said = {"event_id": "kg-1", "reservation_id": "R-1", "codes": ["AAA-1"], "reason": "any"}
    for type_, status in (("order.ready", "ready"), ("reservation.delivered", "delivered"), ("failed", "failed")):
        notice = WEBHOOKS.read_notice(as_bytes(said | {"type": type_}))
        assert notice is not None
        assert (notice.event_id, notice.reservation.reservation_id) == ("kg-1", "R-1")
        assert (notice.reservation.status, notice.reservation.codes) == (status, ("AAA-1",))
        assert "AAA-1" not in repr(notice)
    assert WEBHOOKS.read_notice(as_bytes(said | {"type": "order.price_changed"})) is None


@pytest.mark.parametrize("changes", [{"reservation_id": None}, {"codes": "AAA-1"}, {"codes": [""]}, {"codes": [{}]}])
def test_unusable_notice_is_unreadable_and_its_codes_are_not_in_the_error(changes: dict[str, object]) -> None:
    body = as_bytes({"event_id": "kg-1", "type": "order.ready", "reservation_id": "R-1", "codes": ["AAA-1"]} | changes)
    with pytest.raises(WebhookUnreadable) as refusal:
        WEBHOOKS.read_notice(body)
    shown = "".join(traceback.format_exception(refusal.value))
    assert "AAA-1" not in shown + repr(refusal.value.private)
