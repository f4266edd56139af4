"""What admins change in the users service is reported to the audit trail, with the change or not at all."""

import uuid
from typing import Any

from sqlalchemy import text

from common.db.engine import Database
from common.messaging.message import Message
from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.test_ledger_corrections import post
from tests.integration.users.user_client import LedgerCaller, LoggedInUser, UserClient
from users.accounts.repository import AccountRepository

ADDRESS = "203.0.113.7"


async def reported(database: Database, object_id: uuid.UUID | str) -> list[dict[str, Any]]:
    """Return the actions on an object that were reported, oldest first."""
    rows = await database.fetch_all(
        text("SELECT body FROM outbox WHERE routing_key = 'audit.recorded' ORDER BY created_at")
    )
    messages = [Message.from_bytes(bytes(row["body"])) for row in rows]
    return [message.data for message in messages if message.subject == str(object_id)]


class TestAccounts:
    async def test_change_has_the_values_before_and_after(
        self, user_client: UserClient, admin: LoggedInUser, database: Database
    ) -> None:
        user = await user_client.join()
        body = {"roles": ["customer", "staff"], "is_flagged": True}
        headers = admin.headers | {"x-forwarded-for": ADDRESS}
        changed = await user_client.http.patch(f"/api/admin/users/{user.user_id}", json=body, headers=headers)
        assert changed.status_code == 200

        (action,) = await reported(database, user.user_id)

        unchanged = {"is_suspended": False, "assigned_hall_id": None, "assigned_venue_id": None}
        assert action == {
            "action": "user.change",
            "actor_user_id": str(admin.user_id),
            "object_type": "user",
            "object_id": str(user.user_id),
            "address": ADDRESS,
            "before": {"roles": ["customer"], "is_flagged": False, **unchanged},
            "after": {"roles": ["customer", "staff"], "is_flagged": True, **unchanged},
        }

    async def test_change_of_the_address_is_on_the_trail_without_it(
        self, user_client: UserClient, admin: LoggedInUser, database: Database
    ) -> None:
        user, email = await user_client.join(), user_client.new_facts()["email"]
        changed = await user_client.http.patch(
            f"/api/admin/users/{user.user_id}", json={"email": email}, headers=admin.headers
        )
        assert changed.json()["data"]["email"] == email
        (action,) = await reported(database, user.user_id)
        assert action["after"]["email"] == "changed"
        assert "@" not in str(action)

    async def test_change_of_an_unknown_user_is_not_reported(
        self, user_client: UserClient, admin: LoggedInUser, database: Database
    ) -> None:
        user_id = uuid.uuid4()
        refused = await user_client.http.patch(
            f"/api/admin/users/{user_id}", json={"is_flagged": True}, headers=admin.headers
        )
        assert refused.status_code == 404
        assert await reported(database, user_id) == []

    async def test_role_that_a_command_grants_is_reported_without_an_actor(
        self, user_client: UserClient, database: Database, account_emails: AccountEmails
    ) -> None:
        user = await user_client.join()
        await account_emails.prove(user_client, user)
        assert await AccountRepository(database).grant(email=user.email, role="admin")

        (action,) = await reported(database, user.user_id)

        assert (action["action"], action["actor_user_id"], action["address"]) == ("user.grant_role", None, None)
        assert (action["before"], action["after"]) == ({"roles": ["customer"]}, {"roles": ["admin", "customer"]})


class TestLedger:
    async def test_adjustment_is_reported_once(
        self, user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller, database: Database
    ) -> None:
        user_id = await ledger.open_wallet()
        for _ in range(2):
            answer = await post(
                user_client, admin, f"users/{user_id}/adjustments", key="k1", amount="5.00", reason="sorry, Mei"
            )
            assert answer.status_code == 200, answer.text

        (action,) = await reported(database, user_id)

        assert (action["action"], action["actor_user_id"]) == ("wallet.adjustment", str(admin.user_id))
        assert action["after"]["amount"] == "5.00"
        assert "Mei" not in str(action)

    async def test_refused_correction_is_not_reported(
        self, user_client: UserClient, admin: LoggedInUser, ledger: LedgerCaller, database: Database
    ) -> None:
        user_id = await ledger.open_wallet()
        for path in (f"receivables/{user_id}/settle", f"receivables/{user_id}/write-off"):
            assert (await post(user_client, admin, path, reason="nothing is owed")).status_code == 409
        assert await reported(database, user_id) == []
