"""Admins settle debts, write them off and adjust wallets; each correction names the admin and the reason (W2)."""

import asyncio
import uuid
from decimal import Decimal

import httpx
import pytest

from tests.integration.users.statement_pages import read_page
from tests.integration.users.test_ledger_debts import owed_by, put_in_debt
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of


@pytest.fixture(autouse=True)
async def _ledger_is_consistent(ledger: LedgerCaller) -> None:
    """Check after each test that the ledger is consistent."""
    assert await ledger.invariant_violations() == []


async def post(
    user_client: UserClient, caller: LoggedInUser, path: str, *, key: str | None = None, **body: str
) -> httpx.Response:
    headers = caller.headers | ({"idempotency-key": key} if key else {})
    return await user_client.http.post(f"/api/admin/{path}", json=body, headers=headers)


@pytest.mark.parametrize(
    ("how", "account"),
    [("settle", ("external", "settled")), ("write-off", ("platform", "write_off"))],
)
async def test_debt_is_reduced_in_parts_and_as_a_whole(
    *,
    user_client: UserClient,
    admin: LoggedInUser,
    ledger: LedgerCaller,
    how: str,
    account: tuple[str, str],
) -> None:
    debtor, before = await ledger.open_wallet(), await ledger.sum_of(*account)
    await put_in_debt(ledger, debtor)

    part = await post(user_client, admin, f"receivables/{debtor}/{how}", amount="12.50", reason="paid in cash")
    rest = await post(user_client, admin, f"receivables/{debtor}/{how}", reason="the rest")

    assert part.status_code == 200, part.text
    assert part.json()["data"] | {"transaction_id": ""} == {
        "transaction_id": "",
        "user_id": str(debtor),
        "amount": "12.50",
        "owed": "17.50",
    }
    assert (rest.json()["data"]["amount"], rest.json()["data"]["owed"]) == ("17.50", "0.00")
    assert await ledger.sum_of(*account) == before - 30
    assert (await owed_by(ledger, debtor), await ledger.wallet_of(debtor)) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize("how", ["settle", "write-off"])
async def test_more_than_is_owed_is_refused(
    user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller, how: str
) -> None:
    debtor = await ledger.open_wallet()
    nothing_owed = await post(user_client, admin, f"receivables/{debtor}/{how}", reason="paid")
    await put_in_debt(ledger, debtor)
    too_much = await post(user_client, admin, f"receivables/{debtor}/{how}", amount="30.01", reason="paid")
    unknown = await post(user_client, admin, f"receivables/{uuid.uuid4()}/{how}", reason="paid")

    assert [(one.status_code, code_of(one)) for one in (nothing_owed, too_much, unknown)] == [
        (409, "OWES_LESS"),
        (409, "OWES_LESS"),
        (404, "USER_NOT_FOUND"),
    ]
    assert (nothing_owed.json()["details"], too_much.json()["details"]) == ({"owed": "0.00"}, {"owed": "30.00"})
    assert await owed_by(ledger, debtor) == Decimal(30)


async def test_adjustment_credits_and_debits_the_wallet(
    user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller
) -> None:
    fan, before = await user_client.join(), await ledger.sum_of("platform", "adjustment")
    await put_in_debt(ledger, fan.user_id, "4.00")
    path = f"users/{fan.user_id}/adjustments"

    credit = await post(user_client, admin, path, amount="10.00", reason="goodwill")
    debit = await post(user_client, admin, path, amount="-2.50", reason="counted twice")
    too_much = await post(user_client, admin, path, amount="-3.51", reason="counted twice")

    assert [one.json()["data"]["balance"] for one in (credit, debit)] == ["6.00", "3.50"]
    assert (too_much.status_code, code_of(too_much)) == (402, "INSUFFICIENT_CREDITS")
    assert await ledger.sum_of("platform", "adjustment") == before - Decimal("7.50")
    entries = (await read_page(user_client, fan))["entries"]
    assert [(entry["kind"], entry["reference"], entry["amount"]) for entry in entries[:2]] == [
        ("adjustment", "counted twice", "-2.50"),
        ("adjustment", "goodwill", "6.00"),
    ]


async def test_repeated_key_corrects_once(user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller) -> None:
    fan, key = await ledger.open_wallet(), str(uuid.uuid4())
    await put_in_debt(ledger, fan)
    calls = {
        f"receivables/{fan}/settle": {"amount": "10.00"},
        f"receivables/{fan}/write-off": {"amount": "5.00"},
        f"users/{fan}/adjustments": {"amount": "20.00"},
    }
    for path, body in calls.items():
        same = [await post(user_client, admin, path, key=key, reason="one", **body) for _ in range(2)]
        other = await post(user_client, admin, path, key=key, reason="another", **body)
        assert same[0].status_code == 200, same[0].text
        assert same[0].json() == same[1].json()
        assert (other.status_code, code_of(other)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await owed_by(ledger, fan), await ledger.wallet_of(fan)) == (Decimal(0), Decimal(5))


