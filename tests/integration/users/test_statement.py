"""Statements of credits and of loyalty points (W7)."""

import uuid

import httpx
import pytest

from tests.integration.users.statement_pages import read_page, read_pages
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of


@pytest.fixture(scope="module")
async def fan(user_client: UserClient, ledger: LedgerCaller) -> LoggedInUser:
    """A user with a few movements."""
    fan = await user_client.join()
    friend = await ledger.open_wallet("10.00")
    charge_id, escrow = uuid.uuid4(), uuid.uuid4()
    for done in (
        await ledger.top_up(fan.user_id, "100.00"),
        await ledger.charge(fan.user_id, "30.00", request_id=charge_id, reference="order 1"),
        await ledger.transfer(friend, fan.user_id, "5.00"),
        await ledger.hold(fan.user_id, "20.00", request_id=escrow),
        await ledger.void(undoes_request_id=escrow),
        await ledger.refund(charge_id),
        await ledger.transfer(fan.user_id, friend, "0.00"),
        await award(ledger, fan.user_id, 30),
        await award(ledger, fan.user_id, 12),
    ):
        assert done.status_code == 200, done.text
    return fan


async def award(ledger: LedgerCaller, user_id: uuid.UUID, points: object, **more: object) -> httpx.Response:
    body = {"user_id": user_id, "points": points, "reference": "a tip", **more}
    return await ledger.post("/internal/ledger/points", **body)


EXPECTED = [
    ("transfer", "0.00", "105.00"),
    ("refund", "30.00", "105.00"),
    ("escrow_void", "20.00", "75.00"),
    ("escrow_hold", "-20.00", "55.00"),
    ("transfer", "5.00", "75.00"),
    ("deduct", "-30.00", "70.00"),
    ("top_up", "100.00", "100.00"),
]


class TestStatement:
    async def test_it_is_newest_first_with_the_balance_after_each(
        self, user_client: UserClient, fan: LoggedInUser
    ) -> None:
        statement = await read_page(user_client, fan)
        lines = [(entry["kind"], entry["amount"], entry["balance_after"]) for entry in statement["entries"]]
        assert lines == EXPECTED
        assert (statement["currency"], statement["next_cursor"]) == ("SGD", None)
        assert statement["entries"][5]["reference"] == "order 1"
        times = [entry["at"] for entry in statement["entries"]]
        assert times == sorted(times, reverse=True)

    async def test_the_newest_balance_is_the_balance(self, user_client: UserClient, fan: LoggedInUser) -> None:
        balance = (await user_client.http.get("/api/credits/balance", headers=fan.headers)).json()["data"]
        assert (await read_page(user_client, fan, limit="1"))["entries"][0]["balance_after"] == balance[
            "credit_balance"
        ]

    @pytest.mark.parametrize("limit", range(1, 8))
    async def test_pages_together_are_the_whole_statement(
        self, user_client: UserClient, fan: LoggedInUser, limit: int
    ) -> None:
        pages = [page async for page in read_pages(user_client, fan, limit=str(limit))]
        assert [entry for page in pages for entry in page] == (await read_page(user_client, fan))["entries"]
        assert {len(page) for page in pages[:-1]} <= {limit}
        assert pages[-1], "the last page is empty"

    async def test_new_entries_do_not_shift_later_pages(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        fan = await user_client.join()
        for _ in range(4):
            await ledger.top_up(fan.user_id, "1.00")
        first = await read_page(user_client, fan, limit="2")
        await ledger.top_up(fan.user_id, "50.00")
        second = await read_page(user_client, fan, limit="2", cursor=first["next_cursor"])
        assert [entry["balance_after"] for entry in first["entries"] + second["entries"]] == [
            "4.00", "3.00", "2.00", "1.00",
        ]  # fmt: skip

    async def test_new_user_has_no_entries(self, user_client: UserClient) -> None:
        statement = await read_page(user_client, await user_client.join())
        assert (statement["entries"], statement["next_cursor"]) == ([], None)

    async def test_points_have_their_own_statement(self, user_client: UserClient, fan: LoggedInUser) -> None:
        statement = await read_page(user_client, fan, currency="POINTS")
        lines = [(entry["kind"], entry["amount"], entry["balance_after"]) for entry in statement["entries"]]
        assert lines == [("points", "12.00", "42.00"), ("points", "30.00", "30.00")]

    @pytest.mark.parametrize("limit", ["0", "101", "x"])
    async def test_a_page_has_a_hundred_entries_at_most(
        self, user_client: UserClient, fan: LoggedInUser, limit: str
    ) -> None:
        await self.assert_bad_input(user_client, fan, limit=limit)

    async def test_there_are_two_currencies(self, user_client: UserClient, fan: LoggedInUser) -> None:
        await self.assert_bad_input(user_client, fan, currency="USD")

    async def test_cursor_is_bound_to_its_statement(self, user_client: UserClient, fan: LoggedInUser) -> None:
        cursor = (await read_page(user_client, fan, limit="1"))["next_cursor"]
        await self.assert_bad_input(user_client, fan, cursor=cursor, currency="POINTS")
        await self.assert_bad_input(user_client, await user_client.join(), cursor=cursor)
        await self.assert_bad_input(user_client, fan, cursor=f"{uuid.uuid4().hex}-1.00")
        await self.assert_bad_input(user_client, fan, cursor="x\x00")

    async def test_statement_shows_only_the_callers_entries(self, user_client: UserClient) -> None:
        answer = await user_client.http.get("/api/credits/statement")
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")

    @staticmethod
    async def assert_bad_input(user_client: UserClient, fan: LoggedInUser, **query: str) -> None:
        answer = await user_client.http.get("/api/credits/statement", params=query, headers=fan.headers)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


class TestPoints:
    async def test_points_are_on_the_profile_separate_from_credits(
        self, user_client: UserClient, fan: LoggedInUser
    ) -> None:
        profile = (await user_client.http.get(f"/api/users/{fan.user_id}", headers=fan.headers)).json()["data"]
        assert (profile["loyalty_points"], profile["credit_balance"]) == (42, "105.00")

    async def test_award_is_idempotent(self, ledger: LedgerCaller) -> None:
        user_id, request_id = await ledger.open_wallet(), uuid.uuid4()
        answers = [await award(ledger, user_id, 10, request_id=request_id) for _ in range(3)]
        assert {answer.text for answer in answers} == {answers[0].text}
        assert answers[0].json()["data"]["points_balance"] == 10
        assert (await award(ledger, user_id, 5)).json()["data"]["points_balance"] == 15
        assert await ledger.invariant_violations() == []

    async def test_request_id_with_another_amount_of_points_is_refused(self, ledger: LedgerCaller) -> None:
        user_id, request_id = await ledger.open_wallet(), uuid.uuid4()
        await award(ledger, user_id, 10, request_id=request_id)
        answer = await award(ledger, user_id, 11, request_id=request_id)
        assert (answer.status_code, code_of(answer)) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_unknown_user_is_404(self, ledger: LedgerCaller) -> None:
        answer = await award(ledger, uuid.uuid4(), 10)
        assert (answer.status_code, code_of(answer)) == (404, "USER_NOT_FOUND")

    @pytest.mark.parametrize("points", [0, -1, 1.5, "10", True, 1_000_000_001])
    async def test_points_are_positive_integers(self, ledger: LedgerCaller, points: object) -> None:
        answer = await award(ledger, await ledger.open_wallet(), points)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
