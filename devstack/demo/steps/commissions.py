"""Commissions: an article that is revised, reviewed and published, and one that is paid at a checkout."""

from decimal import Decimal
from typing import Any, Final

import httpx

from devstack.demo.context import Choice, Context, expect_refusal
from devstack.demo.fan_client import FanClient
from devstack.demo.narrator import await_count, expect
from devstack.demo.staff_client import ADMIN

__all__ = ["order_article", "order_article_by_card"]

TEXT_SECONDS: Final = 60.0
EMAIL_SECONDS: Final = 30.0
EVENT_SECONDS: Final = 15.0
"""The orchestrator remembers an event for a few seconds."""
CREDITS: Final = "100.00"


def order_article(context: Context, choice: Choice) -> None:
    """Let Ben order an article about the concert, have it revised, and submit it; Sam publishes it."""
    narrator, ben, sam = context.narrator, context.ben, context.sam
    narrator.section("An article about the concert")
    ben.top_up(CREDITS)
    balance, price = ben.balance(), _price(ben)
    with narrator.step("Ben orders an article; his credits are held in escrow") as details:
        order_id = str(ben.post("/commissions", _wish(choice, pay_with="credits"))["order_id"])
        expect("his balance", wanted=balance - price, seen=ben.balance())
        details.append(ben.email("We have your request", seconds=EMAIL_SECONDS)["subject"])
    with narrator.step("A worker writes it, checks it, and Ben gets an email") as details:
        order = _await_status(ben, order_id, "QUALITY_CHECK")
        details.append(ben.email("Your article is ready", seconds=EMAIL_SECONDS)["subject"])
    narrator.note(f"{context.urls.gateway}/order-status/{order_id}, version 1: {order['version']['quality']}")
    with narrator.step("Ben asks for a livelier opening, and gets a second version") as details:
        notes = {"revision_notes": "Please make the opening livelier."}
        details.append(str(ben.post(f"/commissions/{order_id}/revisions", notes)["message"]))
        order = _await_status(ben, order_id, "QUALITY_CHECK", number=2)
        details.append(ben.email("Your revision is ready", seconds=EMAIL_SECONDS)["subject"])
    with narrator.step("Ben submits it, and can no longer revise it") as details:
        ben.post(f"/commissions/{order_id}/submit", {})
        with expect_refusal({"ORDER_INVALID_STATE"}, 409, details):
            ben.post(f"/commissions/{order_id}/revisions", notes)
    with narrator.step("Sam, an admin, approves it; it is online and paid") as details:
        sam.log_in(ADMIN)
        sam.post(f"/admin/commissions/{order_id}/approve", {})
        slug = _await_status(ben, order_id, "COMPLETED")["slug"]
        article = ben.get_object(f"/articles/{slug}")
        expect("the article", wanted=order["version"]["content"], seen=article["content"])
        await_count("the article on its event", lambda: slug in _articles(ben, choice), seconds=EVENT_SECONDS)
        expect("his balance", wanted=balance - price, seen=ben.balance())
        details.append(ben.email("Your article is published", seconds=EMAIL_SECONDS)["subject"])
    narrator.note(f"{context.urls.gateway}/articles/{slug}")


def order_article_by_card(context: Context, choice: Choice) -> None:
    """Let Ada order an article at the checkout; an admin refunds it before it is published."""
    narrator, ada, sam = context.narrator, context.ada, context.sam
    narrator.section("An article paid by card")
    balance, price = ada.balance(), _price(ada)
    with narrator.step("Ada orders an article and is sent to the checkout") as details:
        order = ada.post("/commissions", _wish(choice, pay_with="stripe"))
        expect("the order", wanted="AWAITING_PAYMENT", seen=order["status"])
        details.append(order["checkout_url"])
    with narrator.step("Ada pays there, and the article is written") as details:
        session_id = str(order["checkout_url"]).rstrip("/").rpartition("/")[2]
        httpx.post(f"{context.urls.sandbox}/control/stripe/checkout/{session_id}/pay").raise_for_status()
        order = _await_status(ada, str(order["order_id"]), "QUALITY_CHECK")
        expect("her balance", wanted=balance, seen=ada.balance())
        details.append(order["version"]["title"])
    with narrator.step("Sam refunds the order; the price is in Ada's wallet") as details:
        reason = {"reason": "Ada has changed her mind."}
        sam.post(f"/admin/commissions/{order['order_id']}/refund", reason)
        _await_status(ada, str(order["order_id"]), "REFUNDED")
        expect("her balance", wanted=balance + price, seen=ada.balance())
        details.append(ada.email("Your order for an article is refunded", seconds=EMAIL_SECONDS)["subject"])


def _price(fan: FanClient) -> Decimal:
    return next(Decimal(each["price"]) for each in fan.get("/commissions/prices") if each["type"] == "ARTICLE")


def _articles(fan: FanClient, choice: Choice) -> set[str]:
    return {each["slug"] for each in fan.event(choice.event_id)["articles"]}


def _wish(choice: Choice, *, pay_with: str) -> dict[str, Any]:
    return {
        "type": "ARTICLE",
        "event_id": choice.event_id,
        "brief": "A night out with friends: the concert, and dinner before it.",
        "keywords": ["night out"],
        "target_url": "https://dinner.example/menu",
        "anchor_text": "dinner by the river",
        "pay_with": pay_with,
    }


def _await_status(fan: FanClient, order_id: str, status: str, *, number: int | None = None) -> dict[str, Any]:
    """Return an order once it has this status, and if given this version.

    Raises:
        DemoFailedError: it does not come in time.
    """

    def is_there() -> bool:
        order = fan.get_object(f"/commissions/{order_id}")
        return order["status"] == status and number in {None, (order["version"] or {}).get("number")}

    await_count(f"the order to be {status}", is_there, seconds=TEXT_SECONDS)
    return fan.get_object(f"/commissions/{order_id}")
