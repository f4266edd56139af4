"""Tips and menus: a tip now, a tip in the queue, a menu item that is completed, and one that is declined."""

from typing import Any, Final

from devstack.postman.scenarios.common import log_in, show_balance, sign_up
from devstack.postman.scripts import Variable
from devstack.postman.steps import Scenario, Step

__all__ = ["STAGE"]

CREDITS: Final = "100.00"
AFTER_TIP: Final = "80.00"
AFTER_ITEM: Final = "50.00"
TIP_PRICE: Final = "20.00"
ITEM_PRICE: Final = "30.00"


def _make(name: str, path: str, body: dict[str, Any], *, saved: str, id_name: str) -> Step:
    return Step(
        name=f"The performer makes {name}",
        path=f"/api/performer/{path}",
        user="performer",
        body=body,
        status=201,
        expected={"data.name": body["name"]},
        saved={saved: f"data.{id_name}"},
    )


OFFERS: Final = (
    log_in("performer"),
    Step(
        name="The performer's profile",
        method="GET",
        path="/api/performer/profile",
        user="performer",
        present=["data.display_name"],
        saved={"performer_id": "data.performer_id"},
    ),
    _make("a tip grid", "tip-menus", {"name": "Tips"}, saved="tip_menu_id", id_name="tip_menu_id"),
    _make(
        "an item of it",
        "tip-menus/{{tip_menu_id}}/items",
        {"name": "Shout-out", "price": TIP_PRICE},
        saved="tip_menu_item_id",
        id_name="tip_menu_item_id",
    ),
    _make("a menu with a queue", "menus", {"name": "Requests", "queue_mode": "ON"}, saved="menu_id", id_name="menu_id"),
    _make(
        "an item of it",
        "menus/{{menu_id}}/items",
        {"name": "A song for Mia", "token_value": ITEM_PRICE, "estimated_minutes": 5},
        saved="menu_item_id",
        id_name="menu_item_id",
    ),
)


def _tip(name: str, **changes: Any) -> dict[str, Any]:
    body = {"tip_menu_item_id": "{{tip_menu_item_id}}", "performer_id": "{{performer_id}}", "idempotency_key": name}
    return body | changes


TIP_NOW: Final = (
    Step(
        name="The fan tips the performer now",
        path="/api/tip-grid/purchase",
        user="tipper",
        body=_tip("now"),
        expected={"data.success": True, "data.message": "Tip grid item purchased successfully"},
        saved={"purchased_item_id": "data.transaction_id"},
    ),
    show_balance("tipper", AFTER_TIP),
    Step(
        name="The repeated request is refused",
        path="/api/tip-grid/purchase",
        user="tipper",
        body=_tip("now"),
        status=400,
        expected={
            "success": False,
            "error_code": "DUPLICATE_REQUEST",
            "details.purchased_item_id": Variable("purchased_item_id"),
        },
    ),
    Step(
        name="The purchased item",
        method="GET",
        path="/api/purchased-items/{{purchased_item_id}}",
        user="tipper",
        expected={"data.status": "success", "data.settlement_status": "settled", "data.total_price": TIP_PRICE},
    ),
)


def _move(name: str, path: str, *, user: str, expected: dict[str, Any], body: dict[str, Any] | None = None) -> Step:
    return Step(name=name, path=f"/api/performance-queue/{path}", user=user, body=body, expected=expected)


TIP_IN_TURN: Final = (
    _move("The performer pauses the queue", "pause", user="performer", expected={"data.is_paused": True}),
    Step(
        name="The fan queues a tip",
        path="/api/tip-grid/purchase",
        user="tipper",
        body=_tip("queued", execution_mode="QUEUED"),
        expected={"data.message": "Tip grid item queued for processing"},
        present=["data.queue_position", "data.purchased_item_id"],
        saved={"queue_request_id": "data.queue_request_id"},
    ),
    show_balance("tipper", AFTER_TIP),
    Step(
        name="Its status",
        method="GET",
        path="/api/performance-queue/status/{{queue_request_id}}",
        user="tipper",
        expected={"data.status": "pending", "data.retry_count": 0, "data.request_id": Variable("queue_request_id")},
    ),
    _move(
        "The fan cancels it",
        "{{queue_request_id}}/cancel",
        user="tipper",
        expected={"data.status": "cancelled"},
    ),
    _move("The performer resumes the queue", "resume", user="performer", expected={"data.is_paused": False}),
)


def _buy_item(name: str, *, saved: str) -> Step:
    return Step(
        name=name,
        path="/api/menu/purchase",
        user="tipper",
        body={"menu_id": "{{menu_id}}", "menu_item_id": "{{menu_item_id}}", "message": "For Mia"},
        expected={
            "data.transaction_type": "queued",
            "data.status": "pending",
            "data.token_value": ITEM_PRICE,
            "data.loyalty_points_status": "pending",
        },
        present=["data.queue_position"],
        saved={saved: "data.purchase_id"},
    )


MENU_ITEMS: Final = (
    _buy_item("The fan buys a song from the menu", saved="purchase_id"),
    show_balance("tipper", AFTER_ITEM),
    _move(
        "The performer begins",
        "{{purchase_id}}/start",
        user="performer",
        expected={"data.status": "in_progress"},
    ),
    _move(
        "The performer completes it",
        "{{purchase_id}}/complete",
        user="performer",
        body={"note": "With love", "file": "https://files.example/song.mp3"},
        expected={"data.status": "success"},
    ),
    Step(
        name="The completed purchase",
        method="GET",
        path="/api/menu/purchase/{{purchase_id}}/status",
        user="tipper",
        expected={"data.status": "completed", "data.note": "With love"},
    ),
    _buy_item("The fan buys another one", saved="declined_id"),
    _move(
        "The performer declines it",
        "{{declined_id}}/decline",
        user="performer",
        body={"reason": "My voice is gone"},
        expected={"data.status": "declined"},
    ),
    Step(
        name="The declined purchase",
        method="GET",
        path="/api/menu/purchase/{{declined_id}}/status",
        user="tipper",
        expected={"data.status": "declined", "data.explanation": "My voice is gone"},
    ),
    show_balance("tipper", AFTER_ITEM),
)
REMOVAL: Final = tuple(
    Step(name=f"The performer removes the {name}", method="DELETE", path=path, user="performer", status=204)
    for name, path in (
        ("tip grid", "/api/performer/tip-menus/{{tip_menu_id}}"),
        ("menu", "/api/performer/menus/{{menu_id}}"),
    )
)

STAGE: Final = Scenario(
    name="Stage",
    description=(
        "A fan tips a performer now and in the queue, and buys from a menu: the credits wait in escrow until the performer "
        "completes the item, and go back when it is declined."
    ),
    steps=[
        *sign_up("tipper", phone="+6587", credits_=CREDITS),
        *OFFERS,
        *TIP_NOW,
        *TIP_IN_TURN,
        *MENU_ITEMS,
        *REMOVAL,
    ],
)
