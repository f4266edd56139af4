"""Purchased items: opening, moves, their repetition and undo, and the messages that leave with them."""

import asyncio
from typing import Any

import pytest

from common.db.engine import Database
from tests.integration.orders.item_caller import PATHS, ItemCaller, answers, told_of
from tests.support.callers import new_id

MOVES = [("enqueue", "OPENING", "PENDING"), ("start", "PENDING", "IN_PROGRESS"), ("complete", "IN_PROGRESS", "SUCCESS")]


class TestOpen:
    async def test_is_invisible_and_not_announced(self, items: ItemCaller, database: Database) -> None:
        item = await items.at("OPENING")

        assert (await items.find(item.key)).status_code == 404
        assert await told_of(database, item.key) == []

    async def test_repeated_has_the_same_answer(self, items: ItemCaller) -> None:
        item = items.unopened(daily_limit=1)

        first, again = await items.open(**item.body), await items.open(**item.body)

        assert first.json() == again.json()
        assert first.json()["data"]["status"] == "OPENING"

    async def test_id_of_another_request_is_refused(self, items: ItemCaller) -> None:
        item = await items.at("OPENING")

        answer = await items.open(**item.body | {"request_id": new_id()})

        assert (answer.status_code, answer.json()["error_code"]) == (409, "ITEM_INVALID_STATE")

    async def test_same_request_with_other_facts_is_refused(self, items: ItemCaller) -> None:
        item = await items.at("OPENING")

        answer = await items.open(**item.body | {"price": "1.00"})

        assert answer.status_code == 422

    @pytest.mark.parametrize(
        "wrong",
        [{"price": "-1.00"}, {"type": "song"}, {"buyer_user_id": None}, {"daily_limit": 0}, {"name": "a\x00b"}],
        ids=str,
    )
    async def test_invalid_request_is_refused(self, items: ItemCaller, wrong: dict[str, Any]) -> None:
        assert (await items.open(**wrong)).status_code == 400


class TestIdempotencyKey:
    async def test_second_use_by_its_buyer_is_refused_with_the_first_ids(self, items: ItemCaller) -> None:
        first = await items.at("PENDING", idempotency_key="k", queue_request_id=new_id())

        answer = await items.open(buyer_user_id=first.body["buyer_user_id"], idempotency_key="k")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "DUPLICATE_REQUEST"
        assert answer.json()["message"] == "Duplicate request detected. Transaction already processed."
        assert answer.json()["details"] == {
            "purchased_item_id": first.key,
            "transaction_id": first.key,
            "queue_request_id": first.body["queue_request_id"],
        }

    async def test_used_one_is_refused_before_anything_is_opened(self, items: ItemCaller) -> None:
        first = await items.at("OPENING", idempotency_key="a key?&=ü")
        mine = {"buyer_user_id": first.body["buyer_user_id"], "type": "tip_grid_item", "idempotency_key": "a key?&=ü"}

        refused = await items.check_key(**mine)

        assert (refused.status_code, refused.json()["error_code"]) == (400, "DUPLICATE_REQUEST")
        assert refused.json()["details"]["purchased_item_id"] == first.key
        for other in ({"buyer_user_id": new_id()}, {"type": "subscription"}, {"idempotency_key": "l"}):
            assert (await items.check_key(**mine | other)).status_code == 200

    async def test_another_buyer_may_use_it(self, items: ItemCaller) -> None:
        await items.at("OPENING", idempotency_key="k")

        assert (await items.open(idempotency_key="k")).status_code == 200

    @pytest.mark.parametrize("status", [status for status in PATHS if status != "OPENING"])
    async def test_stays_used_whatever_became_of_the_first(self, items: ItemCaller, status: str) -> None:
        first = await items.at(status, idempotency_key="k")

        assert (await items.open(buyer_user_id=first.body["buyer_user_id"], idempotency_key="k")).status_code == 400

    @pytest.mark.parametrize(("first", "second"), [("menu_item", "subscription"), ("subscription", "tip_grid_item")])
    async def test_of_an_item_is_not_that_of_a_period(self, items: ItemCaller, first: str, second: str) -> None:
        taken = await items.at("PENDING", idempotency_key="k", type=first)
        buyer = {"buyer_user_id": taken.body["buyer_user_id"], "idempotency_key": "k"}

        opened = await items.open(**buyer, type=second)

        assert opened.status_code == 200
        for item_type, first_id in ((first, taken.key), (second, opened.json()["data"]["purchased_item_id"])):
            refused = await items.open(**buyer, type=item_type)
            assert (refused.status_code, refused.json()["details"]["purchased_item_id"]) == (400, first_id)

    async def test_is_free_again_when_the_first_is_discarded(self, items: ItemCaller) -> None:
        first = await items.at("OPENING", idempotency_key="k")
        refused = await items.open(buyer_user_id=first.body["buyer_user_id"], idempotency_key="k")
        await items.perform(first, "end")

        assert refused.status_code == 400
        assert (await items.open(buyer_user_id=first.body["buyer_user_id"], idempotency_key="k")).status_code == 200

    async def test_of_hundred_concurrent_openings_one_succeeds(self, items: ItemCaller) -> None:
        buyer = new_id()

        opened = await answers(*(items.open(buyer_user_id=buyer, idempotency_key="k") for _ in range(100)))

        assert opened == [200, *[400] * 99]


