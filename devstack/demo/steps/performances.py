"""Tips and menu items: a tip now, one in the queue, an item that is completed and one that is declined."""

from decimal import Decimal
from typing import Any, Final

from devstack.demo.context import Context, expect_refusal
from devstack.demo.narrator import await_count, expect
from devstack.demo.performer_client import PERFORMER

__all__ = ["buy_from_menu", "tip_performer"]

JOB_SECONDS: Final = 30.0


def tip_performer(context: Context) -> None:
    """Let Ada tip Nova now, and in the queue."""
    narrator, ada, nova = context.narrator, context.ada, context.nova
    narrator.section("Tips")
    with narrator.step("Nova, a performer, logs in and shows her tip grid") as details:
        nova.log_in(PERFORMER)
        performer_id = nova.performer_id
        item = ada.get_object(f"/tip-grid/{performer_id}")["tip_menus"][0]["items"][0]
        price = Decimal(item["price"])
        details.append(f"{item['name']}, {price} credits")
    before = ada.balance(), _wallet(context)
    wanted = {"tip_menu_item_id": item["tip_menu_item_id"], "performer_id": performer_id}
    with narrator.step("Ada tips her now; the credits have moved when the answer comes") as details:
        tip = ada.post("/tip-grid/purchase", wanted | {"idempotency_key": "demo-now"})
        expect("the item", wanted="success", seen=_item(context, tip["purchased_item_id"])["status"])
        expect("the balances", wanted=(before[0] - price, before[1] + price), seen=(ada.balance(), _wallet(context)))
        details.append(tip["message"])
    with (
        narrator.step("The same request again is refused") as details,
        expect_refusal({"DUPLICATE_REQUEST"}, 400, details),
    ):
        ada.post("/tip-grid/purchase", wanted | {"idempotency_key": "demo-now"})
    with narrator.step("Nova pauses her queue; Ada's next tip waits, and nothing is charged") as details:
        nova.set_paused(is_paused=True)
        queued = ada.post("/tip-grid/purchase", wanted | {"execution_mode": "QUEUED"})
        expect("the item", wanted="pending", seen=_item(context, queued["purchased_item_id"])["status"])
        expect("her balance", wanted=before[0] - price, seen=ada.balance())
        details.append(f"position {queued['queue_position']}")
    with narrator.step("Nova resumes it, and a worker performs the tip") as details:
        nova.set_paused(is_paused=False)
        path = f"/performance-queue/status/{queued['queue_request_id']}"
        await_count("the tip", lambda: ada.get_object(path)["status"] == "completed", seconds=JOB_SECONDS)
        expect("her balance", wanted=before[0] - 2 * price, seen=ada.balance())
        details.append(ada.get_object(path)["result"]["message"])


def buy_from_menu(context: Context) -> None:
    """Let Ben buy two items of Nova's menu with a queue; one is completed, the other declined."""
    narrator, ben, nova = context.narrator, context.ben, context.nova
    narrator.section("A menu with a queue")
    with narrator.step("Ben reads Nova's menus") as details:
        menu = next(menu for menu in ben.get(f"/menu/performer/{nova.performer_id}") if menu["queue_mode"] == "ON")
        item = menu["menu_items"][0]
        price = Decimal(item["token_value"])
        details.append(f"{menu['name']}: {item['name']}, {price} credits")
    balance, earned = ben.balance(), _wallet(context)
    wanted = {"menu_id": menu["menu_id"], "menu_item_id": item["menu_item_id"], "message": "For Mia, who turns eight"}
    with narrator.step("Ben buys it twice; his credits are held in escrow") as details:
        done, declined = (ben.post("/menu/purchase", wanted) for _ in range(2))
        expect("the balances", wanted=(balance - 2 * price, earned), seen=(ben.balance(), _wallet(context)))
        details.append(f"positions {done['queue_position']} and {declined['queue_position']}")
    with narrator.step("Nova sees the requests, and begins the first") as details:
        expect("her queue", wanted=2, seen=len(nova.queue()))
        expect("the item", wanted="in_progress", seen=nova.act(done["purchase_id"], "start"))
        details.append(f"{nova.queue()[0]['buyer_name']}: {nova.queue()[0]['message']}")
    with narrator.step("Ben can no longer cancel it") as details, expect_refusal({"ITEM_INVALID_STATE"}, 409, details):
        ben.post(f"/menu/purchase/{done['purchase_id']}/cancel", {})
    with narrator.step("Nova completes it with a note and a file, and is paid") as details:
        delivered = {"note": "With love", "file": "https://files.example/song.mp3"}
        expect("the item", wanted="success", seen=nova.act(done["purchase_id"], "complete", **delivered))
        expect("her wallet", wanted=earned + price, seen=_wallet(context))
        details.append(f"{price} credits from escrow to Nova")
    with narrator.step("Nova declines the second; Ben's credits return") as details:
        reason = "My voice is gone"
        expect("the item", wanted="declined", seen=nova.act(declined["purchase_id"], "decline", reason=reason))
        expect("his balance", wanted=balance - price, seen=ben.balance())
        details.append(reason)


def _item(context: Context, item_id: str) -> dict[str, Any]:
    return context.ada.get_object(f"/purchased-items/{item_id}")


def _wallet(context: Context) -> Decimal:
    return Decimal(context.nova.get("/credits/balance")["credit_balance"])