async def test_key_of_a_refused_correction_can_be_used_again(
    user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller
) -> None:
    fan, key = await ledger.open_wallet(), str(uuid.uuid4())
    calls = {
        f"users/{fan}/adjustments": {"amount": "-20.00", "reason": "counted twice"},
        f"receivables/{fan}/settle": {"amount": "10.00", "reason": "paid"},
        f"receivables/{fan}/write-off": {"amount": "5.00", "reason": "too old"},
    }

    async def corrected() -> list[int]:
        return [(await post(user_client, admin, path, key=key, **body)).status_code for path, body in calls.items()]

    assert await corrected() == [402, 409, 409]
    await put_in_debt(ledger, fan, "35.00")
    # A credit would pay the debt first, so the wallet stays empty until the rest of the debt is paid.
    assert await corrected() == [402, 200, 200]
    await ledger.top_up(fan, "40.00")
    assert await corrected() == [200, 200, 200]
    assert (await owed_by(ledger, fan), await ledger.wallet_of(fan)) == (Decimal(0), Decimal(0))


async def test_concurrent_settlements_and_credits_never_exceed_the_debt(
    user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller
) -> None:
    debtor = await ledger.open_wallet()
    await put_in_debt(ledger, debtor)
    path = f"receivables/{debtor}/settle"
    answers = await asyncio.gather(
        *(post(user_client, admin, path, amount="10.00", reason="paid") for _ in range(5)),
        *(ledger.top_up(debtor, "10.00") for _ in range(5)),
    )
    settled = [answer.status_code for answer in answers[:5]].count(200)
    assert {answer.status_code for answer in answers[5:]} == {200}
    assert await owed_by(ledger, debtor) == 0
    assert await ledger.wallet_of(debtor) == 50 - (30 - 10 * settled)


async def test_corrections_name_the_admin_and_the_reason(
    user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller
) -> None:
    fan = await ledger.open_wallet()
    await put_in_debt(ledger, fan)
    await post(user_client, admin, f"receivables/{fan}/settle", amount="10.00", reason="paid in cash")
    await post(user_client, admin, f"receivables/{fan}/write-off", amount="5.00", reason="too old")
    await post(user_client, admin, f"users/{fan}/adjustments", amount="20.00", reason="goodwill")
    await post(user_client, admin, f"users/{fan}/adjustments", amount="-1.00", reason="a correction")

    listed = await user_client.http.get(
        "/api/admin/corrections", headers=admin.headers, params={"user_id": str(fan), "per_page": "3"}
    )
    everyone = await user_client.http.get("/api/admin/corrections", headers=admin.headers)

    assert listed.json()["pagination"]["total"] == 4
    assert [(row["kind"], row["amount"], row["reason"]) for row in listed.json()["data"]] == [
        ("adjustment", "-1.00", "a correction"),
        ("adjustment", "20.00", "goodwill"),
        ("write_off", "5.00", "too old"),
    ]
    assert {(row["user_id"], row["made_by_user_id"]) for row in listed.json()["data"]} == {
        (str(fan), str(admin.user_id))
    }
    assert everyone.json()["data"][0] == listed.json()["data"][0]


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "1.00"},
        {"amount": "1.00", "reason": " "},
        {"amount": "1.00", "reason": "a\x00b"},
        {"amount": "1.00", "reason": "x" * 201},
        {"amount": "1.001", "reason": "x"},
        {"amount": "0.00", "reason": "x"},
        {"amount": "1.00", "reason": "x", "by": "me"},
    ],
)
async def test_malformed_correction_is_refused(
    user_client: UserClient, admin: LoggedInUser, body: dict[str, str]
) -> None:
    for path in (f"receivables/{uuid.uuid4()}/settle", f"users/{uuid.uuid4()}/adjustments"):
        answer = await post(user_client, admin, path, **body)
        assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")


async def test_corrections_are_for_admins_only(user_client: UserClient) -> None:
    fan = await user_client.join()
    answers = [
        await post(user_client, fan, f"receivables/{fan.user_id}/settle", reason="x"),
        await post(user_client, fan, f"receivables/{fan.user_id}/write-off", reason="x"),
        await post(user_client, fan, f"users/{fan.user_id}/adjustments", amount="1.00", reason="x"),
        await user_client.http.get("/api/admin/corrections", headers=fan.headers),
    ]
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(403, "FORBIDDEN")}
