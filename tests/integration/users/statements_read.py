"""Reading statements as people do: page by page."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.integration.users.people import Person, UserDirectory
from users.ledger.schemas import Currency, StatementEntry
from users.ledger.service import Ledger


async def read_page(people: UserDirectory, person: Person, **query: str) -> dict[str, Any]:
    answer = await people.http.get("/api/credits/statement", params=query, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def read_pages(people: UserDirectory, person: Person, **query: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Turn the pages to the end."""
    following: str | None = None
    while True:
        page = await read_page(people, person, **query, **({"cursor": following} if following else {}))
        yield page["entries"]
        following = page["next_cursor"]
        if following is None:
            return


@dataclass(frozen=True)
class Line:
    transaction_id: uuid.UUID
    amount: Decimal
    balance_after: Decimal

    @classmethod
    def of(cls, entry: StatementEntry) -> "Line":
        return cls(entry.transaction_id, entry.amount, entry.balance_after)


async def whole_statement(
    ledger: Ledger, user_id: uuid.UUID, *, per_page: int, currency: Currency = Currency.SGD
) -> list[Line]:
    """Return every line, newest first, read page by page while others may move credits.

    Raises:
        AssertionError: a line is missing or there twice, or a balance does not follow from the line before it.
    """
    lines: list[Line] = []
    after = None
    while True:
        entries, after = await ledger.statement_of(user_id, currency=currency, after=after, limit=per_page)
        lines += [Line.of(entry) for entry in entries]
        if after is None:
            break
    befores = [line.balance_after - line.amount for line in lines]
    assert len({line.transaction_id for line in lines}) == len(lines)
    assert [line.balance_after for line in lines[1:]] == befores[:-1]
    assert befores[-1:] in ([], [Decimal(0)]), "it does not go back to an empty account"
    assert all(line.balance_after >= 0 for line in lines)
    return lines
