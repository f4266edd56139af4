"""What a buyer sees of a digital order."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.clients.orders.digital_orders import (
    DigitalItemFacts,
    DigitalItemStatus,
    DigitalOrderFacts,
    DigitalOrderStatus,
    PayGoodsWith,
)
from orchestrator.features.digital_goods.schemas.status import FulfillmentStatus
from orchestrator.features.digital_goods.service.status import view_of

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def item(status: DigitalItemStatus) -> DigitalItemFacts:
    return DigitalItemFacts(
        item_id=uuid.uuid4(),
        product_id=uuid.uuid4(),
        name="Lantern Drift",
        supplier_product_id="lantern-drift",
        price=Decimal("15.00"),
        status=status,
        reservation_id=None,
        failure="The supplier could not deliver it." if status is DigitalItemStatus.FAILED else "",
    )


def order(status: DigitalOrderStatus, *items: DigitalItemStatus, **facts: Any) -> DigitalOrderFacts:
    defaults: dict[str, Any] = {
        "storage_ref": None,
        "failure_code": None,
        "failure_message": "",
        "paid_at": NOW,
        "ready_at": NOW,
        "downloaded_at": None,
        "keys_deleted_at": None,
        "ended_at": NOW,
    }
    return DigitalOrderFacts(
        order_id=uuid.uuid4(),
        buyer_user_id=uuid.uuid4(),
        status=status,
        pay_with=PayGoodsWith.CREDITS,
        total=Decimal("30.00"),
        items=tuple(item(each) for each in items),
        created_at=NOW,
        **defaults | facts,
    )


def test_every_status_has_a_progress() -> None:
    for status in DigitalOrderStatus:
        assert view_of(order(status)).fulfillment_status in FulfillmentStatus


def test_order_of_which_a_part_came() -> None:
    whole = order(DigitalOrderStatus.FULFILLED, DigitalItemStatus.DELIVERED, DigitalItemStatus.DELIVERED)
    part = order(DigitalOrderStatus.FULFILLED, DigitalItemStatus.DELIVERED, DigitalItemStatus.FAILED)
    assert view_of(whole).fulfillment_status is FulfillmentStatus.DELIVERED
    shown = view_of(part)
    assert shown.fulfillment_status is FulfillmentStatus.PARTIALLY_DELIVERED
    assert [each.failure for each in shown.items] == [None, "The supplier could not deliver it."]


@pytest.mark.parametrize(
    ("status", "facts", "can_reveal", "keys_deleted"),
    [
        # Its credits may still be returned.
        (DigitalOrderStatus.READY, {"storage_ref": "keys.json"}, False, False),
        (DigitalOrderStatus.FULFILLED, {"storage_ref": "keys.json"}, True, False),
        (DigitalOrderStatus.FULFILLED, {"keys_deleted_at": NOW}, False, True),
        (DigitalOrderStatus.REFUNDED, {"storage_ref": "keys.json"}, False, False),
    ],
)
def test_codes_can_be_revealed_once_they_are_paid_for(
    *, status: DigitalOrderStatus, facts: dict[str, Any], can_reveal: bool, keys_deleted: bool
) -> None:
    shown = view_of(order(status, DigitalItemStatus.DELIVERED, **facts))
    assert (shown.can_reveal, shown.keys_deleted) == (can_reveal, keys_deleted)
