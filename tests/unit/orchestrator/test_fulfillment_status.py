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
    FulfillmentStatus,
    PayGoodsWith,
)
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
        failure="The supplier could not deliver it." if status is DigitalItemStatus.FAILED else None,
    )


def order(status: DigitalOrderStatus, *items: DigitalItemStatus, **facts: Any) -> DigitalOrderFacts:
    defaults: dict[str, Any] = {
        "fulfillment_status": FulfillmentStatus.DELIVERED,
        "storage_ref": None,
        "failure_code": None,
        "failure_message": None,
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


def test_shows_what_the_order_says_of_its_delivery_and_failure() -> None:
    part = order(
        DigitalOrderStatus.FULFILLED,
        DigitalItemStatus.DELIVERED,
        DigitalItemStatus.FAILED,
        fulfillment_status=FulfillmentStatus.PARTIALLY_DELIVERED,
    )
    failed = order(DigitalOrderStatus.FAILED, failure_code="GOODS_FAILED", failure_message="Out of stock.")

    shown, refused = view_of(part), view_of(failed)

    assert shown.fulfillment_status is FulfillmentStatus.PARTIALLY_DELIVERED
    assert (shown.failure_code, shown.failure_message) == (None, None)
    assert [each.failure for each in shown.items] == [None, "The supplier could not deliver it."]
    assert (refused.failure_code, refused.failure_message) == ("GOODS_FAILED", "Out of stock.")


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
