"""Verification codes: three attempts, permanent success, withdrawal by the undo (T6)."""

import asyncio
import uuid

import pytest
from sqlalchemy import text

from common.db.retention import TableRetention
from tests.integration.users.otp_caller import (
    UNTIL_CLEARED,
    OtpCaller,
    is_sending,
    is_verifying,
    new_otp_caller,
    refusal,
    sent,
)
from tests.integration.users.user_client import CODE, WRONG_CODE, LedgerCaller, Sandbox, code_of
from tests.support.waiting import eventually
from users.confirmation_codes.repository import CODES_RETENTION, PROOFS_RETENTION


class TestVerify:
    async def test_the_right_code_verifies(self, otp_caller: OtpCaller) -> None:
        await otp_caller.send()
        assert (await otp_caller.verify()).json()["data"] == {"verified": True}

    async def test_verified_challenge_does_not_call_the_provider(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        await otp_caller.send()
        await otp_caller.verify()
        await sandbox.order_fault("/VerifyOTP", status=500)
        assert [(await otp_caller.verify(code)).status_code for code in (CODE, WRONG_CODE)] == [200, 200]

    async def test_id_of_the_provider_is_cleared(self, otp_caller: OtpCaller) -> None:
        await otp_caller.send()
        await otp_caller.verify()
        challenge = text("SELECT verification_sid, verified_at FROM otp_challenges WHERE user_id = :user_id")
        row = await otp_caller.database.fetch_one(challenge, {"user_id": otp_caller.user_id})
        assert row is not None
        assert row["verification_sid"] is None
        assert row["verified_at"] is not None

    async def test_wrong_code_is_401_and_the_third_permanently_429(self, otp_caller: OtpCaller) -> None:
        await otp_caller.send()
        answers = [refusal(await otp_caller.verify(WRONG_CODE)) for _ in range(3)]
        assert answers == [(401, "OTP_INVALID"), (401, "OTP_INVALID"), (429, "OTP_MAX_RETRIES")]
        late = await otp_caller.verify()
        assert refusal(late) == (429, "OTP_MAX_RETRIES")
        assert late.headers["retry-after"] == "1"

    async def test_expired_code_is_410_without_an_attempt_and_allows_a_new_code(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        await otp_caller.send()
        await sandbox.expire_codes(otp_caller.phone)
        for _ in range(4):
            assert refusal(await otp_caller.verify()) == (410, "OTP_EXPIRED")

        assert sent(await otp_caller.send()) is True

        assert (await otp_caller.verify()).status_code == 200

    async def test_missing_challenge_is_410(self, otp_caller: OtpCaller) -> None:
        assert refusal(await otp_caller.verify()) == (410, "OTP_EXPIRED")

    async def test_provider_outage_is_503_without_an_attempt(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        await otp_caller.send()
        await sandbox.order_fault("/VerifyOTP", status=502, times=5)
        outages = [await otp_caller.verify() for _ in range(5)]
        assert {refusal(answer) for answer in outages} == {(503, "SERVICE_UNAVAILABLE")}
        wrong = [code_of(await otp_caller.verify(WRONG_CODE)) for _ in range(2)]
        assert wrong == ["OTP_INVALID", "OTP_INVALID"]
        assert (await otp_caller.verify()).status_code == 200

    async def test_concurrent_guesses_cannot_exceed_the_limit(self, otp_caller: OtpCaller) -> None:
        await otp_caller.send()
        guesses = [await asyncio.gather(*(otp_caller.verify(f"{n:06d}") for n in range(20))) for _ in range(4)]
        codes = [code_of(guess) for burst in guesses for guess in burst]
        assert codes.count("OTP_INVALID") == 2
        assert set(codes) == {"OTP_INVALID", "OTP_MAX_RETRIES", "REQUEST_IN_PROGRESS"}
        assert refusal(await otp_caller.verify()) == (429, "OTP_MAX_RETRIES")

    async def test_concurrent_right_codes_are_not_refused_as_expired(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        await otp_caller.send()
        await sandbox.order_fault("/VerifyOTP", delay_seconds=UNTIL_CLEARED)
        verifying = [asyncio.ensure_future(otp_caller.verify()) for _ in range(5)]
        await eventually(lambda: sum(each.done() for each in verifying) == len(verifying) - 1)
        await sandbox.clear_faults()
        answers = await asyncio.gather(*verifying)
        assert sorted(map(refusal, answers)) == [(200, ""), *[(409, "REQUEST_IN_PROGRESS")] * 4]
        assert (await otp_caller.verify()).status_code == 200

    async def test_code_replaced_during_verification_is_not_accepted(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        await otp_caller.send()
        await otp_caller.let_time_pass()
        await sandbox.order_fault("/VerifyOTP", delay_seconds=UNTIL_CLEARED, times=1)
        checking = asyncio.ensure_future(otp_caller.verify())
        await eventually(lambda: is_verifying(otp_caller))
        await otp_caller.send()
        await sandbox.clear_faults()
        assert refusal(await checking) == (410, "OTP_EXPIRED")
        assert (await otp_caller.verify()).status_code == 200

    @pytest.mark.parametrize("other", [{"context": "transfer"}, {"reference": "another"}])
    async def test_verification_is_bound_to_its_challenge(self, otp_caller: OtpCaller, other: dict[str, str]) -> None:
        await otp_caller.send()
        await otp_caller.verify()
        assert refusal(await otp_caller.verify(**other)) == (410, "OTP_EXPIRED")

    async def test_two_users_have_separate_challenges(self, ledger: LedgerCaller) -> None:
        seller = await new_otp_caller(ledger, context="transfer", reference="one")
        buyer = await new_otp_caller(ledger, context="transfer", reference="one")
        await seller.send()
        await buyer.send()
        await seller.verify()
        assert refusal(await buyer.verify(WRONG_CODE)) == (401, "OTP_INVALID")


class TestWithdraw:
    async def test_withdrawal_closes_the_challenge_and_refuses_a_late_send(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        send = uuid.uuid4()
        withdrawn = await otp_caller.withdraw(send)
        late = await otp_caller.send(send)
        assert (withdrawn.status_code, withdrawn.json()["data"]) == (200, {})
        assert refusal(late) == (409, "REQUEST_UNDONE")
        assert await sandbox.codes_sent_to(otp_caller.phone) == 0
        assert await otp_caller.challenges() == 0

    @pytest.mark.parametrize("is_verified", [False, True])
    async def test_code_is_invalid_after_withdrawal(self, otp_caller: OtpCaller, is_verified: bool) -> None:  # noqa: FBT001 - a parameter of the test
        send, withdrawal = uuid.uuid4(), uuid.uuid4()
        await otp_caller.send(send)
        if is_verified:
            await otp_caller.verify()

        answers = [await otp_caller.withdraw(send, withdrawal), await otp_caller.withdraw(send, withdrawal)]
        answers.append(await otp_caller.withdraw(send))

        assert {answer.status_code for answer in answers} == {200}
        assert refusal(await otp_caller.verify()) == (410, "OTP_EXPIRED")
        assert await otp_caller.challenges() == 0

    async def test_another_send_reopens_the_challenge(self, otp_caller: OtpCaller) -> None:
        send = uuid.uuid4()
        await otp_caller.send(send)
        await otp_caller.withdraw(send)
        assert sent(await otp_caller.send()) is True
        assert (await otp_caller.verify()).status_code == 200

    async def test_withdrawal_during_a_send_leaves_no_challenge(self, otp_caller: OtpCaller, sandbox: Sandbox) -> None:
        send = uuid.uuid4()
        await sandbox.order_fault("/SendOTP", delay_seconds=UNTIL_CLEARED, times=1)
        sending = asyncio.ensure_future(otp_caller.send(send))
        await eventually(lambda: is_sending(otp_caller))

        assert (await otp_caller.withdraw(send)).status_code == 200

        await sandbox.clear_faults()
        assert refusal(await sending) == (409, "REQUEST_UNDONE")
        assert await sandbox.codes_sent_to(otp_caller.phone) == 1
        assert await otp_caller.challenges() == 0
        assert refusal(await otp_caller.verify()) == (410, "OTP_EXPIRED")

    async def test_withdrawal_of_one_send_stops_another_in_flight(
        self, otp_caller: OtpCaller, sandbox: Sandbox
    ) -> None:
        first, second = uuid.uuid4(), uuid.uuid4()
        await otp_caller.send(first)
        await otp_caller.let_time_pass()
        await sandbox.order_fault("/SendOTP", delay_seconds=UNTIL_CLEARED, times=1)
        sending = asyncio.ensure_future(otp_caller.send(second))
        await eventually(lambda: is_sending(otp_caller))

        await otp_caller.withdraw(first)

        await sandbox.clear_faults()
        assert refusal(await sending) == (503, "SERVICE_UNAVAILABLE")
        assert await otp_caller.challenges() == 0
        assert sent(await otp_caller.send(second)) is True

    async def test_concurrent_withdrawal_and_send_have_one_outcome(self, ledger: LedgerCaller) -> None:
        async def race() -> tuple[int, int]:
            otp_caller, send = await new_otp_caller(ledger), uuid.uuid4()
            answers = await asyncio.gather(
                otp_caller.send(send), otp_caller.withdraw(send), otp_caller.send(send), otp_caller.withdraw(send)
            )
            assert {answers[1].status_code, answers[3].status_code} == {200}
            assert refusal(await otp_caller.send(send)) in {(200, ""), (409, "REQUEST_UNDONE")}
            return await otp_caller.challenges(), (await otp_caller.verify()).status_code

        assert set(await asyncio.gather(*(race() for _ in range(15)))) == {(0, 410)}


class TestHousekeeping:
    async def test_old_challenges_are_deleted(self, otp_caller: OtpCaller) -> None:
        old, young = otp_caller, await new_otp_caller(LedgerCaller(otp_caller.http, otp_caller.database))
        await old.send()
        await young.send()
        await old.let_time_pass(86_401)
        await young.let_time_pass(86_000)

        await TableRetention(otp_caller.database, CODES_RETENTION).delete_old()

        assert (await old.challenges(), await young.challenges()) == (0, 1)

    async def test_proof_of_a_purchase_outlives_the_longest_wait_for_its_payment(self, otp_caller: OtpCaller) -> None:
        """A tip is scheduled for 30 days and performed within another one. Other proofs are used at once."""
        ledger = LedgerCaller(otp_caller.http, otp_caller.database)
        due, old, transfer = [await new_otp_caller(ledger, context=one) for one in ("purchase", "purchase", "transfer")]
        for caller, days in ((due, 31), (old, 36), (transfer, 2)):
            await caller.send()
            assert (await caller.verify()).status_code == 200
            await caller.let_time_pass(days * 86_400)

        for retention in (CODES_RETENTION, PROOFS_RETENTION):
            await TableRetention(otp_caller.database, retention).delete_old()

        assert [await caller.challenges() for caller in (due, old, transfer)] == [1, 0, 0]
