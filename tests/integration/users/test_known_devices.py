"""Devices that logged in before: strangers' wrong passwords do not lock them out (W1)."""

import httpx
import pytest
from sqlalchemy import text
from starlette.responses import Response

from common.db.engine import Database
from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.user_client import CODE, PASSWORD, LoggedInUser, UserClient, code_of, fresh_address
from users.sessions.routes import DeviceCookie

DAYS_LEFT = text(
    "SELECT count(*) AS devices, extract(epoch FROM max(expires_at) - now()) / 86400 AS days "
    "FROM known_devices WHERE user_id = :user_id"
)
EXPIRE = text("UPDATE known_devices SET expires_at = now() WHERE user_id = :user_id")


async def device_of(client: UserClient, user: LoggedInUser, **more: str) -> str:
    """Log in, and return the device's token."""
    answer = await client.log_in(user.email, **more)
    return str(answer.json()["data"]["device_token"])


async def guess(client: UserClient, user: LoggedInUser, *, times: int, **more: str) -> list[int]:
    """Send wrong passwords, from other networks each unless `address` is given."""
    elsewhere = [{"address": fresh_address(), **more} for _ in range(times)]
    return [(await client.log_in(user.email, "guess", **one)).status_code for one in elsewhere]


class TestLockout:
    async def test_strangers_do_not_lock_out_a_device_that_logged_in(self, guessed_user_client: UserClient) -> None:
        user = await guessed_user_client.join()
        device_token = await device_of(guessed_user_client, user)

        guesses = await guess(guessed_user_client, user, times=6)
        unknown = await guessed_user_client.log_in(user.email, address=fresh_address())
        known = await guessed_user_client.log_in(user.email, address=fresh_address(), device_token=device_token)

        assert guesses == [401] * 5 + [429]
        assert (unknown.status_code, code_of(unknown)) == (429, "RATE_LIMITED")
        assert known.status_code == 200

    async def test_cookie_is_as_good_as_the_field(self, guessed_user_client: UserClient) -> None:
        user = await guessed_user_client.join()
        device_token = await device_of(guessed_user_client, user)
        await guess(guessed_user_client, user, times=5)

        body = {"email": user.email, "password": PASSWORD}
        headers = {
            "cookie": f"theme=dark; {DeviceCookie.name_for(user.email)}={device_token}; lang=de",
            "x-forwarded-for": fresh_address(),
        }
        answer = await guessed_user_client.http.post("/api/auth/login", json=body, headers=headers)

        assert answer.status_code == 200

    async def test_strangers_in_the_same_network_do_not_lock_it_out(self, limited_user_client: UserClient) -> None:
        user, address = await limited_user_client.join(), fresh_address()
        device_token = await device_of(limited_user_client, user)

        guesses = await guess(limited_user_client, user, times=4, address=address)
        known = await limited_user_client.log_in(user.email, address=address, device_token=device_token)

        assert (guesses, known.status_code) == ([401, 401, 401, 429], 200)

    async def test_stolen_device_token_has_no_more_attempts_in_other_networks(
        self, guessed_user_client: UserClient
    ) -> None:
        user = await guessed_user_client.join()
        device_token = await device_of(guessed_user_client, user)

        guesses = await guess(guessed_user_client, user, times=4, device_token=device_token)
        with_token = await guessed_user_client.log_in(user.email, device_token=device_token)
        without = await guessed_user_client.log_in(user.email, address=fresh_address())

        assert guesses == [401] * 3 + [429]
        assert (with_token.status_code, without.status_code) == (429, 200)

    async def test_successes_of_a_known_device_do_not_refill_its_slow_limit(
        self, guessed_user_client: UserClient
    ) -> None:
        user = await guessed_user_client.join()
        device_token = await device_of(guessed_user_client, user)
        for failures in (2, 2):
            await guess(guessed_user_client, user, times=failures, device_token=device_token)
            assert await device_of(guessed_user_client, user, device_token=device_token) == device_token
        assert await guess(guessed_user_client, user, times=2, device_token=device_token) == [401, 429]
        assert (await guessed_user_client.log_in(user.email, device_token=device_token)).status_code == 429

    async def test_token_of_another_account_is_no_help(self, guessed_user_client: UserClient) -> None:
        user, other = await guessed_user_client.join(), await guessed_user_client.join()
        device_token = await device_of(guessed_user_client, other)
        await guess(guessed_user_client, user, times=5)
        answer = await guessed_user_client.log_in(user.email, address=fresh_address(), device_token=device_token)
        assert answer.status_code == 429

    async def test_token_of_an_account_that_asks_for_the_address_is_no_help(
        self, guessed_user_client: UserClient
    ) -> None:
        user, thief = await guessed_user_client.join(), await guessed_user_client.join()
        body = {"email": user.email, "current_password": PASSWORD}
        asked = await guessed_user_client.http.patch("/api/users/me", json=body, headers=thief.headers)
        device_token = await device_of(guessed_user_client, thief)

        await guess(guessed_user_client, user, times=5)
        answer = await guessed_user_client.log_in(user.email, address=fresh_address(), device_token=device_token)

        assert asked.status_code == 200
        assert answer.status_code == 429

    async def test_no_device_is_known_while_two_accounts_log_in_by_one_address(
        self, guessed_user_client: UserClient, account_emails: AccountEmails
    ) -> None:
        """Each has a password of its own, and neither may try the other's without limit."""
        holder = await guessed_user_client.join()
        claimant = await guessed_user_client.join(email=holder.email, password="a password of their own")
        holders_token = await device_of(guessed_user_client, holder)
        answer = await guessed_user_client.log_in(claimant.email, "a password of their own")
        claimants_token = answer.json()["data"]["device_token"]
        await guess(guessed_user_client, holder, times=5)

        async def status(device_token: str) -> int:
            tried = await guessed_user_client.log_in(holder.email, address=fresh_address(), device_token=device_token)
            return tried.status_code

        assert [await status(token) for token in (holders_token, claimants_token)] == [429, 429]
        link, _ = await account_emails.to(holder.email)
        await guessed_user_client.verify_email(link["token"], password=PASSWORD)
        assert [await status(token) for token in (holders_token, claimants_token)] == [200, 429]

    async def test_expired_token_is_no_help(self, guessed_user_client: UserClient, database: Database) -> None:
        user = await guessed_user_client.join()
        device_token = await device_of(guessed_user_client, user)
        await database.execute(EXPIRE, {"user_id": user.user_id})
        await guess(guessed_user_client, user, times=5)
        answer = await guessed_user_client.log_in(user.email, address=fresh_address(), device_token=device_token)
        assert answer.status_code == 429


