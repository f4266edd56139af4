"""Digital goods: two keys are ordered, delivered by the sandbox's supplier, revealed, downloaded and deleted."""

from typing import Any, Final

from devstack.postman.scenarios.common import SANDBOX, log_in, show_balance, sign_up
from devstack.postman.scripts import Variable
from devstack.postman.steps import Scenario, Step

__all__ = ["DIGITAL_GOODS"]

CREDITS: Final = "50.00"
TOTAL: Final = "30.00"
AFTER_ORDER: Final = "20.00"
PRODUCT: Final = "d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d1"
ORDER: Final = "/api/fulfillment/{{goods_order_id}}"
RESERVATIONS: Final = ("goods_reservation_1", "goods_reservation_2")


def _wait(name: str, status: str) -> Step:
    return Step(name=name, method="GET", path=f"{ORDER}/status", user="player", repeated_until={"data.status": status})


def _deliver(reservation: str) -> Step:
    return Step(
        name=f"The sandbox delivers {reservation.replace('_', ' ')}",
        base=SANDBOX,
        path=f"/control/supplier/{{{{{reservation}}}}}",
        body={"status": "delivered"},
        expected={"type": "order.delivered", "statuses[0]": 200},
    )


def _read(name: str, path: str, **more: Any) -> Step:
    return Step(name=name, path=f"{ORDER}/{path}", user="player", **more)


ORDERED: Final = (
    Step(
        name="The products",
        method="GET",
        path="/api/products",
        query={"q": "Lantern"},
        expected={"data[0].product_id": PRODUCT, "data[0].price": "15.00", "data[0].in_stock": True},
    ),
    Step(
        name="The player orders two keys",
        path="/api/digital-orders",
        user="player",
        key="{{player_id}}-keys",
        body={"items": [{"product_id": PRODUCT, "quantity": 2}], "pay_with": "credits"},
        status=201,
        expected={"data.status": "PAID", "data.total": TOTAL},
        saved={"goods_order_id": "data.order_id"},
    ),
    show_balance("player", AFTER_ORDER),
    _wait("Wait until both are reserved", "WAITING"),
    _read("There are no codes yet", "reveal", status=409, expected={"error_code": "ORDER_INVALID_STATE"}),
    log_in("admin"),
    Step(
        name="The reservations, as an admin sees them",
        method="GET",
        path="/api/admin/reservations",
        user="admin",
        expected={
            "data[0].order_id": Variable("goods_order_id"),
            "data[1].order_id": Variable("goods_order_id"),
            "data[0].status": "waiting",
        },
        saved={name: f"data[{number}].reservation_id" for number, name in enumerate(RESERVATIONS)},
    ),
)
DELIVERED: Final = (
    *map(_deliver, RESERVATIONS),
    _wait("Wait until the codes are stored", "FULFILLED"),
    Step(
        name="The delivered order",
        method="GET",
        path=f"{ORDER}/status",
        user="player",
        expected={
            "data.fulfillment_status": "delivered",
            "data.can_reveal": True,
            "data.items[1].status": "DELIVERED",
        },
    ),
    _read("The player reveals the codes", "reveal", present=["data.codes[0].code", "data.codes[1].code"]),
    _read(
        "The player gets a link to them",
        "download-link",
        method="GET",
        present=["data.expires_at"],
        saved={"goods_link": "data.url"},
    ),
    Step(
        name="The link leads to the codes, without a token",
        method="GET",
        base="{{goods_link}}",
        path="",
        present=["codes[0].code", "codes[1].code"],
    ),
    _read("The player has them deleted", "delete-keys", expected={"data.keys_deleted": True}),
    _read("They are gone", "reveal", status=410, expected={"error_code": "KEYS_DELETED"}),
    show_balance("player", AFTER_ORDER),
)

DIGITAL_GOODS: Final = Scenario(
    name="Digital goods",
    description=(
        "A player orders two game keys with credits. The sandbox is the supplier: it delivers both, and the player reveals "
        "them, downloads them by a link, and has them deleted. Requests that wait repeat themselves."
    ),
    steps=[*sign_up("player", phone="+6589", credits_=CREDITS), *ORDERED, *DELIVERED],
)
