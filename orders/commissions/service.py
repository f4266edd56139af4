"""What the orders service does with commissions."""

import uuid
from collections.abc import Callable
from datetime import datetime

from common.auth.principal import Principal, Role
from common.errors import NotFound
from common.http.calls import RepeatableCall, UndoCall
from common.pages import Cursor, Total
from orders.commissions.changes import changes_of
from orders.commissions.repository import CommissionRepository
from orders.commissions.schemas import (
    Commission,
    Comparison,
    MovedCommission,
    MoveName,
    OpenCommission,
    PublicCommission,
    PublicVersion,
    Stats,
    UndoName,
    UndoneCommission,
    Version,
)
from orders.commissions.status import CommissionStatus, CommissionType, ShownStatus
from orders.ticket_orders.errors import NotYourOrder, OrderNotFound


class CommissionService:
    """Openings and moves for the orchestrator, see `CommissionRepository`; reads for it and for users.

    `wake_relay` is called when a message was committed to the outbox.
    """

    def __init__(self, repository: CommissionRepository, *, wake_relay: Callable[[], None]) -> None:
        self._commissions = repository
        self._wake_relay = wake_relay

    async def open(self, opening: OpenCommission) -> MovedCommission:
        return await self._commissions.open(opening)

    async def move(self, order_id: uuid.UUID, name: MoveName, call: RepeatableCall) -> MovedCommission:
        moved = await self._commissions.move(order_id, name, call)
        self._wake_relay()
        return moved

    async def undo(self, order_id: uuid.UUID, name: UndoName, call: UndoCall) -> UndoneCommission:
        undone = await self._commissions.undo(order_id, name, call)
        self._wake_relay()
        return undone

    async def resume(self, order_id: uuid.UUID, *, round_number: int) -> Commission:
        return await self._commissions.resume(order_id, round_number=round_number)

    async def find(self, order_id: uuid.UUID) -> Commission:
        """Return an order with its latest versions, of which only the current one has its content.

        Raises:
            OrderNotFound: there is none of that id, or it is OPENING.
        """
        return _found(await self._commissions.find_latest(order_id))

    async def find_by_checkout(self, session_id: str) -> Commission:
        """Return the order of a checkout session as `find` does.

        Raises:
            OrderNotFound: there is none.
        """
        return _found(await self._commissions.find_by_checkout(session_id))

    async def stalled(
        self, status: CommissionStatus, *, before: datetime, after: uuid.UUID | None, limit: int
    ) -> list[Commission]:
        return await self._commissions.stalled(status, before=before, after=after, limit=limit)

    async def stats(self) -> Stats:
        return await self._commissions.stats()

    async def list(
        self,
        *,
        customer_user_id: uuid.UUID | None,
        commission_type: CommissionType | None = None,
        status: ShownStatus | None,
        limit: int,
        offset: int,
        after: Cursor | None,
    ) -> tuple[list[PublicCommission], Total]:
        """Return a page of one customer's orders or of all, newest first, and the number on all pages."""
        found, total = await self._commissions.page(
            customer_user_id=customer_user_id,
            commission_type=commission_type,
            status=status,
            limit=limit,
            offset=offset,
            after=after,
        )
        return [commission.public() for commission in found], total

    async def show_version(self, order_id: uuid.UUID, number: int, *, to: Principal) -> Version | PublicVersion:
        """Return a version to its customer, or with its cost to an admin.

        Raises:
            OrderNotFound: there is no such order.
            NotYourOrder: `to` is neither.
            NotFound: the order has no such version.
        """
        return _shown_version(await self._shown(order_id, to=to), number, to=to)

    async def compare(
        self, order_id: uuid.UUID, *, from_number: int | None, to_number: int | None, to: Principal
    ) -> Comparison:
        """Return two versions, the current one and the one before if none is named; it raises as `show_version`."""
        commission = await self._shown(order_id, to=to)
        after = _shown_version(commission, to_number or commission.version_number, to=to)
        before = _shown_version(commission, from_number or max(after.number - 1, 1), to=to)
        changes = changes_of((before.title, before.content), (after.title, after.content))
        return Comparison(order_id=order_id, from_version=before, to_version=after, changes=changes)

    async def _shown(self, order_id: uuid.UUID, *, to: Principal) -> Commission:
        commission = _found(await self._commissions.find(order_id))
        if not to.may_act_for(commission.customer_user_id):
            raise NotYourOrder
        return commission


def _found(commission: Commission | None) -> Commission:
    if commission is None:
        raise OrderNotFound
    return commission


def _shown_version(commission: Commission, number: int, *, to: Principal) -> Version | PublicVersion:
    for version in commission.versions:
        if version.number == number:
            return version if to.has_role(Role.ADMIN) else PublicVersion.model_validate(version.model_dump())
    raise NotFound("There is no such version.")
