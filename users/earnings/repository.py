"""Pays performers, and reads what is pending and what was paid out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, select, text

from common.db.engine import Database
from common.db.idempotency import IdempotencyStore, ParticipantRequest, Refuse
from common.db.pages import find_page
from common.pages import Total
from common.rows import readable
from users.earnings.models import PAYOUTS
from users.earnings.schemas import DuePayout, Payout
from users.earnings.statements import PAY_OUT, PAY_TO_PENDING, PAY_TO_WALLET

_DUE: Final = text(
    """
    SELECT performer_user_id,
           (SELECT coalesce(max(number), 0) FROM payouts
            WHERE payouts.performer_user_id = pending.performer_user_id) AS payouts
    FROM pending_earnings pending WHERE payout_id IS NULL
    GROUP BY performer_user_id
    HAVING min(created_at) <= now() - make_interval(secs => :older_than_seconds)
        OR sum(amount) >= CAST(:at_least AS numeric)
    ORDER BY min(created_at), performer_user_id LIMIT :limit
    """
)
_ITEMS: Final = text(
    """
    SELECT item_id FROM pending_earnings
    WHERE payout_id = CAST(:payout_id AS uuid) AND (CAST(:after AS uuid) IS NULL OR item_id > CAST(:after AS uuid))
    ORDER BY item_id LIMIT :limit
    """
)


class EarningsRepository:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = IdempotencyStore(database)

    async def pay(
        self, request: ParticipantRequest, facts: Mapping[str, Any], *, is_batched: bool, refuse: Refuse
    ) -> UUID:
        """Return the movement's transaction, made now or the first time."""
        parameters = {"kind": "performer_payment", "reference": str(facts["item_id"]), **facts}
        done = await self._run(PAY_TO_PENDING if is_batched else PAY_TO_WALLET, request, parameters, refuse)
        return UUID(done["transaction_id"])

    async def pay_out(
        self, request: ParticipantRequest, *, payout_id: UUID, performer_user_id: UUID, refuse: Refuse
    ) -> dict[str, Any]:
        """Return the payout, made now or the first time."""
        facts = {"payout_id": payout_id, "performer_user_id": performer_user_id}
        return await self._run(PAY_OUT, request, {"kind": "payout", "reference": str(payout_id), **facts}, refuse)

    async def due(self, *, older_than_seconds: float, at_least: Decimal, limit: int) -> list[DuePayout]:
        """Return performers whose oldest pending earnings, or their sum, make a payout due; the oldest first."""
        parameters = {"older_than_seconds": older_than_seconds, "at_least": at_least, "limit": limit}
        rows = await self._database.fetch_all(_DUE, parameters)
        return readable(rows, lambda row: DuePayout.model_validate(dict(row)), of="pending_earnings")

    async def items_of(self, payout_id: UUID, *, after: UUID | None, limit: int) -> list[UUID]:
        rows = await self._database.fetch_all(_ITEMS, {"payout_id": payout_id, "after": after, "limit": limit})
        return [row["item_id"] for row in rows]

    async def payouts_of(self, performer_user_id: UUID, *, limit: int, offset: int) -> tuple[list[Payout], Total]:
        """Return a page of the payouts that paid something, newest first, and the number on all pages."""
        rows, total = await find_page(
            self._database,
            select(PAYOUTS).where(PAYOUTS.c.performer_user_id == performer_user_id, PAYOUTS.c["items"] > 0),
            PAYOUTS.c.number.desc(),
            PAYOUTS.c.payout_id,
            key=PAYOUTS.c.payout_id,
            limit=limit,
            offset=offset,
        )
        return readable(rows, lambda row: Payout.model_validate(dict(row)), of="payouts"), total

    async def _run(
        self, statement: TextClause, request: ParticipantRequest, parameters: Mapping[str, Any], refuse: Refuse
    ) -> dict[str, Any]:
        # The accounts' owners are text.
        texts = {name: str(value) if isinstance(value, UUID) else value for name, value in parameters.items()}
        return await self._store.answer(request, statement, texts, refuse=refuse)
