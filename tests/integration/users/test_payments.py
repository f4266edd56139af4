"""Opening a payment, attaching the provider's id, and read access."""

import asyncio
import uuid
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.integration.users.payment_caller import PaymentCaller, new_payment_caller
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of
from users.accounts.repository import AccountRepository


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, code_of(answer)


@pytest.fixture
async def payment_caller(ledger: LedgerCaller) -> PaymentCaller:
    return PaymentCaller(ledger, await ledger.open_wallet())


class TestOpen:
    async def test_new_payment_is_pending(self, payment_caller: PaymentCaller) -> None:
        answer = await payment_caller.open(purpose="order", reference="order 7", expires_at="2030-01-01T00:00:00+08:00")
        payment = answer.json()["data"]
        assert answer.status_code == 200
        assert datetime.fromisoformat(payment.pop("created_at")) <= datetime.fromisoformat(payment.pop("updated_at"))
        assert datetime.fromisoformat(payment.pop("status_at")).tzinfo is not None
        assert payment == {
            "payment_id": str(payment_caller.payment_id),
            "user_id": str(payment_caller.user_id),
            "provider": "stripe",
            "provider_payment_id": None,
            "purpose": "order",
            "reference": "order 7",
            "amount": "50.00",
            "original_amount": None,
            "currency": "sgd",
            "status": "PENDING",
            "paid_amount": None,
            "deposits": {},
            "refunded_amount": "0.00",
            "disputed_amount": "0.00",
            "dispute_status": None,
            "reversals": {"refund_total": "0.00", "by_id": {}},
            "taken_back": "0.00",
            "reversal_count": 0,
            "flags": [],
            "details": {},
            "credited_at": None,
            "expires_at": "2029-12-31T16:00:00Z",
            "closed_at": None,
        }

    async def test_repetition_returns_the_first_response(self, payment_caller: PaymentCaller) -> None:
        request_id = uuid.uuid4()
        first = await payment_caller.open(request_id=request_id)
        await payment_caller.attach()
        again = await payment_caller.open(request_id=request_id, amount="50.0", currency="SGD")
        assert again.json() == first.json()

    async def test_request_id_with_another_amount_is_refused(self, payment_caller: PaymentCaller) -> None:
        request_id = uuid.uuid4()
        await payment_caller.open(request_id=request_id)
        assert refusal(await payment_caller.open(request_id=request_id, amount="5.00")) == (
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )

    async def test_payment_id_is_opened_once(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.open()
        assert refusal(await payment_caller.open(amount="5.00")) == (409, "PAYMENT_INVALID_STATE")
        assert (await payment_caller.now())["amount"] == "50.00"

    async def test_twenty_concurrent_requests_open_one_payment(self, payment_caller: PaymentCaller) -> None:
        answers = await asyncio.gather(*(payment_caller.open() for _ in range(20)))
        assert sorted({answer.status_code for answer in answers}) == [200, 409]
        assert [answer.status_code for answer in answers].count(200) == 1

    async def test_payment_of_an_unknown_user_is_404(self, payment_caller: PaymentCaller) -> None:
        assert refusal(await payment_caller.open(user_id=uuid.uuid4())) == (404, "USER_NOT_FOUND")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"amount": "0.00"},
            {"amount": "-1.00"},
            {"amount": "0.001"},
            {"currency": "S$"},
            {"currency": ""},
            {"provider": "kinguin"},
            {"purpose": "gift"},
            {"expires_at": "tomorrow"},
        ],
    )
    async def test_invalid_request_is_400(self, payment_caller: PaymentCaller, wrong: dict[str, object]) -> None:
        assert refusal(await payment_caller.open(**wrong)) == (400, "VALIDATION_ERROR")

    async def test_account_with_a_payment_is_not_deleted(
        self, payment_caller: PaymentCaller, ledger: LedgerCaller
    ) -> None:
        await payment_caller.open()
        abandoned = text(
            "UPDATE users SET is_verified = false, created_at = now() - interval '2 days' WHERE user_id = :user_id"
        )
        await ledger.database.execute(abandoned, {"user_id": payment_caller.user_id})
        await AccountRepository(ledger.database).delete_abandoned(batch=1000)
        assert await payment_caller.outcome("WAITING", payment_id=payment_caller.payment_id) == "NOTED"


