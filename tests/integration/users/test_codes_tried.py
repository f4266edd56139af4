"""Codes that confirm something: tried three times, right for good, withdrawn by the undo (T6)."""

import asyncio
import uuid

import pytest

from tests.integration.users.desk import UNTIL_CLEARED, Desk, is_claimed, is_trying, new_desk, refusal, sent
from tests.integration.users.people import CODE, WRONG_CODE, Books, Sandbox, code_of
from tests.support.waiting import eventually
from users.confirmations.repository import ConfirmationRepository


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
        await sandbox.order_fault("/VerifyOTP", delay_seconds=UNTIL_CLEARED)
        verifying = [asyncio.ensure_future(desk.verify()) for _ in range(5)]
        await eventually(lambda: sum(each.done() for each in verifying) == len(verifying) - 1)
        await sandbox.clear_faults()
        answers = await asyncio.gather(*verifying)
        assert sorted(map(refusal, answers)) == [(200, ""), *[(409, "REQUEST_IN_PROGRESS")] * 4]
        assert (await desk.verify()).status_code == 200

    async def test_a_code_replaced_while_it_is_checked_proves_nothing(self, desk: Desk, sandbox: Sandbox) -> None:
        await desk.send()
        await desk.let_time_pass()
        await sandbox.order_fault("/VerifyOTP", delay_seconds=UNTIL_CLEARED, times=1)
        checking = asyncio.ensure_future(desk.verify())
        await eventually(lambda: is_trying(desk))
        await desk.send()
        await sandbox.clear_faults()
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
        await sandbox.order_fault("/SendOTP", delay_seconds=UNTIL_CLEARED, times=1)
        sending = asyncio.ensure_future(desk.send(send))
        await eventually(lambda: is_claimed(desk))

        assert (await desk.withdraw(send)).status_code == 200

        await sandbox.clear_faults()
        assert refusal(await sending) == (409, "REQUEST_UNDONE")
        assert await sandbox.codes_sent_to(desk.phone) == 1
        assert await desk.challenges() == 0
        assert refusal(await desk.verify()) == (410, "OTP_EXPIRED")

    async def test_of_one_send_stops_another_in_flight(self, desk: Desk, sandbox: Sandbox) -> None:
        first, second = uuid.uuid4(), uuid.uuid4()
        await desk.send(first)
        await desk.let_time_pass()
        await sandbox.order_fault("/SendOTP", delay_seconds=UNTIL_CLEARED, times=1)
        sending = asyncio.ensure_future(desk.send(second))
        await eventually(lambda: is_claimed(desk))

        await desk.withdraw(first)

        await sandbox.clear_faults()
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
