"""The performance queue through the gateway: order, pauses, moves seen by both sides, ends that exclude each other."""

import asyncio
import uuid
from typing import Any, Final

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan, MakePerformer
from tests.e2e.deal_calls import expire_wait
from tests.e2e.feed import messages_of_kinds, next_message, open_feed
from tests.e2e.performer import Performer, balances, item_of, menu_purchase, read, tip, until_status
from tests.e2e.test_notifications import Inbox
from tests.e2e.user_client import ApiResponse, UserClient
from tests.e2e.webhook_receiver import WebhookReceiver
from tests.support.waiting import eventually

ESCROWS: Final = "SELECT status FROM escrows WHERE reference = $1"
WORDS: Final = "Sing it loud, ミア 🎤"
MOVES: Final = ("queued", "started", "success")


class Request:
    """A menu with a queue, and a fan's purchases there."""

    def __init__(self, fan: UserClient, performer: Performer, menu_id: str, item_id: str) -> None:
        self.fan, self.performer = fan, performer
        self._menu_id, self._item_id = menu_id, item_id

    @classmethod
    async def prepare(cls, fan: UserClient, performer: Performer, **item: Any) -> "Request":
        menu_id = await performer.add_menu()
        return cls(fan, performer, menu_id, await performer.add_menu_item(menu_id, **item))

    async def buy(self, **body: str) -> dict[str, Any]:
        bought = await menu_purchase(self.fan, self._menu_id, self._item_id, **body)
        assert bought.status == 200, bought.body
        data: dict[str, Any] = bought.data
        return data


@pytest.fixture
async def request_of_fan(fan: UserClient, performer: Performer) -> Request:
    return await Request.prepare(fan, performer)


async def test_positions_count_tips_and_menu_items_in_one_order(
    fan: UserClient, performer: Performer, request_of_fan: Request
) -> None:
    await performer.pause()
    first = await request_of_fan.buy()
    item_id = await performer.add_tip()
    tipped = (await tip(fan, performer, item_id, execution_mode="QUEUED")).data
    third = await request_of_fan.buy()
    assert [first["queue_position"], tipped["queue_position"], third["queue_position"]] == [1, 2, 3]
    assert (first["estimated_wait_minutes"], third["estimated_wait_minutes"]) == (0, 10)
    queued = [item["purchased_item_id"] for item in await performer.queue()]
    assert queued == [first["purchase_id"], tipped["purchased_item_id"], third["purchase_id"]]
    assert (await performer.act(first["purchase_id"], "decline", reason="Not today")).status == 200
    moved = await item_of(fan, third["purchase_id"])
    assert (moved["queue_position"], moved["estimated_wait_minutes"]) == (2, 0)
    await performer.resume()
    await until_status(fan, tipped["purchased_item_id"], "success")
    assert (await item_of(fan, third["purchase_id"]))["queue_position"] == 1
    assert (await performer.act(third["purchase_id"], "complete")).status == 200


async def test_item_in_progress_adds_to_the_wait(request_of_fan: Request, performer: Performer) -> None:
    first = await request_of_fan.buy()
    assert (await performer.act(first["purchase_id"], "start")).status == 200
    second = await request_of_fan.buy()
    assert (second["queue_position"], second["estimated_wait_minutes"]) == (1, 10)
    [in_progress, waiting] = await performer.queue()
    assert (in_progress["purchased_item_id"], in_progress["status"]) == (first["purchase_id"], "in_progress")
    assert (waiting["purchased_item_id"], waiting["status"]) == (second["purchase_id"], "pending")
    for one in (first, second):
        assert (await performer.act(one["purchase_id"], "complete")).status == 200


async def test_performer_reads_the_fans_name_and_words_in_the_queue(
    fan: UserClient, performer: Performer, request_of_fan: Request
) -> None:
    bought = await request_of_fan.buy(message=WORDS)
    [waiting] = await performer.queue()
    assert waiting["message"] == WORDS
    assert fan.user_id not in str(waiting)
    assert fan.email.partition("@")[0] in str(waiting)
    assert (await performer.act(bought["purchase_id"], "decline", reason="No")).status == 200


async def test_key_that_completed_an_item_touches_no_other(
    fan: UserClient, performer: Performer, request_of_fan: Request
) -> None:
    done, other = [(await request_of_fan.buy())["purchase_id"] for _ in range(2)]

    async def complete(item_id: str) -> ApiResponse:
        return await performer.client.post(f"/performance-queue/{item_id}/complete", {}, key="k")

    assert [(await complete(done)).status for _ in range(2)] == [200, 200]
    assert (await complete(other)).refused() == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await item_of(fan, other))["status"] == "pending"
    assert (await performer.act(other, "start")).status == 200
    assert (await complete(other)).refused() == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await performer.act(other, "complete")).status == 200


