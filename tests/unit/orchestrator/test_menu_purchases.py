"""Menus and purchases from them as fans see them."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from events.menus import schemas as stored
from orchestrator.clients.orders.purchased_items import ItemStatus, ItemType, PurchasedItemFacts
from orchestrator.features.menus.schemas import Menu, MenuPurchase

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)


def facts(**changes: Any) -> PurchasedItemFacts:
    usual = {
        "purchased_item_id": uuid.UUID(int=1),
        "type": ItemType.MENU,
        "buyer_user_id": uuid.UUID(int=2),
        "performer_id": uuid.UUID(int=3),
        "offer_id": uuid.UUID(int=4),
        "menu_id": uuid.UUID(int=5),
        "name": "Song dedication",
        "price": Decimal("25.00"),
        "status": ItemStatus.PENDING,
        "settlement_status": "held",
        "execution_mode": "QUEUED",
        "message": "for Mia",
        "bonus_points": 5,
        "estimated_minutes": 5,
        "queue_request_id": None,
        "queue_position": 3,
        "estimated_wait_minutes": 15,
        "scheduled_for": None,
        "note": "",
        "file_url": "",
        "explanation": "",
        "created_at": NOW,
        "started_at": None,
        "ended_at": None,
    }
    return PurchasedItemFacts.model_validate(usual | changes)


@pytest.mark.parametrize(
    ("status", "shown", "points"),
    [
        (ItemStatus.PENDING, "pending", (5, "pending")),
        (ItemStatus.IN_PROGRESS, "in_progress", (5, "pending")),
        (ItemStatus.SUCCESS, "completed", (5, "awarded")),
        (ItemStatus.DECLINED, "declined", (0, "none")),
        (ItemStatus.CANCELLED, "cancelled", (0, "none")),
        (ItemStatus.EXPIRED, "expired", (0, "none")),
        (ItemStatus.FAILED, "failed", (0, "none")),
    ],
)
def test_status_and_points(status: ItemStatus, shown: str, points: tuple[int, str]) -> None:
    purchase = MenuPurchase.of(facts(status=status))
    assert purchase.status == shown
    assert (purchase.loyalty_points_awarded, purchase.loyalty_points_status) == points


@pytest.mark.parametrize(("mode", "shown"), [("QUEUED", "queued"), ("IMMEDIATE", "immediate")])
def test_mode_is_shown(mode: str, shown: str) -> None:
    assert MenuPurchase.of(facts(execution_mode=mode)).transaction_type == shown


def test_buyer_is_not_repeated() -> None:
    purchase = MenuPurchase.of(facts())
    assert (purchase.menu_item_id, purchase.token_value) == (uuid.UUID(int=4), Decimal("25.00"))
    assert (purchase.queue_position, purchase.estimated_wait_minutes) == (3, 15)
    assert "buyer_user_id" not in purchase.model_dump()


def test_menu_is_described_as_the_events_service_sends_it() -> None:
    """`/openapi.json` names each field of a menu, of its theme, its items and their activations."""
    item: dict[str, Any] = dict.fromkeys(stored.MenuItem.model_fields) | {
        "item_id": uuid.UUID(int=1),
        "name": "Dedication",
        "description": "A song",
        "category": "songs",
        "position": 1,
        "bonus_loyalty_points": 5,
        "estimated_minutes": 5,
        "device_activation": {"pattern": "pulse", "duration_seconds": 10},
        "is_active": True,
        "price": Decimal("25.00"),
    }
    menu = stored.Menu(
        menu_id=uuid.UUID(int=2),
        performer_id=uuid.UUID(int=3),
        name="Encore",
        description="After the show",
        queue_mode=stored.QueueMode.ON,
        visibility=stored.Visibility.PUBLIC,
        theme=stored.Theme(primary_color="#3a0ca3"),
        items=[stored.MenuItem.model_validate(item)],
    ).model_dump(mode="json", by_alias=True)

    assert Menu.model_validate(menu).model_dump(mode="json") == menu
