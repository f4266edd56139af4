"""Clients of the users service: its public API, its ledger, and the sandbox."""

import itertools
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy import text

from common.db.engine import Database
from common.messaging.message import Message

PASSWORD = "correct horse battery"
CODE = "123456"  # what the sandbox sends
WRONG_CODE = "000000"

_numbers = itertools.count(1)


def fresh_address() -> str:
    """Return an IPv6 address in its own network."""
    number = uuid.uuid4().int
    return f"2001:db8:{number & 0xFFFF:x}:{number >> 16 & 0xFFFF:x}::1"


def fresh_phone() -> str:
    """Return an unused phone number."""
    return f"+6590{next(_numbers):06d}"


def code_of(response: httpx.Response) -> str:
    """Return the error code of a refusal, or an empty string."""
    return str(response.json().get("error_code", ""))


@dataclass(frozen=True)
class Sandbox:
    url: str
    http: httpx.AsyncClient

    async def order_fault(self, path: str, **fault: object) -> None:
        (await self.http.post("/control/faults", json={"path": path, **fault})).raise_for_status()

    async def clear_faults(self) -> None:
        (await self.http.delete("/control/faults")).raise_for_status()

    async def use_code(self, phone: str, code: str) -> None:
        (await self.http.post("/control/otp", json={"mobile": phone, "code": code})).raise_for_status()

    async def expire_codes(self, phone: str) -> None:
        (await self.http.post("/control/otp/expire", json={"mobile": phone})).raise_for_status()

    async def codes_sent_to(self, phone: str) -> int:
        return len((await self.http.get("/control/sent", params={"mobile": phone})).json())


@dataclass(frozen=True)
class LoggedInUser:
    """A user with an account and a session."""

    user_id: uuid.UUID
    email: str
    phone: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access_token}"}


@dataclass(frozen=True)
class UserClient:
    http: httpx.AsyncClient

    @staticmethod
    def new_facts() -> dict[str, str]:
        """Return an unused email address and phone, and a password."""
        return {"email": f"fan{next(_numbers)}@example.com", "phone": fresh_phone(), "password": PASSWORD}

    async def register(self, *, address: str | None = None, **facts: str) -> httpx.Response:
        headers = {"x-forwarded-for": address} if address else {}
        return await self.http.post("/api/auth/register", json=facts, headers=headers)

    async def verify(self, user_id: object, code: str = CODE) -> httpx.Response:
        body = {"user_id": str(user_id), "otp_code": code}
        return await self.http.post("/api/auth/verify-registration", json=body)

    async def log_in(
        self, email: str, password: str = PASSWORD, *, address: str | None = None, **more: str
    ) -> httpx.Response:
        headers = {"x-forwarded-for": address} if address else {}
        return await self.http.post(
            "/api/auth/login", json={"email": email, "password": password, **more}, headers=headers
        )

    async def refresh(self, refresh_token: str) -> httpx.Response:
        return await self.http.post("/api/auth/refresh", headers={"authorization": f"Bearer {refresh_token}"})

    async def log_out(self, user: LoggedInUser) -> httpx.Response:
        return await self.http.post("/api/auth/logout", headers=user.headers)

    async def verify_email(self, token: str, **more: str) -> httpx.Response:
        return await self.http.post("/api/auth/verify-email", json={"token": token, **more})

    async def forgot_password(self, email: str, *, address: str | None = None) -> httpx.Response:
        headers = {"x-forwarded-for": address} if address else {}
        return await self.http.post("/api/auth/forgot-password", json={"email": email}, headers=headers)

    async def reset_password(self, token: str, password: str, **more: str) -> httpx.Response:
        return await self.http.post("/api/auth/reset-password", json={"token": token, "password": password, **more})

    async def profile(self, user: LoggedInUser) -> dict[str, Any]:
        answer = await self.http.get("/api/users/me", headers=user.headers)
        return dict(answer.json()["data"])

    async def join(self, **given: str) -> LoggedInUser:
        """Register, verify and log in."""
        facts = self.new_facts() | given
        user_id = (await self.register(**facts)).json()["data"]["user_id"]
        answer = await self.verify(user_id)
        answer.raise_for_status()
        data = answer.json()["data"]
        return LoggedInUser(
            uuid.UUID(user_id), facts["email"], facts["phone"], data["access_token"], data["refresh_token"]
        )

    @staticmethod
    async def hash_of(database: Database, email: str) -> str:
        row = await database.fetch_one(text("SELECT password_hash FROM users WHERE email = :email"), {"email": email})
        assert row is not None
        return str(row["password_hash"])

    @staticmethod
    async def end_windows(database: Database) -> None:
        """End the windows of all limits."""
        await database.execute(text("UPDATE attempts SET ends_at = now()"))