async def test_another_performer_and_the_fan_cannot_move_an_item(
    fan: UserClient, new_performer: MakePerformer, request_of_fan: Request, performer: Performer
) -> None:
    bought = await request_of_fan.buy()
    other = await new_performer()
    for act, body in (("start", {}), ("complete", {}), ("decline", {"reason": "No"})):
        refused = await other.act(bought["purchase_id"], act, **body)
        assert refused.refused() == (404, "ITEM_NOT_FOUND")
        assert (await fan.post(f"/performance-queue/{bought['purchase_id']}/{act}", body)).status == 403
    assert (await other.client.post(f"/performance-queue/{bought['purchase_id']}/cancel")).status == 404
    assert await other.queue() == []
    assert (await performer.act(bought["purchase_id"], "complete")).status == 200


class TestTold:
    """Each move reaches the feeds of both sides, and the mailbox of who may be away (M5)."""

    async def test_fan_and_performer_see_each_move(
        self, platform: Stack, fan: UserClient, performer: Performer, request_of_fan: Request
    ) -> None:
        async with open_feed(platform, fan) as fans, open_feed(platform, performer.client) as performers:
            for feed in (fans, performers):
                await next_message(feed, "subscribed")
            item_id = (await request_of_fan.buy(message=WORDS))["purchase_id"]
            for act in ("start", "complete"):
                assert (await performer.act(item_id, act)).status == 200
            for feed, hidden in ((fans, "seller_user_id"), (performers, "buyer_user_id")):
                entries = await messages_of_kinds(feed, {f"purchased_item.{move}" for move in MOVES})
                for entry in entries:
                    assert entry["data"]["purchased_item_id"] == item_id
                    assert hidden not in entry["data"]
                    assert WORDS not in str(entry)

    async def test_emails_tell_both_sides(
        self, platform: Stack, fan: UserClient, performer: Performer, request_of_fan: Request
    ) -> None:
        fans, performers = Inbox(platform, fan), Inbox(platform, performer.client)
        completed = (await request_of_fan.buy(message=WORDS))["purchase_id"]
        declined = (await request_of_fan.buy())["purchase_id"]
        queued = await fans.email_about("Your request is in the queue of Nova")
        assert "20.00 credits" in queued["text"]
        received = await performers.email_about(f"{fan.email.partition('@')[0]} asks for A song for Mia")
        assert fan.user_id not in received["text"] + received["html"]
        url = "https://files.example/mia.mp3"
        assert (await performer.act(completed, "complete", note="With love", file=url)).status == 200
        assert (await performer.act(declined, "decline", reason="My voice is gone")).status == 200
        done = await fans.email_about("Nova has completed A song for Mia")
        assert "With love" in done["text"]
        assert url in done["html"]
        refused = await fans.email_about("Nova has declined A song for Mia")
        assert "My voice is gone" in refused["text"]

        async def words_arrived() -> bool:
            return any(WORDS in email["text"] for email in await performers.emails())

        await eventually(words_arrived)
        assert not any(WORDS in email["text"] for email in await fans.emails())

    async def test_immediate_tip_sends_no_email(
        self, platform: Stack, fan: UserClient, performer: Performer, request_of_fan: Request
    ) -> None:
        assert (await tip(fan, performer, await performer.add_tip())).status == 200
        bought = await request_of_fan.buy()  # its email is sent after that of the tip would have been
        await Inbox(platform, fan).email_about("Your request is in the queue")
        for user in (fan, performer.client):
            assert not any("Shout-out" in email["text"] for email in await Inbox(platform, user).emails())
        assert (await performer.act(bought["purchase_id"], "complete")).status == 200

    async def test_integrator_gets_no_words(
        self, admin: UserClient, performer: Performer, request_of_fan: Request, webhook_receiver: WebhookReceiver
    ) -> None:
        wanted = {"url": f"{webhook_receiver.url}/hooks", "message_types": ["purchased_item.success"]}
        made = await admin.post("/admin/webhook-subscriptions", wanted)
        item_id = (await request_of_fan.buy(message=WORDS))["purchase_id"]
        assert (await performer.act(item_id, "complete", note="With love")).status == 200
        [(_, body)] = await eventually(lambda: webhook_receiver.about_order(item_id))
        assert (body["type"], body["data"]["amount"]) == ("purchased_item.success", "20.00")
        assert {"message", "note", "file_url", "explanation"} & body["data"].keys() == set()
        await admin.delete(f"/admin/webhook-subscriptions/{made.data['subscription_id']}")