class TestToken:
    async def test_first_login_makes_the_device_known(self, user_client: UserClient) -> None:
        facts = user_client.new_facts()
        user_id = (await user_client.register(**facts)).json()["data"]["user_id"]
        verified = (await user_client.verify(user_id, CODE)).json()["data"]["device_token"]
        again = (await user_client.log_in(facts["email"], device_token=verified)).json()["data"]["device_token"]
        assert again == verified

    async def test_device_is_known_for_180_days_from_its_last_login(
        self, user_client: UserClient, database: Database
    ) -> None:
        user = await user_client.join()
        device_token = await device_of(user_client, user)
        await database.execute(
            text("UPDATE known_devices SET expires_at = now() + interval '1 day' WHERE user_id = :user_id"),
            {"user_id": user.user_id},
        )
        assert await device_of(user_client, user, device_token=device_token) == device_token
        row = await database.fetch_one(DAYS_LEFT, {"user_id": user.user_id})
        assert row is not None
        assert (row["devices"], round(row["days"])) == (2, 180)

    @pytest.mark.parametrize("made_up", ["x" * 43, "0", "\u00e9"])
    async def test_token_that_the_client_made_up_stays_unknown(self, user_client: UserClient, made_up: str) -> None:
        user = await user_client.join()
        given = await device_of(user_client, user, device_token=made_up)
        again = await device_of(user_client, user, device_token=made_up)
        assert len({made_up, given, again}) == 3

    async def test_token_is_stored_hashed(self, user_client: UserClient, database: Database) -> None:
        user = await user_client.join()
        device_token = await device_of(user_client, user)
        stored = await database.fetch_all(
            text("SELECT token_hash FROM known_devices WHERE user_id = :user_id"), {"user_id": user.user_id}
        )
        assert stored
        assert device_token.encode() not in {bytes(row["token_hash"]) for row in stored}

    async def test_oldest_device_makes_room(self, guessed_user_client: UserClient) -> None:
        user = await guessed_user_client.join()
        first, second, third = [await device_of(guessed_user_client, user) for _ in range(3)]
        await guess(guessed_user_client, user, times=5)

        async def status(device_token: str) -> int:
            answer = await guessed_user_client.log_in(user.email, address=fresh_address(), device_token=device_token)
            return answer.status_code

        assert [await status(token) for token in (first, second, third)] == [429, 200, 200]

    async def test_refused_login_gives_no_token(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answer = await user_client.log_in(user.email, "guess", address=fresh_address())
        assert "set-cookie" not in answer.headers


class TestCookie:
    async def test_login_sets_a_cookie_that_scripts_cannot_read(self, user_client: UserClient) -> None:
        user = await user_client.join()
        answer = await user_client.log_in(user.email)
        assert cookie_of(answer) == {
            f"{DeviceCookie.name_for(user.email)}={answer.json()['data']['device_token']}",
            "HttpOnly",
            "Max-Age=15552000",
            "Path=/api/auth",
            "SameSite=lax",
        }

    async def test_each_account_has_its_own_in_one_browser(self, guessed_user_client: UserClient) -> None:
        users = [await guessed_user_client.join() for _ in range(2)]
        browser: dict[str, str] = {}
        for user in users:
            answer = await guessed_user_client.log_in(user.email)
            name, _, rest = answer.headers["set-cookie"].partition("=")
            browser[name] = rest.partition(";")[0]
        for user in users:
            await guess(guessed_user_client, user, times=5)
            body = {"email": user.email.upper(), "password": PASSWORD}
            headers = {"cookie": "; ".join(map("=".join, browser.items())), "x-forwarded-for": fresh_address()}
            answer = await guessed_user_client.http.post("/api/auth/login", json=body, headers=headers)
            assert answer.status_code == 200

    async def test_verified_registration_sets_it_for_the_address_of_the_logins(self, user_client: UserClient) -> None:
        """An account that only asks for its address has none of its own."""
        holder = await user_client.join()
        facts = user_client.new_facts() | {"email": holder.email, "password": "a password of their own"}
        user_id = (await user_client.register(**facts)).json()["data"]["user_id"]
        answer = await user_client.verify(user_id)
        assert answer.headers["set-cookie"].startswith(f"{DeviceCookie.name_for(holder.email)}=")

    def test_cookie_is_secure_outside_dev(self) -> None:
        response = Response()
        DeviceCookie(is_secure=True).set(response, "token", email="fan@example.com")
        assert "; Secure" in response.headers["set-cookie"]


def cookie_of(answer: httpx.Response) -> set[str]:
    return set(answer.headers["set-cookie"].split("; "))
