"""The status machines of transfers and listings over the API: every act from every status, repeated, raced."""

import asyncio

import pytest

from tests.integration.orders.dealings import Act, Dealings, Listings, Transfers
from tests.support.callers import new_id

KINDS: tuple[type[Dealings], ...] = (Transfers, Listings)
EACH_ACT = [(kind, act) for kind in KINDS for act in kind.acts]
EACH_ACT_ELSEWHERE = [
    (kind, act, status) for kind, act in EACH_ACT for status in kind.ways if status != act.from_status
]

each_act = pytest.mark.parametrize(("kind", "act"), EACH_ACT, indirect=["kind"], ids=str)


@each_act
class TestAct:
    async def test_moves_on(self, kind: Dealings, act: Act) -> None:
        made = await kind.at(act.from_status)
        before = (await kind.find(made.key)).json()["data"]

        answer = await kind.act(made.key, act.name)

        assert answer.status_code == 200
        moved = answer.json()["data"]
        assert moved["status"] == act.to_status
        assert {field: moved[field] for field in made.body if field in moved} == {
            field: before[field] for field in made.body if field in before
        }
        assert (await kind.find(made.key)).json()["data"] == moved

    async def test_of_an_unknown_one_is_refused_and_stays_so(self, kind: Dealings, act: Act) -> None:
        body, request_id = kind.opening(), new_id()
        key = body[kind.key]
        early = await kind.act(key, act.name, request_id=request_id)
        await kind.at(act.from_status, **body)

        late = await kind.act(key, act.name, request_id=request_id)

        assert early.status_code == late.status_code == 404
        assert early.json()["error_code"] == late.json()["error_code"] == kind.not_found
        assert await kind.status_of(key) == act.from_status

    async def test_twenty_repetitions_at_once_get_one_answer(self, kind: Dealings, act: Act) -> None:
        made, request_id = await kind.at(act.from_status), new_id()

        answers = await asyncio.gather(*(kind.act(made.key, act.name, request_id=request_id) for _ in range(20)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1

    async def test_of_twenty_requests_exactly_one_moves(self, kind: Dealings, act: Act) -> None:
        made = await kind.at(act.from_status)

        answers = await asyncio.gather(*(kind.act(made.key, act.name) for _ in range(20)))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
        assert await kind.status_of(made.key) == act.to_status

    async def test_the_same_id_for_another_one_is_refused(self, kind: Dealings, act: Act) -> None:
        first, second = await kind.at(act.from_status), await kind.at(act.from_status)
        request_id = new_id()
        await kind.act(first.key, act.name, request_id=request_id)

        answer = await kind.act(second.key, act.name, request_id=request_id)

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"
        assert await kind.status_of(second.key) == act.from_status

    async def test_the_opening_s_id_is_taken(self, kind: Dealings, act: Act) -> None:
        made = await kind.at(act.from_status)

        answer = await kind.act(made.key, act.name, request_id=made.request_ids["open"])

        assert answer.status_code == 422
        assert await kind.status_of(made.key) == act.from_status

    @pytest.mark.parametrize("wrong", [{"request_id": "12"}, {"request_id": None}], ids=str)
    async def test_needs_a_request_id(self, kind: Dealings, act: Act, wrong: dict[str, str]) -> None:
        made = await kind.at(act.from_status)
        body = {**kind.arguments(made.key, act.name), **wrong}

        answer = await kind.orchestrator.post(f"{kind.path}/{made.key}/{act.name}", body)

        assert answer.status_code == 400
        assert await kind.status_of(made.key) == act.from_status


@pytest.mark.parametrize(("kind", "act", "status"), EACH_ACT_ELSEWHERE, indirect=["kind"], ids=str)
async def test_an_illegal_move_is_refused_and_stays_so(kind: Dealings, act: Act, status: str) -> None:
    made, request_id = await kind.at(status), new_id()
    before = await kind.find(made.key)

    answers = [await kind.act(made.key, act.name, request_id=request_id) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json()["error_code"] for answer in answers} == {kind.invalid_state}
    assert answers[0].json()["details"] == answers[1].json()["details"] == {"status": status}
    assert (await kind.find(made.key)).json() == before.json()


@pytest.mark.parametrize("kind", KINDS, indirect=True, ids=str)
class TestFind:
    async def test_an_unknown_one(self, kind: Dealings) -> None:
        answer = await kind.find(new_id())

        assert answer.status_code == 404
        assert answer.json()["error_code"] == kind.not_found

    async def test_a_malformed_id(self, kind: Dealings) -> None:
        answer = await kind.find("42")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_UUID"
