"""A verify-registration whose response was lost is repeated (W1)."""

import asyncio
import uuid

from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.user_client import CODE, WRONG_CODE, UserClient, code_of, outbox_of


class TestRepeatedCode:
    async def test_repetition_after_a_lost_response_logs_in(self, user_client: UserClient, database: Database) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]

        answers = [await user_client.verify(user_id) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200] * 3
        assert {answer.json()["data"]["user"]["user_id"] for answer in answers} == {user_id}
        assert len({answer.json()["data"]["refresh_token"] for answer in answers}) == 3
        assert await outbox_of(database, user_id) == ["user.registered"]

    async def test_wrong_code_after_the_right_one_never_logs_in(self, user_client: UserClient) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]
        await user_client.verify(user_id)

        answers = [await user_client.verify(user_id, WRONG_CODE) for _ in range(3)]
        right = await user_client.verify(user_id)

        assert [code_of(answer) for answer in answers] == ["OTP_INVALID", "OTP_INVALID", "OTP_MAX_RETRIES"]
        assert code_of(right) == "OTP_MAX_RETRIES"

    async def test_code_cannot_be_repeated_after_ten_minutes(self, user_client: UserClient, database: Database) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]
        await user_client.verify(user_id)
        await database.execute(
            text(
                "UPDATE otp_challenges SET verified_at = verified_at - interval '10 minutes' WHERE user_id = :user_id"
            ),
            {"user_id": uuid.UUID(user_id)},
        )
        answer = await user_client.verify(user_id)
        assert (answer.status_code, code_of(answer)) == (410, "OTP_EXPIRED")

    async def test_concurrent_repetitions_verify_once(self, user_client: UserClient, database: Database) -> None:
        user_id = (await user_client.register(**user_client.new_facts())).json()["data"]["user_id"]

        answers = await asyncio.gather(*(user_client.verify(user_id) for _ in range(3)))

        statuses = {answer.status_code for answer in answers}
        assert 200 in statuses
        assert statuses <= {200, 410}  # 410: the provider knows a code once, and the other call has not stored it yet
        assert await outbox_of(database, user_id) == ["user.registered"]

    async def test_id_of_the_provider_is_cleared(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        row = await database.fetch_one(
            text("SELECT verification_sid, code_hash FROM otp_challenges WHERE user_id = :user_id"),
            {"user_id": user.user_id},
        )
        assert row is not None
        assert row["verification_sid"] is None
        assert CODE.encode() not in row["code_hash"]
