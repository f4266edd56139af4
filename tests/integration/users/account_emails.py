"""Reads emails about accounts as the notification worker does."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.user_client import LoggedInUser, UserClient, code_of

_IDS = text("SELECT link_id FROM email_links WHERE email = :email ORDER BY created_at")
_AGE = text("UPDATE email_links SET created_at = created_at - CAST(:by AS interval) WHERE email = :email")


@dataclass(frozen=True)
class AccountEmails:
    http: httpx.AsyncClient
    database: Database

    async def to(self, email: str) -> list[dict[str, Any]]:
        """Return the emails to an address that are to be sent, oldest first."""
        found = []
        for row in await self.database.fetch_all(_IDS, {"email": email}):
            answer = await self.http.get(f"/internal/email-links/{row['link_id']}")
            if answer.status_code == 404:
                assert code_of(answer) == "NOT_FOUND"
            else:
                found.append(answer.json()["data"])
        assert {each["address"] for each in found} <= {email}
        return found

    async def purposes(self, email: str) -> list[str]:
        return [each["purpose"] for each in await self.to(email)]

    async def token(self, email: str, purpose: str) -> str:
        """Return the token of the newest link for a purpose."""
        return str([each["token"] for each in await self.to(email) if each["purpose"] == purpose][-1])

    async def let_time_pass(self, email: str, by: timedelta) -> None:
        await self.database.execute(_AGE, {"email": email, "by": by})

    async def prove(self, user_client: UserClient, user: LoggedInUser, **more: str) -> None:
        """Use the link that a new account was sent."""
        answer = await user_client.verify_email(await self.token(user.email, "verify_email"), **more)
        assert answer.status_code == 200, answer.text