class TestDailyLimit:
    async def test_of_fifty_concurrent_buyers_ten_succeed(self, items: ItemCaller) -> None:
        offer = new_id()

        opened = await answers(*(items.open(offer_id=offer, daily_limit=10) for _ in range(50)))

        assert opened == [*[200] * 10, *[409] * 40]

    async def test_of_one_user_is_counted_for_each_user(self, items: ItemCaller) -> None:
        offer, buyer = new_id(), new_id()
        limited = {"offer_id": offer, "daily_limit": 100, "daily_limit_per_user": 2}

        opened = await answers(*(items.open(buyer_user_id=buyer, **limited) for _ in range(10)))

        assert opened == [200, 200, *[409] * 8]
        assert (await items.open(**limited)).status_code == 200

    @pytest.mark.parametrize(
        ("limits", "scope"), [({"daily_limit": 1}, "item"), ({"daily_limit_per_user": 1}, "user")], ids=str
    )
    async def test_refusal_tells_when_the_day_ends(self, items: ItemCaller, limits: dict[str, int], scope: str) -> None:
        first = await items.at("OPENING", **limits)
        again = {"offer_id": first.body["offer_id"], "buyer_user_id": first.body["buyer_user_id"], **limits}

        answer = await items.open(**again)

        assert answer.json()["error_code"] == "DAILY_LIMIT_REACHED"
        details = answer.json()["details"]
        assert details | {"resets_at": None} == {"limit": 1, "scope": scope, "resets_at": None}
        assert details["resets_at"].endswith("T16:00:00Z")  # midnight in Singapore

    @pytest.mark.parametrize(
        ("status", "counts"),
        [("PENDING", True), ("IN_PROGRESS", True), ("SUCCESS", True), ("FAILED", False)],
    )
    async def test_ended_items_do_not_count(self, items: ItemCaller, status: str, *, counts: bool) -> None:
        first = await items.at(status, daily_limit=1)

        answer = await items.open(offer_id=first.body["offer_id"], daily_limit=1)

        assert answer.status_code == (409 if counts else 200)

    async def test_discarded_item_does_not_count(self, items: ItemCaller) -> None:
        first = await items.at("OPENING", daily_limit=1)
        await items.perform(first, "end")

        assert (await items.open(offer_id=first.body["offer_id"], daily_limit=1)).status_code == 200

    async def test_day_is_the_performers(self, items: ItemCaller) -> None:
        """The two zones are 25 hours apart, so they never have the same day."""
        first = await items.at("OPENING", daily_limit=1, time_zone="Pacific/Kiritimati")
        limited = {"offer_id": first.body["offer_id"], "daily_limit": 1}

        there = await items.open(**limited, time_zone="Pacific/Pago_Pago")
        here = await items.open(**limited, time_zone="Pacific/Kiritimati")

        assert (there.status_code, here.status_code) == (200, 409)

    async def test_repeated_key_is_told_before_the_limit(self, items: ItemCaller) -> None:
        first = await items.at("OPENING", daily_limit=1, idempotency_key="k")

        answer = await items.open(**first.body | {"request_id": new_id(), "purchased_item_id": new_id()})

        assert answer.json()["error_code"] == "DUPLICATE_REQUEST"