async def outbox_of(database: Database, subject: str) -> list[str]:
    """Return the types of the messages with this subject, oldest first."""
    rows = await database.fetch_all(text("SELECT body FROM outbox ORDER BY created_at"))
    messages = [Message.from_bytes(bytes(row["body"])) for row in rows]
    return [message.type for message in messages if message.subject == subject]


@dataclass(frozen=True)
class LedgerCaller:
    """The ledger's internal routes. Each call generates its own request id unless one is given."""

    http: httpx.AsyncClient
    database: Database

    async def post(self, path: str, **body: object) -> httpx.Response:
        body = {"request_id": uuid.uuid4(), **body}
        return await self.http.post(path, json={name: _plain(value) for name, value in body.items()})

    async def charge(self, user_id: uuid.UUID, amount: str, **more: object) -> httpx.Response:
        body = {"user_id": user_id, "amount": amount, "event_id": uuid.uuid4(), "reference": "seats", **more}
        return await self.post("/internal/ledger/deduct", **body)

    async def refund(self, undoes: uuid.UUID, **more: object) -> httpx.Response:
        return await self.post("/internal/ledger/refund", undoes_request_id=undoes, reason="undone", **more)

    async def refund_to(self, undoes: uuid.UUID, *shares: tuple[uuid.UUID, str], **more: object) -> httpx.Response:
        recipients = [{"user_id": str(user_id), "amount": amount} for user_id, amount in shares]
        return await self.refund(undoes, recipients=recipients, **more)

    async def refund_part(self, charge_id: uuid.UUID, *shares: tuple[uuid.UUID, str], **more: object) -> httpx.Response:
        named = [{"user_id": str(user_id), "amount": amount} for user_id, amount in shares]
        body = {"charge_request_id": charge_id, "reason": "returned", "shares": named, **more}
        return await self.post("/internal/ledger/refund-part", **body)

    async def claw_back(self, debtor: uuid.UUID, creditor: uuid.UUID, amount: str, **more: object) -> httpx.Response:
        body = {"from_user_id": debtor, "to_user_id": creditor, "amount": amount, "reference": "dispute", **more}
        return await self.post("/internal/ledger/clawback", **body)

    async def flag(self, user_id: uuid.UUID) -> None:
        await self.database.execute(_FLAG, {"user_id": user_id})

    async def transfer(self, sender: uuid.UUID, recipient: uuid.UUID, amount: str, **more: object) -> httpx.Response:
        body = {"from_user_id": sender, "to_user_id": recipient, "amount": amount, "reference": "ticket", **more}
        return await self.post("/internal/ledger/transfer", **body)

    async def hold(self, user_id: uuid.UUID, amount: str, **more: object) -> httpx.Response:
        body = {"user_id": user_id, "amount": amount, "reference": "sale", **more}
        return await self.post("/internal/ledger/escrow/hold", **body)

    async def release(self, escrow_id: object, to_user_id: uuid.UUID, **more: object) -> httpx.Response:
        return await self.post("/internal/ledger/escrow/release", escrow_id=escrow_id, to_user_id=to_user_id, **more)

    async def pay(self, escrow_id: object, performer: uuid.UUID, **more: object) -> httpx.Response:
        body = {"item_id": uuid.uuid4(), "is_batched": False, "bonus_points": 0, **more}
        return await self.post("/internal/ledger/escrow/pay", escrow_id=escrow_id, performer_user_id=performer, **body)

    async def pay_out(self, performer: uuid.UUID, **more: object) -> httpx.Response:
        return await self.post("/internal/ledger/payouts", performer_user_id=performer, **more)

    async def collect(self, escrow_id: object, **more: object) -> httpx.Response:
        body = {"account": "commissions", **more}
        return await self.post("/internal/ledger/escrow/collect", escrow_id=escrow_id, **body)

    async def void(self, **which: object) -> httpx.Response:
        return await self.post("/internal/ledger/escrow/void", **which)

    async def top_up(self, user_id: uuid.UUID, amount: str, **more: object) -> httpx.Response:
        body = {"user_id": user_id, "amount": amount, "provider": "sandbox", "reference": "gift", **more}
        return await self.post("/internal/ledger/top-up", **body)

    async def wallet_of(self, user_id: uuid.UUID) -> Decimal:
        answer = await self.http.get(f"/internal/users/{user_id}")
        return Decimal(answer.json()["data"]["credit_balance"])

    async def sum_of(self, kind: str, owner: object) -> Decimal:
        """Return the sum of an account's entries."""
        row = await self.database.fetch_one(
            text(
                "SELECT coalesce(sum(amount), 0) AS total FROM ledger_entries WHERE account_kind = :k AND account_owner = :o"
            ),
            {"k": kind, "o": str(owner)},
        )
        assert row is not None
        return Decimal(row["total"])

    async def open_wallet(self, amount: str = "0.00", *, phone: str | None = None) -> uuid.UUID:
        """Create a user without a password, with credits; faster than a registration."""
        user_id = uuid.uuid4()
        user = {"user_id": user_id, "email": f"{user_id}@example.com", "phone": phone or fresh_phone()}
        await self.database.execute(_NEW_USER, user)
        await self.database.execute(_NEW_BALANCES, {"user_id": str(user_id)})
        if Decimal(amount):
            (await self.top_up(user_id, amount)).raise_for_status()
        return user_id

    async def make_performer(self, user_id: uuid.UUID) -> None:
        """Give a user the role, without which nobody pays them for tips."""
        await self.database.execute(_MAKE_PERFORMER, {"user_id": user_id})

    async def invariant_violations(self) -> list[Any]:
        """Return every violation of the ledger's invariants."""
        return [row for statement in _CONTRADICTIONS for row in await self.database.fetch_all(text(statement))]


