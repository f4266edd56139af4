"""The rules of digital goods, each broken once in rows that satisfy all of them."""

import uuid
from decimal import Decimal
from typing import Any, Final

import pytest

from invariants import commissions, digital_goods
from invariants.snapshot import Snapshot

ORDER, BUYER, ITEM, ESCROW = (uuid.UUID(int=number) for number in range(4))
TEN, TWENTY = Decimal("10.00"), Decimal("20.00")


def order(status: str) -> dict[str, Any]:
    return {"order_id": ORDER, "status": status, "total": TWENTY, "buyer_user_id": BUYER, "delivered": TEN}


def saga(state: str, kind: str = "digital order") -> dict[str, Any]:
    return {"saga_id": ORDER, "kind": kind, "state": state}


def escrow(status: str, amount: Decimal = TWENTY) -> dict[str, Any]:
    return {"escrow_id": ESCROW, "user_id": BUYER, "amount": amount, "status": status, "reference": str(ORDER)}


def collected(amount: Decimal = TEN, account: str = "digital_goods") -> dict[str, Any]:
    return {"reference": str(ORDER), "purpose": "digital_order", "account": account, "amount": amount}


SOUND: Final[dict[str, dict[str, Any]]] = {
    "created": {
        "digital_orders": [order("CREATED")],
        "sagas": [saga("WAITING", "digital order by crypto")],
    },
    "paid": {"digital_orders": [order("WAITING")], "sagas": [saga("WAITING")], "goods_escrows": [escrow("HELD")]},
    "fulfilled": {
        "digital_orders": [order("FULFILLED")],
        "sagas": [saga("COMPLETED")],
        "goods_escrows": [escrow("RELEASED")],
        "collections": [collected()],
    },
    "refunded": {"digital_orders": [order("REFUNDED")], "sagas": [saga("UNWOUND")], "goods_escrows": [escrow("VOIDED")]},
    "discarded": {"sagas": [saga("UNWOUND")], "goods_escrows": [escrow("VOIDED")]},
}  # fmt: skip
ITEM_OF_ORDER: Final = {"order_id": ORDER, "item_id": ITEM, "status": "READY"}


@pytest.mark.parametrize("rows", SOUND.values(), ids=SOUND)
def test_sound_order_violates_nothing(rows: dict[str, Any]) -> None:
    snapshot = Snapshot(**rows)

    assert digital_goods.violations(snapshot) == commissions.violations(snapshot) == []


@pytest.mark.parametrize(
    ("sound", "change", "reported"),
    [
        ("paid", {"sagas": []}, f"digital order {ORDER} is WAITING, its saga is None"),
        ("paid", {"sagas": [saga("COMPLETED")]}, f"digital order saga {ORDER} is COMPLETED, its order is WAITING"),
        ("paid", {"goods_escrows": []}, f"{ORDER} of 20.00 is WAITING, its escrows are []"),
        ("paid", {"goods_escrows": [escrow("HELD", TEN)]}, "its escrows are ['10.00 HELD']"),
        (
            "paid",
            {"collections": [collected()]},
            f"collected ['10.00'] for digital order {ORDER}, which is not FULFILLED",
        ),
        ("created", {"goods_escrows": [escrow("HELD")]}, "is CREATED, its escrows are ['20.00 HELD']"),
        ("fulfilled", {"collections": []}, "is to pay 10.00, collected: []"),
        ("fulfilled", {"collections": [collected()] * 2}, "collected: ['10.00 for digital_goods', '10.00 for"),
        ("fulfilled", {"collections": [collected(TWENTY)]}, "collected: ['20.00 for digital_goods']"),
        ("fulfilled", {"collections": [collected(TEN, "commissions")]}, "collected: ['10.00 for commissions']"),
        ("refunded", {"goods_escrows": []}, "is REFUNDED, and no escrow was returned"),
        ("discarded", {"goods_escrows": [escrow("HELD")]}, f"of digital order {ORDER} is HELD without an order"),
        ("paid", {"unfit_codes": [ITEM_OF_ORDER | {"has_codes": False}]}, "is READY and has no codes"),
        ("paid", {"unfit_items": [ITEM_OF_ORDER | {"order_status": "FULFILLED"}]}, "is READY, the order is FULFILLED"),
    ],
)
def test_violation_is_reported(sound: str, change: dict[str, Any], reported: str) -> None:
    found = digital_goods.violations(Snapshot(**SOUND[sound] | change))

    assert any(reported in violation for violation in found), found
