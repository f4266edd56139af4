"""When codes for purchases, transfers and resales are sent, and when not (T6)."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from common.auth.service_tokens import ServiceTokens
from tests.integration.users.otp_caller import (
    RESEND_SECONDS,
    UNTIL_CLEARED,
    OtpCaller,
    is_sending,
    is_verifying,
    new_otp_caller,
    refusal,
    sent,
)
from tests.integration.users.user_client import CODE, WRONG_CODE, LedgerCaller, Sandbox, code_of, fresh_address
from tests.support.http_client import http_client
from tests.support.service_auth import ServiceAuth
from tests.support.serving import serving
from tests.support.waiting import eventually
from users.app import create_app
from users.settings import Settings


@pytest.fixture
async def limited_otp_caller(settings: Settings, ledger: LedgerCaller, sandbox: Sandbox) -> AsyncIterator[OtpCaller]:
    """A new user at an instance with low limits."""
    narrow = {"otp_sends_per_phone": 2, "otp_sends_per_address": 3, "otp_sends_by_others": 2}
    limited_settings = settings.model_copy(update=narrow)
    tokens = ServiceTokens(service="orchestrator", secret=settings.service_token_secret)
    async with (
        serving(create_app(limited_settings), limited_settings) as url,
        http_client(url, auth=ServiceAuth(tokens, audience="users")) as http,
    ):
        yield await new_otp_caller(LedgerCaller(http, ledger.database))
    await sandbox.clear_faults()


class TestSend:
    async def test_sends_a_code_to_the_users_phone(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        answer = await otp_caller.send()
        assert answer.json()["data"] == {"sent": True, "retry_after_seconds": None}
        assert await sandbox.codes_sent_to(otp_caller.phone) == 1

    async def test_repetition_returns_the_first_response_and_sends_no_code(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        request_id = uuid.uuid4()
        first, second = await otp_caller.send(request_id), await otp_caller.send(request_id, address=fresh_address())
        assert first.json() == second.json()
        assert await sandbox.codes_sent_to(otp_caller.phone) == 1

    async def test_request_id_with_another_challenge_is_refused(self, otp_caller: OtpCaller) -> None:
        request_id = uuid.uuid4()
        await otp_caller.send(request_id)
        assert refusal(await otp_caller.send(request_id, reference="other")) == (422, "IDEMPOTENCY_KEY_REUSED")

    async def test_no_second_code_is_sent_within_the_resend_interval(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        await otp_caller.send()
        await otp_caller.let_time_pass(RESEND_SECONDS - 10)

        request_id = uuid.uuid4()
        too_soon, repeated = await otp_caller.send(request_id), None
        await otp_caller.let_time_pass(10)
        repeated = await otp_caller.send(request_id)

        assert sent(too_soon) is False
        assert too_soon.json()["data"]["retry_after_seconds"] in {9, 10}
        assert repeated.json() == too_soon.json()
        assert await sandbox.codes_sent_to(otp_caller.phone) == 1

    async def test_later_code_replaces_the_first(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        await otp_caller.send()
        await otp_caller.let_time_pass()
        await sandbox.use_code(otp_caller.phone, "777777")

        assert sent(await otp_caller.send()) is True

        assert refusal(await otp_caller.verify(CODE)) == (401, "OTP_INVALID")
        assert (await otp_caller.verify("777777")).status_code == 200

    async def test_new_code_keeps_the_count_of_wrong_attempts(self, otp_caller: OtpCaller) -> None:
        await otp_caller.send()
        for _ in range(2):
            await otp_caller.verify(WRONG_CODE)
        await otp_caller.let_time_pass()
        await otp_caller.send()
        assert refusal(await otp_caller.verify(WRONG_CODE)) == (429, "OTP_MAX_RETRIES")

    async def test_new_code_after_three_wrong_attempts_is_sent_at_once_and_resets_the_count(
        self, otp_caller: OtpCaller
    ) -> None:
        await otp_caller.send()
        for _ in range(3):
            await otp_caller.verify(WRONG_CODE)

        assert sent(await otp_caller.send()) is True

        wrong = [code_of(await otp_caller.verify(WRONG_CODE)) for _ in range(2)]
        assert wrong == ["OTP_INVALID", "OTP_INVALID"]
        assert (await otp_caller.verify()).status_code == 200

    async def test_no_code_is_sent_for_a_transfer_after_three_wrong_attempts(
        self, ledger: LedgerCaller, sandbox: Sandbox
    ) -> None:
        otp_caller = await new_otp_caller(ledger, context="transfer")
        request_id = uuid.uuid4()
        await otp_caller.send(request_id)
        wrong = [refusal(await otp_caller.verify(WRONG_CODE)) for _ in range(3)]
        refused = [await otp_caller.send()]
        await otp_caller.let_time_pass()
        same = uuid.uuid4()
        refused += [await otp_caller.send(same), await otp_caller.send(same)]

        assert wrong[-1] == (429, "OTP_MAX_RETRIES")
        assert {refusal(answer) for answer in refused} == {(429, "OTP_MAX_RETRIES")}
        assert sent(await otp_caller.send(request_id)) is True  # the first response
        assert await sandbox.codes_sent_to(otp_caller.phone) == 1
        assert refusal(await otp_caller.verify()) == (429, "OTP_MAX_RETRIES")

    async def test_third_wrong_code_of_a_transfer_ends_it_during_another_send(
        self, ledger: LedgerCaller, sandbox: Sandbox
    ) -> None:
        otp_caller = await new_otp_caller(ledger, context="transfer")
        await otp_caller.send()
        for _ in range(2):
            await otp_caller.verify(WRONG_CODE)
        await otp_caller.let_time_pass()
        await sandbox.order_fault("/SendOTP", delay_seconds=UNTIL_CLEARED, times=1)
        sending = asyncio.ensure_future(otp_caller.send())
        await eventually(lambda: is_sending(otp_caller))

        assert refusal(await otp_caller.verify(WRONG_CODE)) == (429, "OTP_MAX_RETRIES")

        await sandbox.clear_faults()
        await sending
        assert refusal(await otp_caller.verify()) == (429, "OTP_MAX_RETRIES")

    async def test_third_attempt_of_a_transfer_in_progress_does_not_count_as_wrong(
        self, ledger: LedgerCaller, sandbox: Sandbox
    ) -> None:
        otp_caller = await new_otp_caller(ledger, context="transfer")
        await otp_caller.send()
        for _ in range(2):
            await otp_caller.verify(WRONG_CODE)
        await otp_caller.let_time_pass()
        await sandbox.order_fault("/VerifyOTP", delay_seconds=UNTIL_CLEARED, times=1)
        trying = asyncio.ensure_future(otp_caller.verify())
        await eventually(lambda: is_verifying(otp_caller))

        assert refusal(await otp_caller.send()) == (409, "REQUEST_IN_PROGRESS")

        await sandbox.clear_faults()
        assert (await trying).status_code == 200
        assert sent(await otp_caller.send()) is False

    async def test_verified_challenge_gets_no_code(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        await otp_caller.send()
        await otp_caller.verify()
        await otp_caller.let_time_pass()
        answer = await otp_caller.send()
        assert answer.json()["data"] == {"sent": False, "retry_after_seconds": None}
        assert await sandbox.codes_sent_to(otp_caller.phone) == 1

    async def test_provider_outage_is_503_and_the_same_request_succeeds_later(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        request_id = uuid.uuid4()
        await sandbox.order_fault("/SendOTP", status=500, times=6)
        outages = [await otp_caller.send(request_id) for _ in range(6)]
        assert {refusal(answer) for answer in outages} == {(503, "SERVICE_UNAVAILABLE")}
        assert await otp_caller.challenges() == 0
        assert sent(await otp_caller.send(request_id)) is True

    async def test_provider_outage_keeps_the_previous_code(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        await otp_caller.send()
        await otp_caller.let_time_pass()
        await sandbox.order_fault("/SendOTP", status=500, times=1)
        assert (await otp_caller.send()).status_code == 503
        assert (await otp_caller.verify()).status_code == 200

    async def test_provider_outage_keeps_the_count_of_wrong_attempts(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        await otp_caller.send()
        for _ in range(2):
            await otp_caller.verify(WRONG_CODE)
        await sandbox.expire_codes(otp_caller.phone)
        await otp_caller.verify()
        await sandbox.order_fault("/SendOTP", status=500, times=1)
        assert (await otp_caller.send()).status_code == 503
        assert sent(await otp_caller.send()) is True
        assert refusal(await otp_caller.verify(WRONG_CODE)) == (429, "OTP_MAX_RETRIES")

    async def test_concurrent_requests_send_one_code(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        await sandbox.order_fault("/SendOTP", delay_seconds=UNTIL_CLEARED)
        same = uuid.uuid4()

        sending = [
            *(asyncio.ensure_future(otp_caller.send(same)) for _ in range(5)),
            *(asyncio.ensure_future(otp_caller.send(uuid.uuid4())) for _ in range(5)),
        ]
        await eventually(lambda: sum(each.done() for each in sending) == len(sending) - 1)
        await sandbox.clear_faults()
        answers = await asyncio.gather(*sending)

        assert await sandbox.codes_sent_to(otp_caller.phone) == 1
        assert {refusal(answer) for answer in answers} == {(200, ""), (409, "REQUEST_IN_PROGRESS")}
        assert [sent(answer) for answer in answers if answer.status_code == 200] == [True]
        assert sent(await otp_caller.send(same)) in {True, False}

    async def test_crashed_sender_does_not_block_later_sends(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        await otp_caller.database.execute(
            text(
                "INSERT INTO otp_challenges (user_id, context, reference, sending_request_id, sending_until) "
                "VALUES (:user_id, :context, :reference, gen_random_uuid(), now() + make_interval(secs => 0.5))"
            ),
            {**otp_caller.challenge_key, "user_id": otp_caller.user_id},
        )
        assert refusal(await otp_caller.send()) == (409, "REQUEST_IN_PROGRESS")

        async def is_sent() -> bool:
            return (await otp_caller.send()).status_code == 200

        await eventually(is_sent)
        assert await sandbox.codes_sent_to(otp_caller.phone) == 1

    async def test_sends_of_one_account_are_limited_for_each_context(self, otp_caller: OtpCaller) -> None:
        answers = [await otp_caller.send(reference=f"order {n}".replace(" ", "-")) for n in range(6)]
        elsewhere = await otp_caller.send(context="transfer")

        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert (code_of(answers[-1]), int(answers[-1].headers["retry-after"]) > 3000) == ("RATE_LIMITED", True)
        assert sent(elsewhere) is True
        assert await otp_caller.challenges() == 6  # none for the refused one

    async def test_sends_requested_by_others_do_not_use_the_recipients_limit(
        self, limited_otp_caller: OtpCaller
    ) -> None:
        async def send(number: int, **more: str) -> tuple[int, str]:
            reference = f"transfer-{number}"
            return refusal(
                await limited_otp_caller.send(context="transfer", reference=reference, address=fresh_address(), **more)
            )

        by_others = [await send(number, requested_by_user_id=str(uuid.uuid4())) for number in range(3)]
        own = [await send(number) for number in range(3, 6)]

        assert by_others == own == [(200, ""), (200, ""), (429, "RATE_LIMITED")]

    async def test_requester_is_limited_across_recipients(self, limited_otp_caller: OtpCaller) -> None:
        ledger, requester = (
            LedgerCaller(limited_otp_caller.http, limited_otp_caller.database),
            limited_otp_caller.user_id,
        )
        answers = [
            await (await new_otp_caller(ledger)).send(context="transfer", requested_by_user_id=str(requester))
            for _ in range(3)
        ]
        own = await limited_otp_caller.send(context="transfer")

        assert [refusal(answer) for answer in answers] == [(200, ""), (200, ""), (429, "RATE_LIMITED")]
        assert sent(own) is True

    async def test_sixth_sale_of_a_seller_within_the_hour_gets_its_code(self, limited_otp_caller: OtpCaller) -> None:
        """Each buyer asks for a code to the seller, who waits for it; nor does one buyer of many tickets wait."""

        async def send(buyer: uuid.UUID) -> tuple[int, str]:
            sale = {"context": "resale", "reference": str(uuid.uuid4()), "address": fresh_address()}
            return refusal(await limited_otp_caller.send(**sale, requested_by_user_id=str(buyer)))

        one_buyer = uuid.uuid4()
        assert {await send(uuid.uuid4()) for _ in range(6)} == {(200, "")}
        assert {await send(one_buyer) for _ in range(6)} == {(200, "")}

    async def test_codes_for_one_sale_are_limited(self, otp_caller: OtpCaller) -> None:
        answers = []
        for _ in range(6):
            answers.append(refusal(await otp_caller.send(context="resale", requested_by_user_id=str(uuid.uuid4()))))
            await otp_caller.let_time_pass()
        assert answers == [(200, "")] * 5 + [(429, "RATE_LIMITED")]

    async def test_sends_count_for_the_requesters_network(self, limited_otp_caller: OtpCaller) -> None:
        ledger, address = LedgerCaller(limited_otp_caller.http, limited_otp_caller.database), fresh_address()
        answers = [
            await (await new_otp_caller(ledger)).send(address=address, requested_by_user_id=str(uuid.uuid4()))
            for _ in range(4)
        ]
        assert [code_of(answer) for answer in answers] == ["", "", "", "RATE_LIMITED"]

    async def test_send_refused_by_the_provider_does_not_count(
        self, limited_otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        otp_caller, requester = limited_otp_caller, str(uuid.uuid4())
        await sandbox.order_fault("/SendOTP", status=500, times=3)
        outages = [await otp_caller.send(requested_by_user_id=requester) for _ in range(3)]
        assert {answer.status_code for answer in outages} == {503}
        assert sent(await otp_caller.send(requested_by_user_id=requester)) is True

    async def test_repetition_may_name_another_requester(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        request_id = uuid.uuid4()
        first = await otp_caller.send(request_id)
        second = await otp_caller.send(request_id, requested_by_user_id=str(uuid.uuid4()))
        assert first.json() == second.json()
        assert await sandbox.codes_sent_to(otp_caller.phone) == 1

    async def test_sends_for_one_network_are_limited(self, limited_otp_caller: OtpCaller) -> None:
        ledger, address = LedgerCaller(limited_otp_caller.http, limited_otp_caller.database), fresh_address()
        answers = [await (await new_otp_caller(ledger)).send(address=address) for _ in range(4)]
        assert [code_of(answer) for answer in answers] == ["", "", "", "RATE_LIMITED"]

    async def test_unknown_user_is_404_and_the_refusal_is_not_stored(self, otp_caller: OtpCaller) -> None:
        assert refusal(await otp_caller.send(user_id=str(uuid.uuid4()))) == (404, "USER_NOT_FOUND")

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
    async def test_invalid_request_is_400(self, otp_caller: OtpCaller, bad: dict[str, object]) -> None:
        assert refusal(await otp_caller.send(**bad)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("missing", ["request_id", "user_id", "requested_by_user_id", "context", "address"])
    async def test_missing_field_is_400(self, otp_caller: OtpCaller, missing: str) -> None:
        ids = {"request_id": str(uuid.uuid4()), "requested_by_user_id": str(otp_caller.user_id)}
        body = {**ids, **otp_caller.challenge_key, "address": otp_caller.address}
        del body[missing]
        assert refusal(await otp_caller.http.post("/internal/otp/send", json=body)) == (400, "VALIDATION_ERROR")
