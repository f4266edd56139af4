"""Calls the OTP routes as the orchestrator does."""

import uuid
from dataclasses import dataclass, field

import httpx
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.users.user_client import CODE, LedgerCaller, code_of, fresh_address, fresh_phone

RESEND_SECONDS = 30
UNTIL_CLEARED = 25.0  # seconds, of a fault's delay: the test clears it long before, after the concurrent operation


@dataclass(frozen=True)
class OtpCaller:
    """The orchestrator asking one fan to confirm one operation."""

    http: httpx.AsyncClient
    database: Database
    user_id: uuid.UUID
    phone: str
    context: str = "purchase"
    reference: str = field(default_factory=lambda: str(uuid.uuid4()))
    address: str = field(default_factory=fresh_address)

    @property
    def challenge_key(self) -> dict[str, object]:
        return {"user_id": str(self.user_id), "context": self.context, "reference": self.reference}

    async def send(self, request_id: object = None, **more: object) -> httpx.Response:
        """Send a code, by default at the fan's own request."""
        asked = {"requested_by_user_id": str(self.user_id), "address": self.address}
        body = {"request_id": str(request_id or uuid.uuid4()), **asked, **self.challenge_key, **more}
        return await self.http.post("/internal/otp/send", json=body)

    async def withdraw(self, undoes: uuid.UUID, request_id: object = None) -> httpx.Response:
        body = {"request_id": str(request_id or uuid.uuid4()), "undoes_request_id": str(undoes), **self.challenge_key}
        return await self.http.post("/internal/otp/withdraw", json=body)

    async def verify(self, code: str = CODE, **more: object) -> httpx.Response:
        return await self.http.post("/internal/otp/verify", json={**self.challenge_key, "otp_code": code, **more})

    async def let_time_pass(self, seconds: float = RESEND_SECONDS) -> None:
        await self.database.execute(
            text("UPDATE otp_challenges SET sent_at = sent_at - make_interval(secs => :s) WHERE user_id = :user_id"),
            {"s": seconds, "user_id": self.user_id},
        )

    async def challenges(self) -> int:
        row = await self.database.fetch_one(
            text("SELECT count(*) AS n FROM otp_challenges WHERE user_id = :user_id"), {"user_id": self.user_id}
        )
        assert row is not None
        return int(row["n"])


async def new_otp_caller(ledger: LedgerCaller, **more: str) -> OtpCaller:
    phone = fresh_phone()
    user_id = await ledger.open_wallet("100.00", phone=phone)
    return OtpCaller(ledger.http, ledger.database, user_id, phone, **more)


def sent(answer: httpx.Response) -> object:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["sent"]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, code_of(answer)


async def is_sending(otp_caller: OtpCaller) -> bool:
    return await _holds(otp_caller, "sending_until > now()")


async def is_verifying(otp_caller: OtpCaller) -> bool:
    return await _holds(otp_caller, "trying_until > now()")


async def _holds(otp_caller: OtpCaller, condition: str) -> bool:
    found = text(f"SELECT 1 FROM otp_challenges WHERE user_id = :user_id AND {condition}")  # noqa: S608 - a constant of the tests
    return bool(await otp_caller.database.fetch_all(found, {"user_id": otp_caller.user_id}))