class TestMoves:
    @pytest.mark.parametrize("move", MOVES, ids=str)
    async def test_repeated_has_the_same_answer_and_one_message(
        self, items: ItemCaller, database: Database, move: tuple[str, str, str]
    ) -> None:
        name, before, after = move
        item = await items.at(before)
        told_before = len(await told_of(database, item.key))

        first, again = await items.perform(item, name), await items.perform(item, name)

        assert first.json() == again.json()
        assert first.json()["data"]["status"] == after
        assert (await items.facts(item.key))["status"] == after
        assert len(await told_of(database, item.key)) == told_before + 1

    @pytest.mark.parametrize("move", MOVES, ids=str)
    async def test_twenty_copies_at_once_move_it_once(
        self, items: ItemCaller, database: Database, move: tuple[str, str, str]
    ) -> None:
        name, before, after = move
        item = await items.at(before)
        told_before = len(await told_of(database, item.key))

        moved = await asyncio.gather(*(items.perform(item, name) for _ in range(20)))

        assert {answer.json()["data"]["status"] for answer in moved} == {after}
        assert len(await told_of(database, item.key)) == told_before + 1

    @pytest.mark.parametrize(
        ("name", "status"),
        [
            *((name, status) for name in ("enqueue", "start") for status in ("SUCCESS", "FAILED", "IN_PROGRESS")),
            ("enqueue", "PENDING"),
            ("start", "OPENING"),
            ("complete", "FAILED"),
            ("complete", "SUCCESS"),
        ],
    )
    async def test_not_allowed_in_another_status(self, items: ItemCaller, name: str, status: str) -> None:
        item = await items.at(status)

        answers_ = [await items.perform(item, name, request_id=request_id) for request_id in [new_id()] * 2]

        for answer in answers_:
            assert (answer.status_code, answer.json()["error_code"]) == (409, "ITEM_INVALID_STATE")
            assert answer.json()["details"] == {"status": status}

    @pytest.mark.parametrize("name", ["enqueue", "start", "complete"])
    async def test_of_an_unknown_item(self, items: ItemCaller, name: str) -> None:
        answer = await items.perform(items.unopened(), name)

        assert (answer.status_code, answer.json()["error_code"]) == (404, "ITEM_NOT_FOUND")

    @pytest.mark.parametrize("status", ["OPENING", "PENDING", "IN_PROGRESS"])
    async def test_completes_from_every_unfinished_status(self, items: ItemCaller, status: str) -> None:
        item = await items.at(status)

        await items.perform(item, "complete")

        facts = await items.facts(item.key)
        assert (facts["status"], facts["note"], facts["file_url"], facts["settlement_status"]) == (
            "SUCCESS",
            "Done with love",
            "https://files.example.com/1",
            "settled",
        )