class TestAttach:
    async def test_attach_stores_the_providers_id_and_details(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.open()
        details = {"pay_address": "bc1", "pay_amount": "0.00421", "confirmations": 3}
        payment = (await payment_caller.attach(details=details)).json()["data"]
        assert (payment["provider_payment_id"], payment["details"]) == (payment_caller.provider_payment_id, details)
        assert payment == await payment_caller.now()

    async def test_attaching_the_same_id_again_changes_nothing(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.open()
        await payment_caller.attach(details={"pay_address": "bc1"})
        assert (await payment_caller.attach()).status_code == 200
        assert (await payment_caller.now())["details"] == {"pay_address": "bc1"}

    async def test_repetition_returns_the_first_response(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.open()
        request_id = uuid.uuid4()
        first = await payment_caller.attach(request_id=request_id)
        await payment_caller.report("SUCCEEDED")
        assert (await payment_caller.attach(request_id=request_id)).json() == first.json()

    async def test_another_provider_id_is_refused(self, payment_caller: PaymentCaller) -> None:
        await payment_caller.open()
        await payment_caller.attach()
        assert refusal(await payment_caller.attach(provider_payment_id="pi_other")) == (409, "PAYMENT_INVALID_STATE")
        assert (await payment_caller.now())["provider_payment_id"] == payment_caller.provider_payment_id

    async def test_provider_id_of_another_payment_is_refused(
        self, payment_caller: PaymentCaller, ledger: LedgerCaller
    ) -> None:
        other = await new_payment_caller(ledger)
        await payment_caller.open()
        assert refusal(await payment_caller.attach(provider_payment_id=other.provider_payment_id)) == (
            409,
            "PAYMENT_INVALID_STATE",
        )

    async def test_concurrent_attaches_of_one_id_succeed_once(self, ledger: LedgerCaller) -> None:
        user_id = await ledger.open_wallet()
        payment_callers = [PaymentCaller(ledger, user_id) for _ in range(10)]
        for each in payment_callers:
            await each.open()
        name = f"pi_{uuid.uuid4()}"
        answers = await asyncio.gather(*(each.attach(provider_payment_id=name) for each in payment_callers))
        assert sorted(answer.status_code for answer in answers) == [200, *[409] * 9]

    async def test_two_providers_may_use_one_id(self, ledger: LedgerCaller) -> None:
        stripe, crypto = (await new_payment_caller(ledger), await new_payment_caller(ledger, provider="nowpayments"))
        answer = await crypto.report("WAITING", provider_payment_id=stripe.provider_payment_id)
        assert answer.json()["data"]["outcome"] == "UNKNOWN"
        other = PaymentCaller(ledger, stripe.user_id, provider="nowpayments")
        await other.open()
        assert (await other.attach(provider_payment_id=stripe.provider_payment_id)).status_code == 200

    async def test_attaching_to_an_unknown_payment_is_404(self, payment_caller: PaymentCaller) -> None:
        assert refusal(await payment_caller.attach()) == (404, "NOT_FOUND")

    @pytest.mark.parametrize("wrong", [{"provider_payment_id": ""}, {"details": {"a": {}}}, {"details": {"a": "\x00"}}])
    async def test_invalid_request_is_400(self, payment_caller: PaymentCaller, wrong: dict[str, object]) -> None:
        await payment_caller.open()
        assert refusal(await payment_caller.attach(**wrong)) == (400, "VALIDATION_ERROR")


class TestReading:
    async def test_user_lists_only_their_payments_newest_first(
        self, user_client: UserClient, ledger: LedgerCaller
    ) -> None:
        fan = await user_client.join()
        payment_callers = [PaymentCaller(ledger, fan.user_id) for _ in range(3)]
        for each in payment_callers:
            await each.open()
            await each.attach(details={"pay_address": "bc1"})
        await payment_callers[1].report("SUCCEEDED")
        await new_payment_caller(ledger)

        pages = [(await get(user_client, fan, "/api/payments", per_page="2", page=page)).json() for page in ("1", "2")]
        assert [page["pagination"]["total"] for page in pages] == [3, 3]
        listed = [payment for page in pages for payment in page["data"]]
        assert [payment["payment_id"] for payment in listed] == [
            str(each.payment_id) for each in reversed(payment_callers)
        ]
        assert [payment["status"] for payment in listed] == ["PENDING", "SUCCEEDED", "PENDING"]
        assert listed[0]["details"] == {"pay_address": "bc1"}
        assert not {"flags", "provider_payment_id", "user_id"} & set(listed[0])
        paid = (await get(user_client, fan, "/api/payments", status="SUCCEEDED")).json()["data"]
        assert [payment["payment_id"] for payment in paid] == [str(payment_callers[1].payment_id)]

    async def test_payment_is_shown_to_its_payer_and_admins(
        self, user_client: UserClient, ledger: LedgerCaller, admin: LoggedInUser
    ) -> None:
        fan = await user_client.join()
        payment_caller = PaymentCaller(ledger, fan.user_id)
        await payment_caller.open()
        path = f"/api/payments/{payment_caller.payment_id}"
        for reader in (fan, admin):
            shown = (await get(user_client, reader, path)).json()["data"]
            assert (shown["payment_id"], shown["amount"]) == (str(payment_caller.payment_id), "50.00")
        assert refusal(await get(user_client, await user_client.join(), path)) == (403, "FORBIDDEN")
        assert refusal(await get(user_client, fan, f"/api/payments/{uuid.uuid4()}")) == (404, "NOT_FOUND")
        assert refusal(await get(user_client, fan, "/api/payments/7")) == (400, "INVALID_UUID")
        assert refusal(await user_client.http.get(path)) == (401, "UNAUTHORIZED")

    async def test_admins_filter_payments(
        self, user_client: UserClient, ledger: LedgerCaller, admin: LoggedInUser
    ) -> None:
        odd, plain = (await new_payment_caller(ledger, provider="nowpayments"), await new_payment_caller(ledger))
        await odd.attach(details={"client_secret": "not for admins"})
        await odd.report("PARTIALLY_PAID", paid_amount="0.1")
        path = "/api/admin/payments"
        flagged = await self.ids(user_client, admin, flagged="true", provider="nowpayments")
        assert str(odd.payment_id) in flagged
        assert str(plain.payment_id) not in await self.ids(user_client, admin, flagged="true")
        assert {str(odd.payment_id), str(plain.payment_id)} <= set(await self.ids(user_client, admin))
        assert str(odd.payment_id) not in await self.ids(user_client, admin, provider="stripe")
        assert str(odd.payment_id) not in await self.ids(user_client, admin, status="PENDING")
        answer = await get(user_client, admin, path, per_page="100")
        assert "not for admins" not in answer.text
        [shown] = [each for each in answer.json()["data"] if each["payment_id"] == str(odd.payment_id)]
        assert (shown["flags"], shown["provider_payment_id"]) == (["PARTIAL"], odd.provider_payment_id)

    async def test_users_cannot_list_all_payments(self, user_client: UserClient) -> None:
        assert refusal(await get(user_client, await user_client.join(), "/api/admin/payments")) == (403, "FORBIDDEN")

    async def test_payments_for_reconciliation_are_oldest_first(self, ledger: LedgerCaller) -> None:
        payment_callers = [
            await new_payment_caller(ledger, provider=provider)
            for provider in ("stripe", "nowpayments", "stripe", "stripe")
        ]
        await payment_callers[2].report("WAITING")
        await payment_callers[3].report("SUCCEEDED")
        since = (await payment_callers[0].now())["created_at"]

        async def ids(**query: Any) -> list[str]:
            answer = await ledger.http.get("/internal/payments", params={"since": since, **query})
            assert answer.status_code == 200, answer.text
            return [payment["payment_id"] for payment in answer.json()["data"]]

        ours = [str(each.payment_id) for each in payment_callers]
        assert await ids() == ours
        assert await ids(provider="stripe", status=["PENDING", "WAITING"]) == [ours[0], ours[2]]
        assert await ids(limit=2) == ours[:2]
        assert await ids(since=(await payment_callers[2].now())["created_at"]) == ours[2:]

    async def test_internal_routes_refuse_users(
        self, user_client: UserClient, admin: LoggedInUser, payment_caller: PaymentCaller
    ) -> None:
        for path in ("/internal/payments", f"/internal/payments/{payment_caller.payment_id}"):
            assert (await get(user_client, admin, path)).status_code == 401

    @staticmethod
    async def ids(user_client: UserClient, admin: LoggedInUser, **query: str) -> list[str]:
        answer = await get(user_client, admin, "/api/admin/payments", per_page="100", **query)
        return [payment["payment_id"] for payment in answer.json()["data"]]


async def get(user_client: UserClient, user: LoggedInUser, path: str, **query: str) -> httpx.Response:
    return await user_client.http.get(path, params=query, headers=user.headers)
