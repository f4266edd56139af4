"""Codes that confirm a purchase, a transfer, a resale: sent once, tried three times, and right for good (T6)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import text

from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from tests.integration.users.people import CODE, WRONG_CODE, Books, Sandbox, code_of, fresh_address, fresh_phone
from tests.support.serving import serving
from tests.support.waiting import eventually
from users.app import create_app
from users.confirmations.repository import ConfirmationRepository
from users.settings import Settings

RESEND_SECONDS = 30


@dataclass(frozen=True)
class Desk:
    """The orchestrator asking one fan to confirm one thing."""

    http: httpx.AsyncClient
    database: Database
    user_id: uuid.UUID
    phone: str
    context: str = "purchase"
    reference: str = field(default_factory=lambda: str(uuid.uuid4()))
    address: str = field(default_factory=fresh_address)

    @property
    def matter(self) -> dict[str, object]:
        return {"user_id": str(self.user_id), "context": self.context, "reference": self.reference}

    async def send(self, request_id: object = None, **more: object) -> httpx.Response:
        body = {"request_id": str(request_id or uuid.uuid4()), "address": self.address, **self.matter, **more}
        return await self.http.post("/internal/otp/send", json=body)

    async def withdraw(self, undoes: uuid.UUID, request_id: object = None) -> httpx.Response:
        body = {"request_id": str(request_id or uuid.uuid4()), "undoes_request_id": str(undoes), **self.matter}
        return await self.http.post("/internal/otp/withdraw", json=body)

    async def verify(self, code: str = CODE, **more: object) -> httpx.Response:
        return await self.http.post("/internal/otp/verify", json={**self.matter, "otp_code": code, **more})

    async def let_time_pass(self, seconds: float = RESEND_SECONDS) -> None:
        await self.database.execute(
            text("UPDATE otp_challenges SET sent_at = sent_at - make_interval(secs => :s) WHERE user_id = :user_id"),
            {"s": seconds, "user_id": self.user_id},
        )

    async def challenges(self) -> int:
        row = await self.database.fetch_one(
            text("SELECT count(*) AS n FROM otp_challenges WHERE user_id = :user_id"), {"user_id": self.user_id}
        )
        assert row is not None
        return int(row["n"])


async def new_desk(books: Books, **more: str) -> Desk:
    phone = fresh_phone()
    user_id = await books.open_wallet("100.00", phone=phone)
    return Desk(books.http, books.database, user_id, phone, **more)


@pytest.fixture
async def desk(books: Books) -> Desk:
    return await new_desk(books)


@pytest.fixture(autouse=True)
async def _no_faults(sandbox: Sandbox) -> AsyncIterator[None]:
    yield
    await sandbox.clear_faults()


def sent(answer: httpx.Response) -> object:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["sent"]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, code_of(answer)


class TestSend:
    async def test_sends_a_code_to_the_users_phone(self, desk: Desk, sandbox: Sandbox) -> None:
        answer = await desk.send()
        assert answer.json()["data"] == {"sent": True, "retry_after_seconds": None}
        assert await sandbox.codes_sent_to(desk.phone) == 1

    async def test_a_repetition_gives_the_first_answer_and_sends_none(self, desk: Desk, sandbox: Sandbox) -> None:
        request_id = uuid.uuid4()
        first, second = await desk.send(request_id), await desk.send(request_id, address=fresh_address())
        assert first.json() == second.json()
        assert await sandbox.codes_sent_to(desk.phone) == 1

    async def test_the_same_id_for_something_else_is_refused(self, desk: Desk) -> None:
        request_id = uuid.uuid4()
        await desk.send(request_id)
        assert refusal(await desk.send(request_id, reference="other")) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_soon_after_a_code_no_other_is_sent(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await desk.let_time_pass(RESEND_SECONDS - 10)

        request_id = uuid.uuid4()
        too_soon, repeated = await desk.send(request_id), None
        await desk.let_time_pass(10)
        repeated = await desk.send(request_id)

        assert sent(too_soon) is False
        assert too_soon.json()["data"]["retry_after_seconds"] in {9, 10}
        assert repeated.json() == too_soon.json()
        assert await sandbox.codes_sent_to(desk.phone) == 1

    async def test_later_another_replaces_it(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await desk.let_time_pass()
        await sandbox.use_code(desk.phone, "777777")

        assert sent(await desk.send()) is True

        assert refusal(await desk.verify(CODE)) == (401, "OTP_INVALID")
        assert (await desk.verify("777777")).status_code == 200

    async def test_another_keeps_the_count_of_wrong_tries(self, desk: Desk) -> None:
        await desk.send()
        for _ in range(2):
            await desk.verify(WRONG_CODE)
        await desk.let_time_pass()
        await desk.send()
        assert refusal(await desk.verify(WRONG_CODE)) == (429, "OTP_MAX_RETRIES")

    async def test_after_three_wrong_ones_another_comes_at_once_and_counts_anew(self, desk: Desk) -> None:
        await desk.send()
        for _ in range(3):
            await desk.verify(WRONG_CODE)

        assert sent(await desk.send()) is True

        wrong = [code_of(await desk.verify(WRONG_CODE)) for _ in range(2)]
        assert wrong == ["OTP_INVALID", "OTP_INVALID"]
        assert (await desk.verify()).status_code == 200

    async def test_a_verified_challenge_needs_none(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await desk.verify()
        await desk.let_time_pass()
        answer = await desk.send()
        assert answer.json()["data"] == {"sent": False, "retry_after_seconds": None}
        assert await sandbox.codes_sent_to(desk.phone) == 1

    async def test_an_outage_is_503_and_the_same_request_sends_later(self, desk: Desk, sandbox: Sandbox) -> None:
        request_id = uuid.uuid4()
        await sandbox.order_fault("/SendOTP", status=500, times=6)
        outages = [await desk.send(request_id) for _ in range(6)]
        assert {refusal(answer) for answer in outages} == {(503, "SERVICE_UNAVAILABLE")}
        assert await desk.challenges() == 0
        assert sent(await desk.send(request_id)) is True

    async def test_an_outage_leaves_the_code_before(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await desk.let_time_pass()
        await sandbox.order_fault("/SendOTP", status=500, times=1)
        assert (await desk.send()).status_code == 503
        assert (await desk.verify()).status_code == 200

    async def test_an_outage_keeps_the_count_of_wrong_tries(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        for _ in range(2):
            await desk.verify(WRONG_CODE)
        await sandbox.expire_codes(desk.phone)
        await desk.verify()
        await sandbox.order_fault("/SendOTP", status=500, times=1)
        assert (await desk.send()).status_code == 503
        assert sent(await desk.send()) is True
        assert refusal(await desk.verify(WRONG_CODE)) == (429, "OTP_MAX_RETRIES")

    async def test_many_at_once_send_one_code(self, desk: Desk, sandbox: Sandbox) -> None:
        await sandbox.order_fault("/SendOTP", delay_seconds=0.3)
        same = uuid.uuid4()

        answers = await asyncio.gather(
            *(desk.send(same) for _ in range(5)), *(desk.send(uuid.uuid4()) for _ in range(5))
        )

        assert await sandbox.codes_sent_to(desk.phone) == 1
        assert {refusal(answer) for answer in answers} == {(200, ""), (409, "REQUEST_IN_PROGRESS")}
        assert [sent(answer) for answer in answers if answer.status_code == 200] == [True]
        assert sent(await desk.send(same)) in {True, False}

    async def test_a_sender_that_died_does_not_keep_others_from_it(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.database.execute(
            text(
                "INSERT INTO otp_challenges (user_id, context, reference, sending_request_id, sending_until) "
                "VALUES (:user_id, :context, :reference, gen_random_uuid(), now() + make_interval(secs => 0.5))"
            ),
            {**desk.matter, "user_id": desk.user_id},
        )
        assert refusal(await desk.send()) == (409, "REQUEST_IN_PROGRESS")

        async def is_sent() -> bool:
            return (await desk.send()).status_code == 200

        await eventually(is_sent)
        assert await sandbox.codes_sent_to(desk.phone) == 1

    async def test_sends_of_one_account_are_limited_for_each_context(self, desk: Desk) -> None:
        answers = [await desk.send(reference=f"order {n}".replace(" ", "-")) for n in range(6)]
        elsewhere = await desk.send(context="transfer")

        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert (code_of(answers[-1]), int(answers[-1].headers["retry-after"]) > 3000) == ("RATE_LIMITED", True)
        assert sent(elsewhere) is True
        assert await desk.challenges() == 6  # none for the one refused

    async def test_sends_for_one_network_are_limited(self, books: Books, settings: Settings) -> None:
        frugal = settings.model_copy(update={"otp_sends_per_address": 3})
        tokens = ServiceTokens(service="orchestrator", secret=settings.service_token_secret)
        headers = {"authorization": f"Bearer {tokens.issue('users')}"}
        address, refused = fresh_address(), []
        async with serving(create_app(frugal), frugal) as url, httpx.AsyncClient(base_url=url, headers=headers) as http:
            for _ in range(4):
                desk = await new_desk(books)
                refused.append(code_of(await Desk(http, desk.database, desk.user_id, desk.phone).send(address=address)))
        assert refused == ["", "", "", "RATE_LIMITED"]

    async def test_an_unknown_user_is_404_and_not_remembered(self, desk: Desk) -> None:
        assert refusal(await desk.send(user_id=str(uuid.uuid4()))) == (404, "USER_NOT_FOUND")

    @pytest.mark.parametrize(
        "bad",
        [{"context": "registration"}, {"context": "x"}, {"reference": ""}, {"reference": "a\x00"}, {"address": "é"}],
    )
    async def test_what_makes_no_sense_is_400(self, desk: Desk, bad: dict[str, object]) -> None:
        assert refusal(await desk.send(**bad)) == (400, "VALIDATION_ERROR")


class TestVerify:
    async def test_the_right_code_verifies(self, desk: Desk) -> None:
        await desk.send()
        assert (await desk.verify()).json()["data"] == {"verified": True}

    async def test_verified_stays_so_without_asking_the_provider(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await desk.verify()
        await sandbox.order_fault("/VerifyOTP", status=500)
        assert [(await desk.verify(code)).status_code for code in (CODE, WRONG_CODE)] == [200, 200]

    async def test_a_wrong_code_is_401_and_the_third_429_for_good(self, desk: Desk) -> None:
        await desk.send()
        answers = [refusal(await desk.verify(WRONG_CODE)) for _ in range(3)]
        assert answers == [(401, "OTP_INVALID"), (401, "OTP_INVALID"), (429, "OTP_MAX_RETRIES")]
        late = await desk.verify()
        assert refusal(late) == (429, "OTP_MAX_RETRIES")
        assert late.headers["retry-after"] == "1"

    async def test_an_old_code_is_410_costs_no_try_and_another_comes_at_once(
        self, desk: Desk, sandbox: Sandbox
    ) -> None:
        await desk.send()
        await sandbox.expire_codes(desk.phone)
        for _ in range(4):
            assert refusal(await desk.verify()) == (410, "OTP_EXPIRED")

        assert sent(await desk.send()) is True

        assert (await desk.verify()).status_code == 200

    async def test_without_a_challenge_it_is_410(self, desk: Desk) -> None:
        assert refusal(await desk.verify()) == (410, "OTP_EXPIRED")

    async def test_an_outage_is_503_and_costs_no_try(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await sandbox.order_fault("/VerifyOTP", status=502, times=5)
        outages = [await desk.verify() for _ in range(5)]
        assert {refusal(answer) for answer in outages} == {(503, "SERVICE_UNAVAILABLE")}
        wrong = [code_of(await desk.verify(WRONG_CODE)) for _ in range(2)]
        assert wrong == ["OTP_INVALID", "OTP_INVALID"]
        assert (await desk.verify()).status_code == 200

    async def test_guesses_at_once_cannot_pass_the_limit(self, desk: Desk) -> None:
        await desk.send()
        guesses = [await asyncio.gather(*(desk.verify(f"{n:06d}") for n in range(20))) for _ in range(4)]
        codes = [code_of(guess) for burst in guesses for guess in burst]
        assert codes.count("OTP_INVALID") == 2
        assert set(codes) == {"OTP_INVALID", "OTP_MAX_RETRIES", "REQUEST_IN_PROGRESS"}
        assert refusal(await desk.verify()) == (429, "OTP_MAX_RETRIES")

    async def test_the_right_code_twice_at_once_is_never_too_old(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await sandbox.order_fault("/VerifyOTP", delay_seconds=0.2)
        answers = await asyncio.gather(*(desk.verify() for _ in range(5)))
        assert sorted(map(refusal, answers)) == [(200, ""), *[(409, "REQUEST_IN_PROGRESS")] * 4]
        assert (await desk.verify()).status_code == 200

    async def test_a_code_replaced_while_it_is_checked_proves_nothing(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await desk.let_time_pass()
        await sandbox.order_fault("/VerifyOTP", delay_seconds=0.5, times=1)
        checking = asyncio.ensure_future(desk.verify())
        await eventually(lambda: _is_trying(desk))
        await desk.send()
        assert refusal(await checking) == (410, "OTP_EXPIRED")
        assert (await desk.verify()).status_code == 200

    @pytest.mark.parametrize("other", [{"context": "transfer"}, {"reference": "another"}])
    async def test_a_proof_is_for_its_matter_only(self, desk: Desk, other: dict[str, str]) -> None:
        await desk.send()
        await desk.verify()
        assert refusal(await desk.verify(**other)) == (410, "OTP_EXPIRED")

    async def test_one_matter_of_two_people_is_two_challenges(self, books: Books) -> None:
        seller = await new_desk(books, context="transfer", reference="one")
        buyer = await new_desk(books, context="transfer", reference="one")
        await seller.send()
        await buyer.send()
        await seller.verify()
        assert refusal(await buyer.verify(WRONG_CODE)) == (401, "OTP_INVALID")


class TestWithdraw:
    async def test_closes_the_challenge_and_refuses_the_send_that_comes_late(
        self, desk: Desk, sandbox: Sandbox
    ) -> None:
        send = uuid.uuid4()
        withdrawn = await desk.withdraw(send)
        late = await desk.send(send)
        assert (withdrawn.status_code, withdrawn.json()["data"]) == (200, {})
        assert refusal(late) == (409, "REQUEST_UNDONE")
        assert await sandbox.codes_sent_to(desk.phone) == 0
        assert await desk.challenges() == 0

    @pytest.mark.parametrize("is_verified", [False, True])
    async def test_after_the_send_the_code_is_of_no_use(self, desk: Desk, is_verified: bool) -> None:  # noqa: FBT001 - a parameter of the test
        send, withdrawal = uuid.uuid4(), uuid.uuid4()
        await desk.send(send)
        if is_verified:
            await desk.verify()

        answers = [await desk.withdraw(send, withdrawal), await desk.withdraw(send, withdrawal)]
        answers.append(await desk.withdraw(send))

        assert {answer.status_code for answer in answers} == {200}
        assert refusal(await desk.verify()) == (410, "OTP_EXPIRED")
        assert await desk.challenges() == 0

    async def test_another_send_opens_it_again(self, desk: Desk) -> None:
        send = uuid.uuid4()
        await desk.send(send)
        await desk.withdraw(send)
        assert sent(await desk.send()) is True
        assert (await desk.verify()).status_code == 200

    async def test_while_the_provider_is_asked_nothing_is_opened(self, desk: Desk, sandbox: Sandbox) -> None:
        send = uuid.uuid4()
        await sandbox.order_fault("/SendOTP", delay_seconds=0.5, times=1)
        sending = asyncio.ensure_future(desk.send(send))
        await eventually(lambda: _is_claimed(desk))

        assert (await desk.withdraw(send)).status_code == 200

        assert refusal(await sending) == (409, "REQUEST_UNDONE")
        assert await sandbox.codes_sent_to(desk.phone) == 1
        assert await desk.challenges() == 0
        assert refusal(await desk.verify()) == (410, "OTP_EXPIRED")

    async def test_of_one_send_stops_another_in_flight(self, desk: Desk, sandbox: Sandbox) -> None:
        first, second = uuid.uuid4(), uuid.uuid4()
        await desk.send(first)
        await desk.let_time_pass()
        await sandbox.order_fault("/SendOTP", delay_seconds=0.5, times=1)
        sending = asyncio.ensure_future(desk.send(second))
        await eventually(lambda: _is_claimed(desk))

        await desk.withdraw(first)

        assert refusal(await sending) == (503, "SERVICE_UNAVAILABLE")
        assert await desk.challenges() == 0
        assert sent(await desk.send(second)) is True

    async def test_and_send_at_once_end_alike(self, books: Books) -> None:
        async def race() -> tuple[int, int]:
            desk, send = await new_desk(books), uuid.uuid4()
            answers = await asyncio.gather(desk.send(send), desk.withdraw(send), desk.send(send), desk.withdraw(send))
            assert {answers[1].status_code, answers[3].status_code} == {200}
            assert refusal(await desk.send(send)) in {(200, ""), (409, "REQUEST_UNDONE")}
            return await desk.challenges(), (await desk.verify()).status_code

        assert set(await asyncio.gather(*(race() for _ in range(15)))) == {(0, 410)}


class TestHousekeeping:
    async def test_drops_challenges_of_yesterday(self, desk: Desk) -> None:
        old, young = desk, await new_desk(Books(desk.http, desk.database))
        await old.send()
        await young.send()
        await old.let_time_pass(86_401)
        await young.let_time_pass(86_000)

        await ConfirmationRepository(desk.database, lease_seconds=1, resend_seconds=1, most_tries=3).clean(batch=1_000)

        assert (await old.challenges(), await young.challenges()) == (0, 1)


async def _is_claimed(desk: Desk) -> bool:
    return await _holds(desk, "sending_until > now()")


async def _is_trying(desk: Desk) -> bool:
    return await _holds(desk, "trying_until > now()")


async def _holds(desk: Desk, condition: str) -> bool:
    found = text(f"SELECT 1 FROM otp_challenges WHERE user_id = :user_id AND {condition}")  # noqa: S608 - ours
    return bool(await desk.database.fetch_all(found, {"user_id": desk.user_id}))
