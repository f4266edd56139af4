"""The status machines of transfers and listings over the API: every action from every status, repeated, concurrent."""

import asyncio

import pytest

from tests.integration.orders.deal_caller import Action, DealCaller, ListingCaller, TransferCaller
from tests.support.callers import new_id

KINDS: tuple[type[DealCaller], ...] = (TransferCaller, ListingCaller)
EACH_ACTION = [(kind, action) for kind in KINDS for action in kind.actions]
ACTIONS_IN_OTHER_STATUSES = [
    (kind, action, status) for kind, action in EACH_ACTION for status in kind.paths if status != action.from_status
]

each_action = pytest.mark.parametrize(("kind", "action"), EACH_ACTION, indirect=["kind"], ids=str)


@each_action
class TestAct:
    async def test_changes_the_status(self, kind: DealCaller, action: Action) -> None:
        deal = await kind.at(action.from_status)
        before = (await kind.find(deal.key)).json()["data"]

        answer = await kind.perform(deal.key, action.name)

        assert answer.status_code == 200
        moved = answer.json()["data"]
        assert moved["status"] == action.to_status
        assert {field: moved[field] for field in deal.body if field in moved} == {
            field: before[field] for field in deal.body if field in before
        }
        assert (await kind.find(deal.key)).json()["data"] == moved

    async def test_unknown_deal_is_refused_permanently(self, kind: DealCaller, action: Action) -> None:
        body, request_id = kind.opening(), new_id()
        key = body[kind.key]
        early = await kind.perform(key, action.name, request_id=request_id)
        await kind.at(action.from_status, **body)

        late = await kind.perform(key, action.name, request_id=request_id)

        assert early.status_code == late.status_code == 404
        assert early.json()["error_code"] == late.json()["error_code"] == kind.not_found
        assert await kind.status_of(key) == action.from_status

    async def test_twenty_concurrent_repetitions_get_one_response(self, kind: DealCaller, action: Action) -> None:
        deal, request_id = await kind.at(action.from_status), new_id()

        answers = await asyncio.gather(*(kind.perform(deal.key, action.name, request_id=request_id) for _ in range(20)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1

    async def test_exactly_one_of_twenty_requests_changes_the_status(self, kind: DealCaller, action: Action) -> None:
        deal = await kind.at(action.from_status)

        answers = await asyncio.gather(*(kind.perform(deal.key, action.name) for _ in range(20)))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
        assert await kind.status_of(deal.key) == action.to_status

    async def test_request_id_used_for_another_deal_is_refused(self, kind: DealCaller, action: Action) -> None:
        first, second = await kind.at(action.from_status), await kind.at(action.from_status)
        request_id = new_id()
        await kind.perform(first.key, action.name, request_id=request_id)

        answer = await kind.perform(second.key, action.name, request_id=request_id)

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"
        assert await kind.status_of(second.key) == action.from_status

    async def test_request_id_of_the_opening_is_refused(self, kind: DealCaller, action: Action) -> None:
        deal = await kind.at(action.from_status)

        answer = await kind.perform(deal.key, action.name, request_id=deal.request_ids["open"])

        assert answer.status_code == 422
        assert await kind.status_of(deal.key) == action.from_status

    @pytest.mark.parametrize("wrong", [{"request_id": "12"}, {"request_id": None}], ids=str)
    async def test_needs_a_request_id(self, kind: DealCaller, action: Action, wrong: dict[str, str]) -> None:
        deal = await kind.at(action.from_status)
        body = {**kind.arguments(deal.key, action.name), **wrong}

        answer = await kind.orchestrator.post(f"{kind.path}/{deal.key}/{action.name}", body)

        assert answer.status_code == 400
        assert await kind.status_of(deal.key) == action.from_status


@pytest.mark.parametrize(("kind", "action", "status"), ACTIONS_IN_OTHER_STATUSES, indirect=["kind"], ids=str)
async def test_forbidden_action_is_refused_permanently(kind: DealCaller, action: Action, status: str) -> None:
    deal, request_id = await kind.at(status), new_id()
    before = await kind.find(deal.key)

    answers = [await kind.perform(deal.key, action.name, request_id=request_id) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json()["error_code"] for answer in answers} == {kind.invalid_state}
    assert answers[0].json()["details"] == answers[1].json()["details"] == {"status": status}
    assert (await kind.find(deal.key)).json() == before.json()


@pytest.mark.parametrize("kind", KINDS, indirect=True, ids=str)
class TestFind:
    async def test_unknown_id_is_404(self, kind: DealCaller) -> None:
        answer = await kind.find(new_id())

        assert answer.status_code == 404
        assert answer.json()["error_code"] == kind.not_found

    async def test_a_malformed_id(self, kind: DealCaller) -> None:
        answer = await kind.find("42")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_UUID"
