"""A ticket changes owner, or a transfer of it is disputed: never both."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.integration.orders.deal_caller import Deal, DealCaller, ListingCaller, TransferCaller
from tests.integration.orders.test_refunds import code_of, dispute
from tests.support.callers import new_id

PENDING = {"transfer_id": "PENDING_OTP", "listing_id": "PENDING_TRANSFER"}


def ticket() -> dict[str, Any]:
    return {"seat_id": new_id(), "order_id": new_id()}


async def begin(kind: DealCaller, deal: Deal, *, request_id: str | None = None) -> httpx.Response:
    return await kind.perform(deal.key, "begin-owner-change", request_id=request_id)


async def abandon(kind: DealCaller, deal: Deal, *, undoes: str, request_id: str | None = None) -> httpx.Response:
    body = {"request_id": request_id or new_id(), "undoes_request_id": undoes}
    return await kind.orchestrator.post(f"{kind.path}/{deal.key}/abandon-owner-change", body)


@pytest.fixture(params=["transfers", "listings"])
def kind(request: pytest.FixtureRequest, transfers: TransferCaller, listings: ListingCaller) -> DealCaller:
    return {"transfers": transfers, "listings": listings}[request.param]


@pytest.fixture
async def first(transfers: TransferCaller) -> Deal:
    """A completed transfer."""
    return await transfers.at("COMPLETED", **ticket())


async def next_deal(kind: DealCaller, first: Deal) -> Deal:
    """The buyer of a completed transfer sells the ticket: it waits for the confirmation."""
    same = {name: first.body[name] for name in ("seat_id", "order_id")}
    return await kind.at(PENDING[kind.key], **same, seller_user_id=first.body["buyer_user_id"])


class TestExclusion:
    async def test_disputed_ticket_does_not_change_owner(
        self, transfers: TransferCaller, kind: DealCaller, first: Deal
    ) -> None:
        deal = await next_deal(kind, first)
        assert (await dispute(transfers, first.key)).status_code == 200
        request_id = new_id()
        for _ in range(2):
            assert code_of(await begin(kind, deal, request_id=request_id)) == (409, kind.invalid_state)
        await transfers.perform(first.key, "dismiss")
        assert code_of(await begin(kind, deal, request_id=request_id)) == (409, kind.invalid_state)
        assert (await begin(kind, deal)).status_code == 200

    async def test_ticket_that_changes_owner_is_not_disputed(
        self, transfers: TransferCaller, kind: DealCaller, first: Deal
    ) -> None:
        deal, begun = await next_deal(kind, first), new_id()
        answers = [await begin(kind, deal, request_id=begun) for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert code_of(await dispute(transfers, first.key)) == (409, "TRANSFER_INVALID_STATE")
        assert (await abandon(kind, deal, undoes=begun)).status_code == 200
        assert (await dispute(transfers, first.key)).status_code == 200

    async def test_ticket_that_was_passed_on_is_not_disputed(
        self, transfers: TransferCaller, kind: DealCaller, first: Deal
    ) -> None:
        deal = await next_deal(kind, first)
        await begin(kind, deal)
        assert (await kind.perform(deal.key, "complete")).status_code == 200
        assert code_of(await dispute(transfers, first.key)) == (409, "TRANSFER_INVALID_STATE")

    async def test_transfer_can_be_disputed_after_the_reversal_of_a_later_one(
        self, transfers: TransferCaller, first: Deal
    ) -> None:
        later = await next_deal(transfers, first)
        for name in ("begin-owner-change", "complete", "dispute"):
            await transfers.perform(later.key, name)
            assert code_of(await dispute(transfers, first.key)) == (409, "TRANSFER_INVALID_STATE")
        for name in ("begin-reversal", "reverse"):
            await transfers.perform(later.key, name)
        assert (await dispute(transfers, first.key)).status_code == 200

    async def test_deal_about_a_former_order_does_not_matter(
        self, transfers: TransferCaller, kind: DealCaller, first: Deal
    ) -> None:
        deal = await kind.at(PENDING[kind.key], seat_id=first.body["seat_id"], order_id=new_id())
        assert (await begin(kind, deal)).status_code == 200
        assert (await dispute(transfers, first.key)).status_code == 200

    async def test_concurrent_dispute_and_owner_change_have_exactly_one_winner(
        self, transfers: TransferCaller, kind: DealCaller
    ) -> None:
        for _ in range(20):
            first = await transfers.at("COMPLETED", **ticket())
            deal = await next_deal(kind, first)
            answers = await asyncio.gather(begin(kind, deal), dispute(transfers, first.key))
            assert sorted(answer.status_code for answer in answers) == [200, 409]


class TestUndo:
    async def test_beginning_after_its_undo_is_refused(self, kind: DealCaller) -> None:
        deal, late, undo = await kind.at(PENDING[kind.key]), new_id(), new_id()
        for _ in range(2):
            undone = await abandon(kind, deal, undoes=late, request_id=undo)
            assert undone.json()["data"]["status"] == PENDING[kind.key]
        assert code_of(await begin(kind, deal, request_id=late)) == (409, "REQUEST_UNDONE")
        assert (await begin(kind, deal)).status_code == 200

    async def test_undo_keeps_what_another_request_began(
        self, transfers: TransferCaller, kind: DealCaller, first: Deal
    ) -> None:
        deal = await next_deal(kind, first)
        await begin(kind, deal)
        assert (await abandon(kind, deal, undoes=new_id())).status_code == 200
        assert code_of(await dispute(transfers, first.key)) == (409, "TRANSFER_INVALID_STATE")

    async def test_completed_change_cannot_be_abandoned(self, kind: DealCaller) -> None:
        deal, begun = await kind.at(PENDING[kind.key]), new_id()
        await begin(kind, deal, request_id=begun)
        await kind.perform(deal.key, "complete")
        assert code_of(await abandon(kind, deal, undoes=begun)) == (409, kind.invalid_state)

    async def test_undo_of_an_unknown_deal_is_answered(self, kind: DealCaller) -> None:
        unknown = Deal(new_id(), {})
        assert (await abandon(kind, unknown, undoes=new_id())).json()["data"] == {kind.key: unknown.key, "status": None}
        assert code_of(await begin(kind, unknown)) == (404, kind.not_found)


async def test_owner_change_begins_at_its_status_only(kind: DealCaller) -> None:
    for status in sorted(kind.paths.keys() - {PENDING[kind.key]}):
        deal = await kind.at(status)
        assert code_of(await begin(kind, deal)) == (409, kind.invalid_state)