class TestEnds:
    """Every way for an item to end excludes the others, and its escrow is resolved once."""

    @pytest.mark.parametrize("is_started", [False, True])
    async def test_item_that_is_not_completed_expires(
        self, platform: Stack, fan: UserClient, performer: Performer, request_of_fan: Request, *, is_started: bool
    ) -> None:
        item_id = (await request_of_fan.buy())["purchase_id"]
        if is_started:
            assert (await performer.act(item_id, "start")).status == 200
        await expire_wait(platform, item_id)
        item = await until_status(fan, item_id, "expired")
        assert item["settlement_status"] == "refunded"
        assert await balances(fan, performer) == ("1000.00", "0.00")
        assert (await performer.act(item_id, "complete")).refused() == (409, "ITEM_INVALID_STATE")

    async def test_cancel_against_start_has_one_winner(
        self, fan: UserClient, performer: Performer, request_of_fan: Request
    ) -> None:
        for _ in range(4):
            item_id = (await request_of_fan.buy())["purchase_id"]
            cancelled, started = await asyncio.gather(
                fan.post(f"/performance-queue/{item_id}/cancel"), performer.act(item_id, "start")
            )
            assert sorted((cancelled.status, started.status)) == [200, 409]
            status = (await item_of(fan, item_id))["status"]
            assert status == ("cancelled" if cancelled.status == 200 else "in_progress")
            if status == "in_progress":
                assert (await performer.act(item_id, "complete")).status == 200

    async def test_complete_against_decline_against_deadline_has_one_winner(
        self, platform: Stack, new_fan: MakeFan, performer: Performer
    ) -> None:
        fan = await new_fan(balance="100.00")
        request = await Request.prepare(fan, performer)
        paid = 0
        for _ in range(4):
            item_id = (await request.buy())["purchase_id"]
            assert (await performer.act(item_id, "start")).status == 200
            completed, declined, _ = await asyncio.gather(
                performer.act(item_id, "complete"),
                performer.act(item_id, "decline", reason="No"),
                expire_wait(platform, item_id),
            )
            assert [completed.status, declined.status].count(200) <= 1

            async def ended(item_id: str = item_id) -> str:
                status = str((await item_of(fan, item_id))["status"])
                assert status in {"success", "declined", "expired"}
                return status

            status = await eventually(ended)
            paid += status == "success"
            assert (completed.status == 200) <= (status == "success")
            assert (declined.status == 200) <= (status == "declined")
            [escrow] = await read(platform, "users", ESCROWS, item_id)
            assert escrow["status"] == ("RELEASED" if status == "success" else "VOIDED")
        assert await balances(fan, performer) == (f"{100 - 20 * paid}.00", f"{20 * paid}.00")

    async def test_act_that_is_repeated_is_answered_like_the_first(
        self, fan: UserClient, performer: Performer, request_of_fan: Request
    ) -> None:
        item_id = (await request_of_fan.buy())["purchase_id"]
        path = f"/performance-queue/{item_id}/complete"
        answers = await asyncio.gather(*(performer.client.post(path, {}, key="k") for _ in range(5)))
        assert {answer.status for answer in answers} <= {200, 409}
        assert (await performer.client.post(path, {}, key="k")).status == 200
        await until_status(fan, item_id, "success")
        assert await performer.balance() == "20.00"

    async def test_unknown_item_is_404(self, performer: Performer) -> None:
        refused = await performer.act(str(uuid.uuid4()), "start")
        assert refused.refused() == (404, "ITEM_NOT_FOUND")


class TestPause:
    async def test_paused_queue_takes_purchases_and_performs_no_tip(
        self, fan: UserClient, performer: Performer
    ) -> None:
        item_id = await performer.add_tip()
        await performer.pause()
        queued = [(await tip(fan, performer, item_id, execution_mode="QUEUED")).data for _ in range(3)]
        assert [one["queue_position"] for one in queued] == [1, 2, 3]
        now = await tip(fan, performer, item_id)
        assert now.status == 200  # a tip now passes the queue
        assert {(await item_of(fan, one["purchased_item_id"]))["status"] for one in queued} == {"pending"}
        await performer.resume()
        for one in queued:
            await until_status(fan, one["purchased_item_id"], "success")
        ended = [(await item_of(fan, one["purchased_item_id"]))["ended_at"] for one in queued]
        assert ended == sorted(ended)
        assert await performer.balance() == "80.00"