def _plain(value: object) -> object:
    return str(value) if isinstance(value, uuid.UUID | Decimal) else value


_NEW_USER = text(
    "INSERT INTO users (user_id, email, phone, password_hash, roles, is_verified) "
    "VALUES (:user_id, :email, :phone, '!', '{customer,performer}', true)"
)
_MAKE_PERFORMER = text("UPDATE users SET roles = '{customer,performer}' WHERE user_id = :user_id")
_FLAG = text("UPDATE users SET is_flagged = true WHERE user_id = :user_id")
_NEW_BALANCES = text(
    "INSERT INTO balances (account_kind, account_owner, currency) "
    "VALUES ('wallet', :user_id, 'SGD'), ('escrow', :user_id, 'SGD')"
)
_CONTRADICTIONS = (
    # A transaction that does not balance.
    "SELECT transaction_id FROM ledger_entries GROUP BY transaction_id, currency HAVING sum(amount) <> 0",
    # A transaction without entries.
    (
        "SELECT transaction_id FROM ledger_transactions t "
        "WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.transaction_id = t.transaction_id)"
    ),
    # A balance that is not the sum of its entries.
    (
        "SELECT b.* FROM balances b WHERE amount <> (SELECT coalesce(sum(e.amount), 0) FROM ledger_entries e "
        "WHERE (e.account_kind, e.account_owner, e.currency) = (b.account_kind, b.account_owner, b.currency))"
    ),
    # What a wallet owes is not the sum of its receivable.
    (
        "SELECT b.* FROM balances b WHERE account_kind = 'wallet' AND owed <> (SELECT coalesce(-sum(e.amount), 0) "
        "FROM ledger_entries e WHERE (e.account_kind, e.account_owner) = ('receivable', b.account_owner))"
    ),
    # A counter that is not the sum of a movement's reversals.
    (
        "SELECT r.* FROM reversed_amounts r WHERE amount <> (SELECT coalesce(-sum(e.amount), 0) "
        "FROM ledger_transactions b JOIN ledger_entries e USING (transaction_id) "
        "WHERE coalesce(b.reverses_transaction_id, b.refunds_transaction_id) = r.transaction_id AND e.amount < 0)"
    ),
    # Pending earnings that are not what was not paid out, and a payout that is not what it paid.
    (
        "SELECT coalesce(owner, account) AS owner FROM "
        "(SELECT account_owner AS account, sum(amount) AS amount FROM ledger_entries "
        " WHERE account_kind = 'pending_earnings' GROUP BY account_owner) AS booked FULL JOIN "
        "(SELECT CAST(performer_user_id AS text) AS owner, sum(amount) FILTER (WHERE payout_id IS NULL) AS amount "
        " FROM pending_earnings GROUP BY performer_user_id) AS unpaid ON account = owner "
        "WHERE coalesce(booked.amount, 0) <> coalesce(unpaid.amount, 0)"
    ),
    (
        "SELECT payout_id FROM payouts p LEFT JOIN pending_earnings e USING (payout_id) GROUP BY p.payout_id "
        "HAVING (p.amount, p.items) <> (coalesce(sum(e.amount), 0), count(e.item_id))"
    ),
    # An escrow balance that is not the sum of its holds.
    (
        "SELECT b.* FROM balances b WHERE account_kind = 'escrow' AND amount <> (SELECT coalesce(sum(h.amount), 0) "
        "FROM escrows h WHERE h.status = 'HELD' AND CAST(h.user_id AS text) = b.account_owner)"
    ),
)