class TestMessages:
    async def test_of_an_item_that_is_queued_started_and_completed(self, items: ItemCaller, database: Database) -> None:
        item = await items.at("SUCCESS", queue_request_id=new_id())

        told = dict(await told_of(database, item.key))

        same = {
            "purchased_item_id": item.key,
            "buyer_user_id": item.body["buyer_user_id"],
            "seller_user_id": item.body["performer_id"],
            "performer_id": item.body["performer_id"],
            "offer_id": item.body["offer_id"],
            "queue_request_id": item.body["queue_request_id"],
            "type": "menu_item",
            "name": "Song dedication",
            "amount": "12.00",
            "execution_mode": "QUEUED",
            "message": "For Mia",
            "time_zone": "Asia/Singapore",
        }
        assert told["purchased_item.queued"] == same | {
            "status": "pending",
            "settlement_status": "held",
            "queue_position": 1,
            "estimated_wait_minutes": 0,
        }
        assert told["purchased_item.started"] == same | {"status": "in_progress", "settlement_status": "held"}
        assert told["purchased_item.success"] == same | {
            "status": "success",
            "settlement_status": "settled",
            "note": "Done with love",
            "file_url": "https://files.example.com/1",
        }

    async def test_of_an_item_at_once(self, items: ItemCaller, database: Database) -> None:
        item = await items.at("OPENING", type="tip_grid_item")
        await items.perform(item, "complete", note="", file_url="")

        [(kind, data)] = await told_of(database, item.key)

        assert kind == "purchased_item.success"
        assert "note" not in data


class TestSettle:
    async def test_batched_items_are_settled_by_their_payout(self, items: ItemCaller) -> None:
        sold = await items.several(3, "SUCCESS", is_batched=True)
        request_id, payout_id, keys = new_id(), new_id(), [item.key for item in sold]
        assert {(await items.facts(key))["settlement_status"] for key in keys} == {"pending"}

        first = await items.settle(*keys, request_id=request_id, payout_id=payout_id)
        again = await items.settle(*keys, request_id=request_id, payout_id=payout_id)

        assert first.json() == again.json()
        assert first.json()["data"] == {"settled": 3}
        assert {(await items.facts(key))["settlement_status"] for key in keys} == {"settled"}

    async def test_before_the_completion_arrives(self, items: ItemCaller) -> None:
        item = await items.at("IN_PROGRESS", is_batched=True)

        await items.settle(item.key)
        before = (await items.facts(item.key))["settlement_status"]
        await items.perform(item, "complete")

        assert before == "held"
        assert (await items.facts(item.key))["settlement_status"] == "settled"

    async def test_concurrent_copies(self, items: ItemCaller) -> None:
        keys = [item.key for item in await items.several(5, "SUCCESS", is_batched=True)]
        request_id, payout_id = new_id(), new_id()

        settled = await asyncio.gather(
            *(items.settle(*keys, request_id=request_id, payout_id=payout_id) for _ in range(10))
        )

        assert {answer.json()["data"]["settled"] for answer in settled} == {5}


class TestDevice:
    async def test_activation_is_final(self, items: ItemCaller) -> None:
        item = await items.at("IN_PROGRESS")

        await items.note_device(item.key, status="failed", error="timeout")
        failed = (await items.facts(item.key))["device"]
        await items.note_device(item.key, status="activated")
        activated = (await items.facts(item.key))["device"]
        await items.note_device(item.key, status="failed", error="late")

        assert (failed["status"], failed["error"]) == ("failed", "timeout")
        assert activated["status"] == "activated"
        assert (await items.facts(item.key))["device"] == activated

    async def test_of_an_unknown_item(self, items: ItemCaller) -> None:
        assert (await items.note_device(new_id(), status="activated")).status_code == 404


async def test_item_is_found_by_its_queue_request(items: ItemCaller) -> None:
    item = await items.at("PENDING", queue_request_id=new_id())

    found = await items.orchestrator.get(f"{items.path}/by-queue-request/{item.body['queue_request_id']}")

    assert found.json()["data"]["purchased_item_id"] == item.key


async def test_buyers_items_of_one_type(items: ItemCaller) -> None:
    buyer = new_id()
    await items.at("OPENING", buyer_user_id=buyer)
    await items.at("PENDING", buyer_user_id=buyer, type="tip_grid_item")
    sold = await items.several(3, "PENDING", buyer_user_id=buyer)

    page = await items.orchestrator.get(items.path, buyer_user_id=buyer, type="menu_item", limit=2, offset=1)

    assert [row["purchased_item_id"] for row in page.json()["data"]["items"]] == [sold[1].key, sold[0].key]
    assert page.json()["data"]["total"] == 3
