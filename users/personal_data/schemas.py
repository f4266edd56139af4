"""The bodies and answers of the personal data routes."""

import enum
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from common.money import Money


class SectionName(enum.StrEnum):
    SESSIONS = "sessions"
    CREDITS = "credits"
    POINTS = "points"
    PAYMENTS = "payments"


class Section(BaseModel):
    """A part of an export, newest first. `next` leads to the following part as `after`; null after the last one."""

    items: Sequence[Any]
    next: str | None = None


class Holdings(BaseModel):
    """What an account has: credits, credits in escrow or to be paid out, a debt, open payments, roles that an admin gave."""

    credits: Money
    held: Money
    pending_earnings: Money
    owed: Money
    payments: int
    roles: list[str]


class DeleteAccount(BaseModel):
    """With `forfeits` the credits are given up; `tickets` are, elsewhere."""

    user_id: UUID
    current_password: str
    forfeits: bool = False
    tickets: int = 0


class DeletedAccount(BaseModel):
    credits_forfeited: Money
