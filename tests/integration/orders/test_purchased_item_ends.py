"""The undo of opening a purchased item: discarded before it was visible, or ended for a reason."""

import asyncio

import pytest

from common.db.engine import Database
from tests.integration.orders.item_caller import ItemCaller, told_of
from tests.support.callers import new_id

REASONS = [
    ("ITEM_CANCELLED", "CANCELLED"),
    ("ITEM_DECLINED", "DECLINED"),
    ("ITEM_EXPIRED", "EXPIRED"),
    ("INSUFFICIENT_CREDITS", "FAILED"),
]


class TestEnd:
    @pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS"])
    @pytest.mark.parametrize("by", REASONS, ids=str)
    async def test_ends_by_its_reason(
        self, items: ItemCaller, database: Database, status: str, by: tuple[str, str]
    ) -> None:
        reason, ended = by
        item = await items.at(status)

        first = await items.perform(item, "end", reason=reason, explanation="")
        again = await items.perform(item, "end", reason=reason, explanation="")

        assert first.json() == again.json()
        facts = await items.facts(item.key)
        assert (facts["status"], facts["settlement_status"]) == (ended, "refunded")
        assert facts["explanation"] == ("INSUFFICIENT_CREDITS" if ended == "FAILED" else "")
        assert [kind for kind, _ in await told_of(database, item.key)][-1] == f"purchased_item.{ended.lower()}"

    async def test_explanation_is_kept_and_told(self, items: ItemCaller, database: Database) -> None:
        item = await items.at("PENDING")
        await items.perform(item, "end", reason="ITEM_DECLINED", explanation="I lost my voice")

        assert (await items.facts(item.key))["explanation"] == "I lost my voice"
        assert (await told_of(database, item.key))[-1][1]["explanation"] == "I lost my voice"

    async def test_item_without_held_credits_is_not_refunded(self, items: ItemCaller) -> None:
        item = await items.at("OPENING")
        await items.perform(item, "enqueue", is_funded=False)
        await items.perform(item, "end")

        assert (await items.facts(item.key))["settlement_status"] == "pending"

    async def test_opening_item_is_discarded(self, items: ItemCaller, database: Database) -> None:
        item = await items.at("OPENING")

        first, again = await items.perform(item, "end"), await items.perform(item, "end")

        assert first.json() == again.json()
        assert first.json()["data"]["status"] is None
        assert await told_of(database, item.key) == []

    async def test_before_the_opening_refuses_it(self, items: ItemCaller) -> None:
        item = items.unopened()

        ended, opened = await items.perform(item, "end"), await items.open(**item.body)

        assert ended.json()["data"]["status"] is None
        assert (opened.status_code, opened.json()["error_code"]) == (409, "REQUEST_UNDONE")

    async def test_while_the_opening_is_in_progress(self, items: ItemCaller) -> None:
        for _ in range(20):
            item = items.unopened()

            opened, ended = await asyncio.gather(items.open(**item.body), items.perform(item, "end"))

            assert ended.status_code == 200
            assert (await items.perform(item, "enqueue")).status_code == 404
            assert opened.status_code in {200, 409}

    @pytest.mark.parametrize("name", ["enqueue", "start"])
    async def test_late_action_is_refused(self, items: ItemCaller, name: str) -> None:
        item = await items.at("OPENING" if name == "enqueue" else "PENDING")
        await items.perform(item, "end")

        assert (await items.perform(item, name)).status_code in {404, 409}

    async def test_of_a_completed_item_is_refused(self, items: ItemCaller) -> None:
        item = await items.at("SUCCESS")

        answer = await items.perform(item, "end")

        assert (answer.status_code, answer.json()["error_code"]) == (409, "ITEM_INVALID_STATE")
        assert (await items.facts(item.key))["settlement_status"] == "settled"

    async def test_of_an_opening_that_was_refused_leaves_the_first_alone(self, items: ItemCaller) -> None:
        item = await items.at("PENDING")
        refused = items.unopened(**item.body | {"request_id": new_id()})
        await items.open(**refused.body)

        ended = await items.perform(refused, "end")

        assert ended.status_code == 200
        assert (await items.facts(item.key))["status"] == "PENDING"

    async def test_twice_under_other_ids(self, items: ItemCaller) -> None:
        item = await items.at("PENDING")

        ended = await asyncio.gather(*(items.perform(item, "end", request_id=new_id()) for _ in range(10)))

        assert {answer.json()["data"]["status"] for answer in ended} == {"FAILED"}

    @pytest.mark.parametrize("name", ["start", "complete"])
    async def test_against_a_move_has_one_outcome(self, items: ItemCaller, database: Database, name: str) -> None:
        """A started item can still be ended; a completed one cannot."""
        for _ in range(20):
            item = await items.at("PENDING")

            moved, ended = await asyncio.gather(items.perform(item, name), items.perform(item, "end"))

            final = (await items.facts(item.key))["status"]
            kinds = [kind for kind, _ in await told_of(database, item.key)]
            if name == "complete":
                assert sorted([moved.status_code, ended.status_code]) == [200, 409]
                assert final == ("SUCCESS" if moved.status_code == 200 else "FAILED")
                assert len(kinds) == 2
            else:
                assert (ended.status_code, final) == (200, "FAILED")
                assert ("purchased_item.started" in kinds) == (moved.status_code == 200)
