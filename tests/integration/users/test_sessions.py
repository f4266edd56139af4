"""Sessions: refresh and logout (W1)."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import httpx
import jwt
import pytest
from aio_pika.abc import AbstractQueue
from sqlalchemy import text

from common.auth.user_tokens import UserTokenVerifier
from common.db.engine import Database
from common.messaging.declarations import MESSAGES_EXCHANGE
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient, code_of
from tests.support.timeouts import ANSWER_SECONDS
from tests.support.waiting import eventually
from users.settings import Settings

WAITING_REFRESH = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND query LIKE '%WITH spent%'"
)


async def revoked_sessions(ledger: LedgerCaller) -> dict[str, str]:
    """Return what a gateway loads at its start: session id → expiry."""
    data = (await ledger.http.get("/internal/sessions/revoked")).json()["data"]
    return {session["session_id"]: session["expires_at"] for session in data}


def session_of(access_token: str) -> str:
    return str(jwt.decode(access_token, options={"verify_signature": False})["sid"])


class TestAccessTokens:
    async def test_access_token_is_verified_by_the_platform(self, user_client: UserClient, settings: Settings) -> None:
        user = await user_client.join()

        async def published_keys() -> dict[str, object]:
            return dict((await user_client.http.get("/.well-known/jwks.json")).json())

        principal = await UserTokenVerifier(published_keys).verify(user.access_token)

        lifetime = principal.expires_at - datetime.now(UTC)
        assert principal.user_id == user.user_id
        assert principal.roles == {"customer"}
        assert timedelta(seconds=settings.access_token_ttl_seconds - 10) < lifetime <= timedelta(minutes=15)

    async def test_access_token_names_its_key_and_is_unique(self, user_client: UserClient) -> None:
        user = await user_client.join()
        again = (await user_client.log_in(user.email)).json()["data"]["access_token"]
        first, second = (jwt.decode(token, options={"verify_signature": False}) for token in (user.access_token, again))
        (key,) = (await user_client.http.get("/.well-known/jwks.json")).json()["keys"]

        assert jwt.get_unverified_header(again)["kid"] == key["kid"]
        assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
        assert "d" not in key
        assert first["jti"] != second["jti"]
        assert first["sid"] != second["sid"]


class TestRefresh:
    @staticmethod
    async def exchange(user_client: UserClient, token: str) -> str:
        """Exchange a refresh token, which succeeds, and return its successor."""
        answer = await user_client.refresh(token)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["refresh_token"])

    async def test_refresh_returns_new_tokens_of_the_same_session(self, user_client: UserClient) -> None:
        user = await user_client.join()

        data = (await user_client.refresh(user.refresh_token)).json()["data"]

        assert data["expires_in"] == 900
        assert data["refresh_token"] != user.refresh_token
        assert session_of(data["access_token"]) == session_of(user.access_token)

    async def test_refresh_can_be_repeated(self, user_client: UserClient) -> None:
        token = (await user_client.join()).refresh_token
        for _ in range(5):
            answer = await user_client.refresh(token)
            assert answer.status_code == 200
            token = answer.json()["data"]["refresh_token"]

    async def test_a_used_token_ends_the_whole_session(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        """A thief replays a token whose successor its owner has used; or the owner does, and the thief had replayed it."""
        user = await user_client.join()
        successor = await self.exchange(user_client, user.refresh_token)
        newest = await self.exchange(user_client, successor)

        reuse = await user_client.refresh(user.refresh_token)
        after = await user_client.refresh(newest)

        assert (reuse.status_code, code_of(reuse)) == (401, "UNAUTHORIZED")
        assert (after.status_code, code_of(after)) == (401, "UNAUTHORIZED")
        assert session_of(user.access_token) in await revoked_sessions(ledger)

    async def test_thief_who_repeats_in_time_is_detected_later(self, user_client: UserClient) -> None:
        user = await user_client.join()
        own = await self.exchange(user_client, user.refresh_token)
        stolen = await self.exchange(user_client, user.refresh_token)
        await self.exchange(user_client, own)
        assert (await user_client.refresh(user.refresh_token)).status_code == 401
        assert (await user_client.refresh(stolen)).status_code == 401

    async def test_two_tabs_that_refresh_at_once_stay_logged_in(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answers = await asyncio.gather(*(user_client.refresh(user.refresh_token) for _ in range(10)))
        tabs = [answer.json()["data"]["refresh_token"] for answer in answers]
        assert len(set(tabs)) == 10
        for _ in range(2):
            tabs = [await self.exchange(user_client, tab) for tab in tabs]

    async def test_lost_answer_is_given_again(self, user_client: UserClient) -> None:
        user = await user_client.join()
        await user_client.refresh(user.refresh_token)
        again = await self.exchange(user_client, user.refresh_token)
        await self.exchange(user_client, again)

    async def test_repetition_after_its_time_ends_the_session(
        self, user_client: UserClient, database: Database
    ) -> None:
        user = await user_client.join()
        first = await self.exchange(user_client, user.refresh_token)
        again = await self.exchange(user_client, user.refresh_token)
        await database.execute(
            text(
                "UPDATE refresh_tokens SET repeatable_until = repeatable_until - interval '30 s' WHERE token_hash = :hash"
            ),
            {"hash": hashlib.sha256(user.refresh_token.encode()).digest()},
        )
        for token in (user.refresh_token, first, again):
            assert (await user_client.refresh(token)).status_code == 401

    async def test_repetition_does_not_prolong_the_time(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        row = "SELECT used_at, repeatable_until FROM refresh_tokens WHERE token_hash = :hash"
        found = []
        for _ in range(2):
            await self.exchange(user_client, user.refresh_token)
            key = {"hash": hashlib.sha256(user.refresh_token.encode()).digest()}
            found.append(await database.fetch_one(text(row), key))
        assert found[0] == found[1] is not None

    async def test_token_used_at_the_previous_release_is_not_repeated(
        self, user_client: UserClient, database: Database
    ) -> None:
        user = await user_client.join()
        await database.execute(
            text("UPDATE refresh_tokens SET used_at = now() WHERE token_hash = :hash"),
            {"hash": hashlib.sha256(user.refresh_token.encode()).digest()},
        )
        assert (await user_client.refresh(user.refresh_token)).status_code == 401

    async def test_refreshes_of_a_session_are_limited_and_cost_no_token(
        self, guessed_user_client: UserClient, database: Database
    ) -> None:
        user = await guessed_user_client.join()
        token = await self.exchange(guessed_user_client, user.refresh_token)
        token = await self.exchange(guessed_user_client, token)

        refused = await guessed_user_client.refresh(token)
        await database.execute(text("UPDATE refresh_tokens SET created_at = created_at - interval '1 minute'"))

        assert (refused.status_code, code_of(refused)) == (429, "RATE_LIMITED")
        assert refused.headers["retry-after"] == "60"
        await self.exchange(guessed_user_client, token)

    async def test_other_sessions_of_the_user_stay_active(self, user_client: UserClient) -> None:
        user = await user_client.join()
        elsewhere = (await user_client.log_in(user.email)).json()["data"]["refresh_token"]
        await self.exchange(user_client, await self.exchange(user_client, user.refresh_token))
        await user_client.refresh(user.refresh_token)
        assert (await user_client.refresh(elsewhere)).status_code == 200

    async def test_expired_token_is_refused_as_expired(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        await database.execute(
            text("UPDATE refresh_tokens SET expires_at = now() WHERE token_hash = :token_hash"),
            {"token_hash": hashlib.sha256(user.refresh_token.encode()).digest()},
        )
        answer = await user_client.refresh(user.refresh_token)
        assert (answer.status_code, code_of(answer)) == (401, "TOKEN_EXPIRED")

    async def test_refresh_token_expires_after_seven_days(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        row = await database.fetch_one(
            text("SELECT expires_at - now() AS life FROM refresh_tokens WHERE token_hash = :token_hash"),
            {"token_hash": hashlib.sha256(user.refresh_token.encode()).digest()},
        )
        assert row is not None
        assert timedelta(days=7) - timedelta(minutes=1) < row["life"] <= timedelta(days=7)

    async def test_access_token_is_refused_as_a_refresh_token(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answer = await user_client.refresh(user.access_token)
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")

    @pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic eDp5"}])
    async def test_without_a_token_is_401(self, user_client: UserClient, headers: dict[str, str]) -> None:
        answer = await user_client.http.post("/api/auth/refresh", headers=headers)
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")

    async def test_refresh_tokens_are_stored_hashed(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        row = await database.fetch_one(
            text("SELECT count(*) AS found FROM refresh_tokens WHERE token_hash = :token"),
            {"token": user.refresh_token.encode()},
        )
        assert row is not None
        assert row["found"] == 0


class TestLogOut:
    async def test_ends_the_session(self, user_client: UserClient, ledger: LedgerCaller) -> None:
        user = await user_client.join()

        answer = await user_client.log_out(user)

        assert answer.status_code == 200
        assert answer.json()["data"]["message"]
        assert (await user_client.refresh(user.refresh_token)).status_code == 401
        assert session_of(user.access_token) in await revoked_sessions(ledger)

    async def test_twice_is_harmless(self, user_client: UserClient) -> None:
        user = await user_client.join()
        assert [(await user_client.log_out(user)).status_code for _ in range(2)] == [200, 200]

    async def test_needs_a_token(self, user_client: UserClient) -> None:
        answer = await user_client.http.post("/api/auth/logout")
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")

    async def test_other_sessions_are_kept(self, user_client: UserClient) -> None:
        user = await user_client.join()
        elsewhere = (await user_client.log_in(user.email)).json()["data"]["refresh_token"]
        await user_client.log_out(user)
        assert (await user_client.refresh(elsewhere)).status_code == 200

    async def test_logout_wins_against_a_concurrent_refresh(self, user_client: UserClient) -> None:
        for _ in range(5):
            user = await user_client.join()
            renewed, _ = await asyncio.gather(user_client.refresh(user.refresh_token), user_client.log_out(user))
            token = renewed.json()["data"]["refresh_token"] if renewed.status_code == 200 else user.refresh_token
            assert (await user_client.refresh(token)).status_code == 401

    async def test_refresh_that_waits_for_a_logout_is_refused(
        self, user_client: UserClient, database: Database
    ) -> None:
        user = await user_client.join()
        async with database.transaction() as log_out:
            await log_out.execute(
                text("UPDATE sessions SET revoked_at = now() WHERE session_id = :session_id"),
                {"session_id": uuid.UUID(session_of(user.access_token))},
            )
            renewing = asyncio.ensure_future(user_client.refresh(user.refresh_token))
            await eventually(lambda: database.fetch_all(WAITING_REFRESH))
        renewed = await renewing
        assert (renewed.status_code, code_of(renewed)) == (401, "UNAUTHORIZED")

    async def test_revoked_session_is_listed_until_its_access_tokens_expire(
        self, user_client: UserClient, ledger: LedgerCaller, database: Database
    ) -> None:
        user = await user_client.join()
        newest = (await user_client.refresh(user.refresh_token)).json()["data"]["access_token"]
        session_id = session_of(newest)
        await user_client.log_out(user)

        expires_at = (await revoked_sessions(ledger))[session_id]
        expiry_of_newest = jwt.decode(newest, options={"verify_signature": False})["exp"]
        assert datetime.fromisoformat(expires_at).timestamp() == expiry_of_newest

        await database.execute(
            text("UPDATE sessions SET access_expires_at = now() WHERE session_id = :session_id"),
            {"session_id": session_id},
        )
        assert session_id not in await revoked_sessions(ledger)


class TestMessages:
    @pytest.fixture
    async def gateway_queue(self, rabbitmq_url: str, user_client: UserClient) -> AsyncIterator[AbstractQueue]:
        await eventually(lambda: _broker_is_ok(user_client.http))
        connection = await aio_pika.connect(rabbitmq_url)
        async with connection, connection.channel() as channel:
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(MESSAGES_EXCHANGE, "session.revoked")
            yield queue

    async def test_logout_is_announced_to_gateways_at_once(
        self, user_client: UserClient, gateway_queue: AbstractQueue
    ) -> None:
        user = await user_client.join()

        await user_client.log_out(user)

        heard = await _next(gateway_queue)
        assert heard["type"] == "session.revoked"
        assert heard["subject"] == heard["data"]["session_id"] == session_of(user.access_token)
        assert datetime.fromisoformat(heard["data"]["expires_at"]) > datetime.now(UTC)

    async def test_reused_token_is_announced_to_gateways(
        self, user_client: UserClient, gateway_queue: AbstractQueue
    ) -> None:
        user = await user_client.join()
        successor = (await user_client.refresh(user.refresh_token)).json()["data"]["refresh_token"]
        for token in (successor, user.refresh_token):
            await user_client.refresh(token)
        heard = await _next(gateway_queue)
        assert heard["data"]["session_id"] == session_of(user.access_token)


async def _broker_is_ok(http: httpx.AsyncClient) -> bool:
    return bool((await http.get("/health")).json()["checks"]["broker"] == "ok")


async def _next(queue: AbstractQueue) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_SECONDS), queue.iterator(no_ack=True) as messages:
        return dict(json.loads((await anext(messages)).body))


async def test_only_expired_sessions_are_deleted(
    deleting_user_client: UserClient, user_client: UserClient, database: Database
) -> None:
    over, revoked, alive = [await user_client.join() for _ in range(3)]
    await user_client.log_out(revoked)
    await _age(database, over, revoked)

    async def left() -> bool:
        rows = await database.fetch_all(text("SELECT session_id FROM sessions"))
        found = {str(row["session_id"]) for row in rows}
        return found.isdisjoint({session_of(over.access_token), session_of(revoked.access_token)})

    await eventually(left)
    assert (await user_client.refresh(alive.refresh_token)).status_code == 200
    assert (await deleting_user_client.refresh(over.refresh_token)).status_code == 401


async def _age(database: Database, *user_client: LoggedInUser) -> None:
    """Expire all tokens."""
    ids = [uuid.UUID(session_of(user.access_token)) for user in user_client]
    parameters = {"session_ids": ids}
    await database.execute(
        text("UPDATE refresh_tokens SET expires_at = now() WHERE session_id = ANY(:session_ids)"), parameters
    )
    await database.execute(
        text("UPDATE sessions SET access_expires_at = now(), ends_at = now() WHERE session_id = ANY(:session_ids)"),
        parameters,
    )
