"""Users with credits and a valid token, created in bulk: password hashing and top-ups are not measured.

Accounts and credits are written to the users database as the service writes them, so the ledger still balances. Tokens
are signed with the stack's own key, as at a login.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from common.auth.principal import Role
from devstack.database import connected
from devstack.home import Home
from devstack.keys import keys_of
from users.sessions.keys import SigningKey
from users.sessions.tokens import TokenIssuer

__all__ = ["CREDITS", "Fan", "LoadUsers"]

CREDITS: Final = 1_000
TOKEN_SECONDS: Final = 4 * 3600  # longer than a benchmark

_CREATE_FANS: Final = """
    WITH fans AS (SELECT unnest($1::uuid[]) AS user_id),
    known AS (
        INSERT INTO users (user_id, email, phone, password_hash, roles, is_verified)
        SELECT user_id, user_id || '@bench.example', '+65' || abs(hashtextextended(user_id::text, 0)) % 1000000000000,
            '!', $3::text[], true
        FROM fans
        RETURNING user_id),
    filled AS (
        INSERT INTO balances (account_kind, account_owner, currency, amount)
        SELECT kind, user_id::text, 'SGD', CASE kind WHEN 'wallet' THEN $2::numeric ELSE 0 END
        FROM known CROSS JOIN unnest(ARRAY['wallet', 'escrow']) AS kind),
    moved AS (
        INSERT INTO ledger_transactions (transaction_id, request_id, kind, reference)
        SELECT user_id, user_id, 'top_up', 'bench' FROM known)
    INSERT INTO ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT user_id, side.kind, side.owner, 'SGD', side.change FROM known
    CROSS JOIN LATERAL (VALUES ('external', 'bench', -$2::numeric), ('wallet', user_id::text, $2::numeric))
        AS side (kind, owner, change)
"""


@dataclass(frozen=True, slots=True)
class Fan:
    user_id: uuid.UUID
    token: str


class LoadUsers:
    """Creates fans with credits for two seats, and tokens of admins and staff.

    Args:
        home: the stack's folder, which contains its signing key.
        database_url: the users database, ``postgresql+asyncpg://``.
    """

    def __init__(self, *, home: Path, database_url: str) -> None:
        key = SigningKey(SecretStr(keys_of(Home(home)).jwt_private_key))
        self._tokens = TokenIssuer(key, access_ttl_seconds=TOKEN_SECONDS, refresh_ttl_seconds=TOKEN_SECONDS)
        self._database_url = database_url

    async def create_fans(self, number: int, *, role: Role = Role.CUSTOMER) -> list[Fan]:
        """Return this many new users who have the role, each with `CREDITS` credits."""
        user_ids = [uuid.uuid4() for _ in range(number)]
        async with connected(self._database_url) as connection:
            await connection.execute(_CREATE_FANS, user_ids, CREDITS, [role.value])
            await connection.execute("ANALYZE users, balances, ledger_transactions, ledger_entries")
        return [Fan(user_id, self._token(user_id, role)) for user_id in user_ids]

    async def create_performers(self, number: int) -> list[Fan]:
        """Return this many new performers."""
        return await self.create_fans(number, role=Role.PERFORMER)

    def admin_token(self) -> str:
        """Return the token of an admin, who may create events."""
        return self._token(uuid.uuid4(), Role.ADMIN)

    def staff_token(self) -> str:
        """Return the token of a staff member, who may scan tickets."""
        return self._token(uuid.uuid4(), Role.STAFF)

    def _token(self, user_id: uuid.UUID, role: Role) -> str:
        expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=TOKEN_SECONDS)
        return self._tokens.access_token(user_id=user_id, session_id=uuid.uuid4(), roles=[role], expires_at=expires_at)
