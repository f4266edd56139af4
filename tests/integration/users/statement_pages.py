"""Reads statements page by page, as users do."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.integration.users.user_client import LoggedInUser, UserClient
from users.ledger.cursors import AccountStatementCursor
from users.ledger.schemas import AccountStatementEntry, Currency
from users.ledger.service import Ledger


async def read_page(user_client: UserClient, user: LoggedInUser, **query: str) -> dict[str, Any]:
    answer = await user_client.http.get("/api/credits/statement", params=query, headers=user.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def read_pages(user_client: UserClient, user: LoggedInUser, **query: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Read all pages."""
    following: str | None = None
    while True:
        page = await read_page(user_client, user, **query, **({"cursor": following} if following else {}))
        yield page["entries"]
        following = page["next_cursor"]
        if following is None:
            return


@dataclass(frozen=True)
class StatementLine:
    transaction_id: uuid.UUID
    amount: Decimal
    balance_after: Decimal

    @classmethod
    def of(cls, entry: AccountStatementEntry) -> "StatementLine":
        return cls(entry.transaction_id, entry.amount, entry.balance_after)


async def whole_statement(
    ledger_service: Ledger, user_id: uuid.UUID, *, per_page: int, currency: Currency = Currency.SGD
) -> list[StatementLine]:
    """Return every line, newest first, read page by page while other movements may commit.

    Raises:
        AssertionError: a line is missing or duplicated, or a balance does not follow from the line before it.
    """
    lines: list[StatementLine] = []
    after = None
    while True:
        page = await ledger_service.account_statement(user_id, currency=currency, after=after, limit=per_page)
        lines += [StatementLine.of(entry) for entry in page.entries]
        if page.next_cursor is None:
            break
        after = AccountStatementCursor.parse(page.next_cursor)
    befores = [line.balance_after - line.amount for line in lines]
    assert len({line.transaction_id for line in lines}) == len(lines)
    assert [line.balance_after for line in lines[1:]] == befores[:-1]
    assert befores[-1:] in ([], [Decimal(0)]), "the first line does not start from an empty account"
    assert all(line.balance_after >= 0 for line in lines)
    return lines
