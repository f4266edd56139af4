"""Undos of transfers and listings: even if the action never arrived, arrives later, was refused, or is in progress."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.orders.deal_caller import Deal, DealCaller, ListingCaller, TransferCaller, UndoAction
from tests.support.callers import new_id

KINDS: tuple[type[DealCaller], ...] = (TransferCaller, ListingCaller)
EACH_UNDO = [(kind, undo) for kind in KINDS for undo in kind.undos]
OF_MOVES = [(kind, undo) for kind, undo in EACH_UNDO if undo.undone != "open"]


@dataclass(frozen=True)
class Case:
    """An undo and the action it undoes, of a transfer or a listing."""

    kind: DealCaller
    undo: UndoAction

    @property
    def is_of_opening(self) -> bool:
        return self.undo.undone == "open"

    @property
    def before(self) -> str | None:
        """The status before the action; None for an opening."""
        return next((action.from_status for action in self.kind.actions if action.name == self.undo.undone), None)

    @property
    def after(self) -> str:
        """The status after the action."""
        leads_to = {action.name: action.to_status for action in self.kind.actions}
        return leads_to.get(self.undo.undone, self.kind.first_status)

    async def ready(self) -> Deal:
        """Return a deal ready for the action; for an opening, one that is not opened yet."""
        if self.before is None:
            body = self.kind.opening()
            return Deal(body[self.kind.key], body, {"open": body["request_id"]})
        deal = await self.kind.at(self.before)
        deal.request_ids[self.undo.undone] = new_id()
        return deal

    async def perform(self, deal: Deal) -> Any:
        """Perform the action."""
        if self.is_of_opening:
            return await self.kind.open(deal.body)
        return await self.kind.perform(deal.key, self.undo.undone, request_id=deal.request_ids[self.undo.undone])

    async def take_back(self, deal: Deal, *, request_id: str | None = None) -> Any:
        undoes = deal.request_ids[self.undo.undone]
        return await self.kind.undo(deal.key, self.undo.name, undoes=undoes, request_id=request_id)


@pytest.fixture(params=EACH_UNDO, ids=[f"{kind.__name__}-{undo.name}" for kind, undo in EACH_UNDO])
def case(request: pytest.FixtureRequest, transfers: TransferCaller, listings: ListingCaller) -> Case:
    kind, undo = request.param
    return Case(transfers if kind is TransferCaller else listings, undo)


class TestAfterTheAction:
    async def test_undoes_the_action(self, case: Case) -> None:
        deal = await case.kind.at(case.after)

        answer = await case.take_back(deal)

        assert answer.status_code == 200
        assert answer.json()["data"] == {case.kind.key: deal.key, "status": case.undo.to_status}
        assert await case.kind.status_of(deal.key) == case.undo.to_status

    @pytest.mark.parametrize("case", OF_MOVES, indirect=True, ids=str)
    async def test_restores_the_row_as_it_was(self, case: Case) -> None:
        deal = await case.ready()
        before = await case.kind.find(deal.key)
        await case.perform(deal)

        await case.take_back(deal)

        assert (await case.kind.find(deal.key)).json() == before.json()

    async def test_repetition_under_another_id_gets_the_same_response(self, case: Case) -> None:
        deal = await case.kind.at(case.after)

        answers = [await case.take_back(deal) for _ in range(2)]

        assert answers[0].status_code == 200
        assert answers[0].json() == answers[1].json()

    async def test_repeated_action_still_gets_its_first_response(self, case: Case) -> None:
        deal = await case.ready()
        done = await case.perform(deal)
        await case.take_back(deal)

        repeated = await case.perform(deal)

        assert repeated.json() == done.json()
        assert await case.kind.status_of(deal.key) == case.undo.to_status

    @pytest.mark.parametrize("same_id", [True, False])
    async def test_twenty_concurrent_undos_take_effect_once(self, case: Case, *, same_id: bool) -> None:
        deal, request_id = await case.kind.at(case.after), new_id()

        answers = await asyncio.gather(
            *(case.take_back(deal, request_id=request_id if same_id else None) for _ in range(20))
        )

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["data"]["status"] for answer in answers} == {case.undo.to_status}

    async def test_request_id_with_other_arguments_is_refused(self, case: Case) -> None:
        deal, request_id = await case.kind.at(case.after), new_id()
        await case.take_back(deal, request_id=request_id)

        answer = await case.kind.undo(deal.key, case.undo.name, undoes=new_id(), request_id=request_id)

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"

    async def test_another_requests_action_is_not_undone(self, case: Case) -> None:
        """A refused action has nothing to undo, even if the status matches its result."""
        deal = await case.kind.at(case.after)
        late = Deal(deal.key, {**deal.body, "request_id": new_id()}, {case.undo.undone: new_id()})
        late.request_ids["open"] = late.body["request_id"]
        refused = await case.perform(late)

        answer = await case.take_back(late)

        assert refused.status_code == 409
        assert answer.status_code == 200
        assert await case.kind.status_of(deal.key) == case.after

    async def test_action_followed_by_another_is_not_undone(self, case: Case) -> None:
        onward = next(action for action in case.kind.actions if action.from_status == case.after)
        deal, request_id = await case.kind.at(case.after), new_id()
        await case.kind.apply(deal, onward.name)

        answers = [await case.take_back(deal, request_id=request_id) for _ in range(2)]

        assert {answer.status_code for answer in answers} == {409}
        assert answers[0].json()["error_code"] == case.kind.invalid_state
        assert answers[0].json()["details"] == answers[1].json()["details"] == {"status": onward.to_status}
        assert await case.kind.status_of(deal.key) == onward.to_status


class TestBeforeTheAction:
    async def test_undo_before_the_action_succeeds_and_the_late_action_is_refused(self, case: Case) -> None:
        deal = await case.ready()

        answer = await case.take_back(deal)
        late, repeated = await case.perform(deal), await case.perform(deal)

        assert answer.status_code == 200
        assert answer.json()["data"] == {case.kind.key: deal.key, "status": case.before}
        assert late.status_code == repeated.status_code == 409
        assert late.json()["error_code"] == repeated.json()["error_code"] == "REQUEST_UNDONE"
        assert await case.kind.status_of(deal.key) == case.before

    async def test_undo_of_an_unknown_deal_succeeds(self, case: Case) -> None:
        key = new_id()

        answer = await case.kind.undo(key, case.undo.name, undoes=new_id())

        assert answer.status_code == 200
        assert answer.json()["data"] == {case.kind.key: key, "status": None}

    async def test_response_is_stored(self, case: Case) -> None:
        deal, request_id = await case.ready(), new_id()
        first = await case.take_back(deal, request_id=request_id)
        another = Deal(deal.key, {**deal.body, "request_id": new_id()}, {case.undo.undone: new_id()})
        assert (await case.perform(another)).status_code == 200

        repeated = await case.take_back(deal, request_id=request_id)

        assert repeated.json() == first.json()
        assert await case.kind.status_of(deal.key) == case.after


class TestWithTheAction:
    async def test_concurrent_action_and_undo_leave_nothing(self, case: Case) -> None:
        for _ in range(30):
            deal = await case.ready()

            done, undone = await asyncio.gather(case.perform(deal), case.take_back(deal))

            assert undone.status_code == 200
            if done.status_code == 200:
                assert await case.kind.status_of(deal.key) == case.undo.to_status
            else:
                assert done.json()["error_code"] == "REQUEST_UNDONE"
                assert await case.kind.status_of(deal.key) == case.before

    async def test_next_action_and_undo_have_exactly_one_winner(self, case: Case) -> None:
        onward = next(action for action in case.kind.actions if action.from_status == case.after)
        for _ in range(20):
            deal = await case.kind.at(case.after)

            moved, undone = await asyncio.gather(case.kind.perform(deal.key, onward.name), case.take_back(deal))

            assert (moved.status_code == 200) != (undone.status_code == 200)
            expected = onward.to_status if moved.status_code == 200 else case.undo.to_status
            assert await case.kind.status_of(deal.key) == expected


@pytest.mark.parametrize("missing", ["request_id", "undoes_request_id"])
async def test_both_ids_are_mandatory(case: Case, missing: str) -> None:
    deal = await case.kind.at(case.after)
    body = {"request_id": new_id(), "undoes_request_id": new_id(), **case.kind.arguments(deal.key, case.undo.name)}
    del body[missing]

    answer = await case.kind.orchestrator.post(f"{case.kind.path}/{deal.key}/{case.undo.name}", body)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "VALIDATION_ERROR"
    assert await case.kind.status_of(deal.key) == case.after
