"""Codes that confirm a purchase, a transfer, a resale: when they are sent, and when not (T6)."""

import asyncio
import uuid

import httpx
import pytest
from sqlalchemy import text

from common.auth.service_tokens import ServiceTokens
from tests.integration.users.desk import RESEND_SECONDS, Desk, new_desk, refusal, sent
from tests.integration.users.people import CODE, WRONG_CODE, Books, Sandbox, code_of, fresh_address
from tests.support.serving import serving
from tests.support.waiting import eventually
from users.app import create_app
from users.settings import Settings


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
