"""Codes that confirm a purchase, a transfer, a resale: when they are sent, and when not (T6)."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from common.auth.service_tokens import ServiceTokens
from tests.integration.users.desk import (
    RESEND_SECONDS,
    UNTIL_CLEARED,
    Desk,
    is_claimed,
    is_trying,
    new_desk,
    refusal,
    sent,
)
from tests.integration.users.people import CODE, WRONG_CODE, Books, Sandbox, code_of, fresh_address
from tests.support.http_client import http_client
from tests.support.serving import serving
from tests.support.waiting import eventually
from users.app import create_app
from users.settings import Settings


@pytest.fixture
async def frugal_desk(settings: Settings, books: Books, sandbox: Sandbox) -> AsyncIterator[Desk]:
    """Somebody new at a copy of the service with narrow limits."""
    narrow = {"otp_sends_per_phone": 2, "otp_sends_per_address": 3, "otp_sends_by_others": 2}
    frugal = settings.model_copy(update=narrow)
    tokens = ServiceTokens(service="orchestrator", secret=settings.service_token_secret)
    headers = {"authorization": f"Bearer {tokens.issue('users')}"}
    async with serving(create_app(frugal), frugal) as url, http_client(url, headers=headers) as http:
        yield await new_desk(Books(http, books.database))
    await sandbox.clear_faults()


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

    async def test_after_three_wrong_ones_none_follows_for_a_transfer(self, books: Books, sandbox: Sandbox) -> None:
        desk = await new_desk(books, context="transfer")
        request_id = uuid.uuid4()
        await desk.send(request_id)
        wrong = [refusal(await desk.verify(WRONG_CODE)) for _ in range(3)]
        refused = [await desk.send()]
        await desk.let_time_pass()
        same = uuid.uuid4()
        refused += [await desk.send(same), await desk.send(same)]

        assert wrong[-1] == (429, "OTP_MAX_RETRIES")
        assert {refusal(answer) for answer in refused} == {(429, "OTP_MAX_RETRIES")}
        assert sent(await desk.send(request_id)) is True  # the first answer
        assert await sandbox.codes_sent_to(desk.phone) == 1
        assert refusal(await desk.verify()) == (429, "OTP_MAX_RETRIES")

    async def test_a_transfers_third_wrong_one_is_the_end_while_another_is_being_sent(
        self, books: Books, sandbox: Sandbox
    ) -> None:
        desk = await new_desk(books, context="transfer")
        await desk.send()
        for _ in range(2):
            await desk.verify(WRONG_CODE)
        await desk.let_time_pass()
        await sandbox.order_fault("/SendOTP", delay_seconds=UNTIL_CLEARED, times=1)
        sending = asyncio.ensure_future(desk.send())
        await eventually(lambda: is_claimed(desk))

        assert refusal(await desk.verify(WRONG_CODE)) == (429, "OTP_MAX_RETRIES")

        await sandbox.clear_faults()
        await sending
        assert refusal(await desk.verify()) == (429, "OTP_MAX_RETRIES")

    async def test_a_transfers_third_try_under_way_is_not_wrong_yet(self, books: Books, sandbox: Sandbox) -> None:
        desk = await new_desk(books, context="transfer")
        await desk.send()
        for _ in range(2):
            await desk.verify(WRONG_CODE)
        await desk.let_time_pass()
        await sandbox.order_fault("/VerifyOTP", delay_seconds=UNTIL_CLEARED, times=1)
        trying = asyncio.ensure_future(desk.verify())
        await eventually(lambda: is_trying(desk))

        assert refusal(await desk.send()) == (409, "REQUEST_IN_PROGRESS")

        await sandbox.clear_faults()
        assert (await trying).status_code == 200
        assert sent(await desk.send()) is False

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
        await sandbox.order_fault("/SendOTP", delay_seconds=UNTIL_CLEARED)
        same = uuid.uuid4()

        sending = [
            *(asyncio.ensure_future(desk.send(same)) for _ in range(5)),
            *(asyncio.ensure_future(desk.send(uuid.uuid4())) for _ in range(5)),
        ]
        await eventually(lambda: sum(each.done() for each in sending) == len(sending) - 1)
        await sandbox.clear_faults()
        answers = await asyncio.gather(*sending)

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

    async def test_those_that_others_cause_leave_the_recipient_their_own(self, frugal_desk: Desk) -> None:
        async def send(number: int, **more: str) -> tuple[int, str]:
            reference = f"transfer-{number}"
            return refusal(
                await frugal_desk.send(context="transfer", reference=reference, address=fresh_address(), **more)
            )

        by_others = [await send(number, requested_by_user_id=str(uuid.uuid4())) for number in range(3)]
        own = [await send(number) for number in range(3, 6)]

        assert by_others == own == [(200, ""), (200, ""), (429, "RATE_LIMITED")]

    async def test_one_who_causes_them_for_many_is_limited(self, frugal_desk: Desk) -> None:
        books, requester = Books(frugal_desk.http, frugal_desk.database), frugal_desk.user_id
        answers = [
            await (await new_desk(books)).send(context="transfer", requested_by_user_id=str(requester))
            for _ in range(3)
        ]
        own = await frugal_desk.send(context="transfer")

        assert [refusal(answer) for answer in answers] == [(200, ""), (200, ""), (429, "RATE_LIMITED")]
        assert sent(own) is True

    async def test_those_that_others_cause_count_for_their_network(self, frugal_desk: Desk) -> None:
        books, address = Books(frugal_desk.http, frugal_desk.database), fresh_address()
        answers = [
            await (await new_desk(books)).send(address=address, requested_by_user_id=str(uuid.uuid4()))
            for _ in range(4)
        ]
        assert [code_of(answer) for answer in answers] == ["", "", "", "RATE_LIMITED"]

    async def test_one_that_the_provider_did_not_take_counts_for_nobody(
        self, frugal_desk: Desk, sandbox: Sandbox
    ) -> None:
        desk, requester = frugal_desk, str(uuid.uuid4())
        await sandbox.order_fault("/SendOTP", status=500, times=3)
        outages = [await desk.send(requested_by_user_id=requester) for _ in range(3)]
        assert {answer.status_code for answer in outages} == {503}
        assert sent(await desk.send(requested_by_user_id=requester)) is True

    async def test_a_repetition_may_name_another_who_caused_it(self, desk: Desk, sandbox: Sandbox) -> None:
        request_id = uuid.uuid4()
        first = await desk.send(request_id)
        second = await desk.send(request_id, requested_by_user_id=str(uuid.uuid4()))
        assert first.json() == second.json()
        assert await sandbox.codes_sent_to(desk.phone) == 1

    async def test_sends_for_one_network_are_limited(self, frugal_desk: Desk) -> None:
        books, address = Books(frugal_desk.http, frugal_desk.database), fresh_address()
        answers = [await (await new_desk(books)).send(address=address) for _ in range(4)]
        assert [code_of(answer) for answer in answers] == ["", "", "", "RATE_LIMITED"]

    async def test_an_unknown_user_is_404_and_not_remembered(self, desk: Desk) -> None:
        assert refusal(await desk.send(user_id=str(uuid.uuid4()))) == (404, "USER_NOT_FOUND")

    @pytest.mark.parametrize(
        "bad",
        [
            {"context": "registration"},
            {"context": "x"},
            {"reference": ""},
            {"reference": "a\x00"},
            {"address": "é"},
        ],
    )
    async def test_what_makes_no_sense_is_400(self, desk: Desk, bad: dict[str, object]) -> None:
        assert refusal(await desk.send(**bad)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("missing", ["request_id", "user_id", "requested_by_user_id", "context", "address"])
    async def test_what_is_not_complete_is_400(self, desk: Desk, missing: str) -> None:
        ids = {"request_id": str(uuid.uuid4()), "requested_by_user_id": str(desk.user_id)}
        body = {**ids, **desk.matter, "address": desk.address}
        del body[missing]
        assert refusal(await desk.http.post("/internal/otp/send", json=body)) == (400, "VALIDATION_ERROR")
