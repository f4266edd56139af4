"""The cursor between two pages of an account's statement."""

import re
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

from users.ledger.errors import UnknownCursor

_FORM: Final = re.compile(r"([0-9a-f]{32})-([0-9]{1,12}\.[0-9]{2})")


@dataclass(frozen=True, slots=True)
class AccountStatementCursor:
    """The last entry's transaction, and the balance before it.

    It carries the balance so that no page adds up the entries of the pages before. A forged cursor shows wrong balances
    to its forger only: it is for the caller's own account.
    """

    transaction_id: uuid.UUID
    balance_before: Decimal

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Return the cursor that `str` wrote.

        Raises:
            UnknownCursor: the text has another form.
        """
        parts = _FORM.fullmatch(cursor)
        if parts is None:
            raise UnknownCursor
        return cls(uuid.UUID(parts[1]), Decimal(parts[2]))

    def __str__(self) -> str:
        return f"{self.transaction_id.hex}-{self.balance_before:.2f}"
