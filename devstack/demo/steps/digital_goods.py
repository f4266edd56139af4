"""Digital goods: three codes are ordered, the supplier is away at first and delivers two of them, the third is refunded."""

from decimal import Decimal
from typing import Any, Final

import httpx

from devstack.demo.context import Context, expect_refusal
from devstack.demo.narrator import await_count, expect
from devstack.seed_products import ALWAYS_IN_STOCK_ID, COUNTED_ID

__all__ = ["order_codes"]

FAILURES: Final = 2
ORDER_SECONDS: Final = 60.0
EMAIL_SECONDS: Final = 30.0
CREDITS: Final = "100.00"


def order_codes(context: Context) -> None:
    """Let Cleo order two keys of one game and one of another; the supplier cannot deliver the other."""
    narrator, cleo = context.narrator, context.cleo
    narrator.section("Game keys from a supplier")
    cleo.top_up(CREDITS)
    balance = cleo.balance()
    with narrator.step("Cleo looks at the products") as details:
        products = {each["product_id"]: each for each in cleo.get("/products")}
        two, other = (products[f"{product_id}"] for product_id in (ALWAYS_IN_STOCK_ID, COUNTED_ID))
        details += [f"{each['name']} for {each['price']}" for each in (two, other)]
    price = 2 * Decimal(two["price"])
    with narrator.step("She orders two keys and one of the other game; her credits are held in escrow") as details:
        _control(context, "/faults", path="/v1/reservations", status=503, times=FAILURES)
        items = [{"product_id": two["product_id"], "quantity": 2}, {"product_id": other["product_id"]}]
        order_id = str(cleo.post("/digital-orders", {"items": items, "pay_with": "credits"})["order_id"])
        expect("her balance", wanted=balance - price - Decimal(other["price"]), seen=cleo.balance())
        details.append(cleo.email("Your order is paid", seconds=EMAIL_SECONDS)["subject"])
    with narrator.step("The supplier is away twice; the worker tries again, and reserves all three") as details:
        order = _await_status(context, order_id, "WAITING")
        details.append(", ".join(item["status"] for item in order["items"]))
    with narrator.step(
        "The supplier delivers two, which wait for the third; it fails, and its price is back in her wallet"
    ) as details:
        _report(context, [item for item in order["items"] if item["product_id"] == two["product_id"]], "delivered")
        with expect_refusal({"ORDER_INVALID_STATE"}, 409, details):
            cleo.post(f"/fulfillment/{order_id}/reveal", {})
        _report(context, [item for item in order["items"] if item["product_id"] == other["product_id"]], "failed")
        order = _await_status(context, order_id, "FULFILLED")
        expect("its delivery", wanted="partially_delivered", seen=order["fulfillment_status"])
        await_count("the refund", lambda: cleo.balance() == balance - price, seconds=ORDER_SECONDS)
        details.append(cleo.email("Part of your order is here", seconds=EMAIL_SECONDS)["subject"])
    with narrator.step("Cleo reveals her codes") as details:
        codes = cleo.post(f"/fulfillment/{order_id}/reveal", {})["codes"]
        details += [f"{code['name']} {code['code']}" for code in codes]
        expect("the number of codes", wanted=2, seen=len(codes))
    with narrator.step("She downloads them by a link of 15 minutes, and has them deleted") as details:
        url = cleo.get_object(f"/fulfillment/{order_id}/download-link")["url"]
        downloaded = httpx.get(url, trust_env=False).raise_for_status().json()["codes"]
        expect("the downloaded codes", wanted=codes, seen=downloaded)
        cleo.post(f"/fulfillment/{order_id}/delete-keys", {})
        with expect_refusal({"KEYS_DELETED"}, 410, details):
            cleo.post(f"/fulfillment/{order_id}/reveal", {})


def _report(context: Context, items: list[dict[str, Any]], status: str) -> None:
    """Let the supplier report on items that it has reserved."""
    for item in items:
        [unit] = httpx.get(
            f"{context.urls.sandbox}/control/supplier", params={"request_id": item["item_id"]}, trust_env=False
        ).json()
        _control(context, f"/supplier/{unit['reservation_id']}", status=status)


def _control(context: Context, path: str, /, **body: Any) -> None:
    httpx.post(f"{context.urls.sandbox}/control{path}", json=body, trust_env=False).raise_for_status()


def _await_status(context: Context, order_id: str, status: str) -> dict[str, Any]:
    """Return Cleo's order once it has this status.

    Raises:
        DemoFailedError: it does not come in time.
    """

    def current() -> dict[str, Any]:
        return context.cleo.get_object(f"/fulfillment/{order_id}/status")

    await_count(f"the order to be {status}", lambda: current()["status"] == status, seconds=ORDER_SECONDS)
    return current()
