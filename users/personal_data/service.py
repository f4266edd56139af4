"""Exports what is stored of a person, and deletes accounts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from common.errors import InvalidRequest
from common.pages import Cursor
from users.accounts.credentials import Credentials
from users.accounts.errors import UserNotFound
from users.accounts.repository import AccountRepository
from users.ledger.cursors import AccountStatementCursor
from users.ledger.schemas import Currency
from users.ledger.service import Ledger
from users.limits.service import AttemptLimits, Limit, Tried
from users.payments.service import PaymentService
from users.personal_data.repository import PersonalDataRepository
from users.personal_data.schemas import DeleteAccount, DeletedAccount, Holdings, Section, SectionName

__all__ = ["PersonalDataService"]

# An export reads everything that is stored of a user.
EXPORTS: Final = Limit("export", 5, 3_600)
PAGE: Final = 500
ALREADY_DELETED: Final = DeletedAccount.model_validate({"credits_forfeited": "0.00"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataService:
    """The personal data in users_db.

    Attributes:
        wake_relay: called when a message was committed to the outbox.
    """

    repository: PersonalDataRepository
    accounts: AccountRepository
    credentials: Credentials
    limits: AttemptLimits
    ledger: Ledger
    payments: PaymentService
    wake_relay: Callable[[], None]

    async def begin_export(self, user_id: UUID) -> dict[str, Any]:
        """Count an export and return its first part, the profile.

        Raises:
            TooManyRequests: there were five within the hour.
            UserNotFound.
        """
        await self.limits.count([Tried(EXPORTS, str(user_id))])
        profile = await self.repository.profile(user_id)
        if profile is None:
            raise UserNotFound
        return profile

    async def section(self, user_id: UUID, name: SectionName, *, after: str | None) -> Section:
        """Return a part of a section of the export.

        Raises:
            InvalidRequest: `after` is not from the part before.
        """
        match name:
            case SectionName.SESSIONS:
                return Section(items=await self.repository.sessions(user_id))
            case SectionName.PAYMENTS:
                return await self._payments(user_id, after)
            case SectionName.CREDITS:
                return await self._statement(user_id, Currency.SGD, after)
            case SectionName.POINTS:
                return await self._statement(user_id, Currency.POINTS, after)

    async def holdings(self, user_id: UUID) -> Holdings:
        """Return what the account has, or raise UserNotFound."""
        holdings = await self.repository.holdings(user_id)
        if holdings is None:
            raise UserNotFound
        return holdings

    async def delete(self, account: DeleteAccount) -> DeletedAccount:
        """Delete an account: the books stay, the person goes. Repeated, it changes nothing.

        Nothing is stored under a request's id: the cause of a refusal can be removed.

        Raises:
            WrongPassword, TooManyRequests, Unavailable: see `Credentials.confirm`.
            AccountInUse: see `check_unused`.
        """
        user = await self.accounts.by_id(account.user_id)
        if user is None:
            return ALREADY_DELETED
        await self.credentials.confirm(user, password=account.current_password)
        deleted = await self.repository.delete(account)
        self.wake_relay()
        return deleted or ALREADY_DELETED

    async def _statement(self, user_id: UUID, currency: Currency, after: str | None) -> Section:
        cursor = None if after is None else AccountStatementCursor.parse(after)
        statement = await self.ledger.account_statement(user_id, currency=currency, after=cursor, limit=PAGE)
        return Section(items=statement.entries, next=statement.next_cursor)

    async def _payments(self, user_id: UUID, after: str | None) -> Section:
        try:
            cursor = None if after is None else Cursor.parse(after)
        except ValueError as error:
            raise InvalidRequest from error
        payments, total = await self.payments.page(user_id=user_id, status=None, limit=PAGE, offset=0, after=cursor)
        following = None if total.next is None else str(total.next)
        return Section(items=[payment.model_dump(mode="json") for payment in payments], next=following)
