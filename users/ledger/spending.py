"""Whether a user may spend, asked before the movement that does: of what is paid later (T6)."""

from dataclasses import dataclass
from uuid import UUID

from users.accounts.errors import AccountSuspended
from users.ledger.errors import OtpRequired
from users.ledger.repository import LedgerRepository


@dataclass(frozen=True, slots=True)
class SpendingCheck:
    repository: LedgerRepository

    async def check(self, user_id: UUID, *, reference: str) -> None:
        """Refuse what a movement would refuse; the movement checks it again.

        Raises:
            AccountSuspended.
            OtpRequired: a flagged user has no verified code for `reference`.
        """
        barred = await self.repository.barred(user_id, reference=reference)
        if barred is not None:
            raise AccountSuspended if barred["is_suspended"] else OtpRequired
