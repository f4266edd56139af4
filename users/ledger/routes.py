"""HTTP routes of the ledger: a user's wallet, and the movements that sagas make."""

from typing import Annotated, Final
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Query

from common.auth.principal import Principal
from common.fields import Integer
from common.http.auth import ADMIN_ONLY, AdminUser, CurrentUser, require_service
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    PageQuery,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from common.http.idempotency_key import IdempotencyKey
from users.ledger.cursors import AccountStatementCursor
from users.ledger.schemas import (
    AccountStatement,
    Adjust,
    Adjusted,
    AwardPoints,
    Balance,
    Charge,
    Clawback,
    ClawedBack,
    Correction,
    Currency,
    DebtReduced,
    EscrowCollect,
    EscrowHeld,
    EscrowHold,
    EscrowRelease,
    EscrowResolved,
    EscrowVoid,
    MaySpend,
    PointsAwarded,
    Receivable,
    ReduceDebt,
    Reference,
    Refund,
    Refunded,
    RefundedPart,
    RefundPart,
    Revenue,
    TopUp,
    Transfer,
    Transferred,
    WalletMovement,
)
from users.ledger.service import Ledger
from users.ledger.spending import SpendingCheck

__all__ = ["admin", "internal", "public"]

# The refusals of every movement. REQUEST_UNDONE: it arrived after its own undo.
_REFUSALS: Final = {
    400: BAD_INPUT,
    402: "INSUFFICIENT_CREDITS",
    404: "USER_NOT_FOUND",
    409: "REQUEST_UNDONE, ESCROW_ALREADY_RESOLVED, UNDO_MISMATCH",
    422: "IDEMPOTENCY_KEY_REUSED",
}

_BARRED: Final = {403: "ACCOUNT_SUSPENDED", 428: "OTP_REQUIRED"}
_CORRECT: Final = {
    400: BAD_INPUT,
    401: NOT_LOGGED_IN,
    403: "FORBIDDEN",
    404: "USER_NOT_FOUND",
    422: "IDEMPOTENCY_KEY_REUSED",
}
_REDUCE_DEBT: Final = _CORRECT | {409: "OWES_LESS"}

public: Final = APIRouter(prefix="/api/credits", tags=["Credits"])
admin: Final = APIRouter(prefix="/api/admin", tags=["Admin"], dependencies=[ADMIN_ONLY])
internal: Final = APIRouter(
    prefix="/internal/ledger",
    tags=["Internal: ledger"],
    dependencies=[Depends(require_service)],
    responses=refusals(_REFUSALS),
)

LedgerService = Annotated[Ledger, provided(Ledger)]
Spending = Annotated[SpendingCheck, provided(SpendingCheck)]


@public.get("/balance", summary="Show my balance", responses=refusals({401: NOT_LOGGED_IN}))
async def read_balance(user: CurrentUser, ledger: LedgerService) -> Success[Balance]:
    """The caller's wallet."""
    wallet = await ledger.wallet_of(user.user_id)
    return success(Balance(credit_balance=wallet.balance, owed=wallet.owed))


@public.get(
    "/statement",
    summary="Show my wallet's statement",
    responses=refusals({400: "VALIDATION_ERROR", 401: NOT_LOGGED_IN}),
)
async def read_statement(
    user: CurrentUser,
    ledger: LedgerService,
    *,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    limit: Annotated[Integer, Query(ge=1, le=100)] = 20,
    currency: Annotated[Currency, Query(description="POINTS shows the loyalty points instead.")] = Currency.SGD,
) -> Success[AccountStatement]:
    """Newest first, each entry with the balance after it: the first entry's is the current balance.

    Entries come in the order in which they happened. Each is on exactly one page, even if entries are added between
    the pages; those belong before the first page.
    """
    after = None if cursor is None else AccountStatementCursor.parse(cursor)
    return success(await ledger.account_statement(user.user_id, currency=currency, after=after, limit=limit))


@admin.get(
    "/receivables",
    summary="List what users owe (admin)",
    responses=refusals({400: "VALIDATION_ERROR", 401: NOT_LOGGED_IN, 403: "FORBIDDEN"}),
)
async def list_receivables(page: PageQuery, ledger: LedgerService) -> Paginated[Receivable]:
    """Users who owe the platform, the latest first: credits were taken back that they had spent.

    Every credit that reaches such a wallet pays the debt first.
    """
    return paginated(await ledger.list_debts(limit=page.per_page, offset=page.offset), page)


@admin.post("/receivables/{user_id}/settle", summary="Settle a debt (admin)", responses=refusals(_REDUCE_DEBT))
async def settle_debt(
    *,
    user_id: UUID,
    body: ReduceDebt,
    user: AdminUser,
    key: IdempotencyKey,
    address: ClientAddress,
    ledger: LedgerService,
) -> Success[DebtReduced]:
    """The user has paid outside the platform, all of the debt or an amount."""
    request_id = _request_id(user, key=key, operation="settle")
    reduced = await ledger.settle_debt(
        request_id=request_id, user_id=user_id, made_by_user_id=user.user_id, address=address, **dict(body)
    )
    return success(reduced)


@admin.post("/receivables/{user_id}/write-off", summary="Write a debt off (admin)", responses=refusals(_REDUCE_DEBT))
async def write_off_debt(
    *,
    user_id: UUID,
    body: ReduceDebt,
    user: AdminUser,
    key: IdempotencyKey,
    address: ClientAddress,
    ledger: LedgerService,
) -> Success[DebtReduced]:
    """The platform bears the debt, all of it or an amount."""
    request_id = _request_id(user, key=key, operation="write off")
    reduced = await ledger.write_off_debt(
        request_id=request_id, user_id=user_id, made_by_user_id=user.user_id, address=address, **dict(body)
    )
    return success(reduced)


@admin.post(
    "/users/{user_id}/adjustments",
    summary="Adjust a wallet (admin)",
    responses=refusals(_CORRECT | {402: "INSUFFICIENT_CREDITS"}),
)
async def adjust_wallet(
    *, user_id: UUID, body: Adjust, user: AdminUser, key: IdempotencyKey, address: ClientAddress, ledger: LedgerService
) -> Success[Adjusted]:
    """Credit a wallet, or debit it by a negative amount, never below zero. A credit pays what the user owes first."""
    request_id = _request_id(user, key=key, operation="adjust")
    movement = await ledger.adjust(
        request_id=request_id, user_id=user_id, made_by_user_id=user.user_id, address=address, **dict(body)
    )
    return success(
        Adjusted(transaction_id=movement.transaction_id, user_id=user_id, balance=movement.balances[user_id])
    )


@admin.get(
    "/corrections",
    summary="List settled and written-off debts and adjustments (admin)",
    responses=refusals({400: BAD_INPUT, 401: NOT_LOGGED_IN, 403: "FORBIDDEN"}),
)
async def list_corrections(
    page: PageQuery, ledger: LedgerService, user_id: UUID | None = None
) -> Paginated[Correction]:
    """What admins changed by hand, with the admin and the reason, the latest first; of one user or all."""
    return paginated(await ledger.list_corrections(user_id, limit=page.per_page, offset=page.offset), page)


@internal.post("/deduct", responses=refusals(_BARRED))
async def charge(call: Charge, ledger: LedgerService) -> Success[WalletMovement]:
    """Charge a wallet in favour of an event's revenue. Flagged users need a verified code for that `reference` first."""
    movement = await ledger.charge(**dict(call))
    return success(WalletMovement(transaction_id=movement.transaction_id, balance=movement.balances[call.user_id]))


@internal.post("/refund")
async def refund(call: Refund, ledger: LedgerService) -> Success[Refunded]:
    """Reverse a charge, once, for the payer or for `recipients`.

    If there is nothing to reverse, a tombstone is left and `transaction_id` is null.
    """
    movement = await ledger.refund(**{**dict(call), "recipients": call.shares()})
    balance = None if call.recipients else next(iter(movement.balances.values()), None)
    return success(Refunded(transaction_id=movement.transaction_id, balance=balance))


@internal.post("/refund-part")
async def refund_part(call: RefundPart, ledger: LedgerService) -> Success[RefundedPart]:
    """Refund a part of a charge. All parts together are at most the charge; a charge refunded as a whole has no parts."""
    movement = await ledger.refund_part(
        request_id=call.request_id,
        charge_request_id=call.charge_request_id,
        reason=call.reason,
        shares=call.sums(),
    )
    return success(RefundedPart(transaction_id=movement.transaction_id))


@internal.post("/transfer", responses=refusals(_BARRED))
async def transfer(call: Transfer, ledger: LedgerService) -> Success[Transferred]:
    """Move credits between wallets, or undo that."""
    if call.undoes_request_id is None:
        movement = await ledger.transfer(**call.model_dump(exclude={"undoes_request_id"}))
    else:
        movement = await ledger.undo_transfer(
            request_id=call.request_id, undoes_request_id=call.undoes_request_id, reference=call.reference
        )
    return success(
        Transferred(
            transaction_id=movement.transaction_id,
            from_balance=movement.balances.get(call.from_user_id),
            to_balance=movement.balances.get(call.to_user_id),
        )
    )


@internal.post("/clawback")
async def claw_back(call: Clawback, ledger: LedgerService) -> Success[ClawedBack]:
    """Credit the whole amount, take what the other wallet has, and note the rest as owed."""
    return success(await ledger.claw_back(**dict(call)))


@internal.get("/spending/{user_id}", responses=refusals(_BARRED))
async def check_spending(user_id: UUID, reference: Reference, spending: Spending) -> Success[MaySpend]:
    """Whether the user may spend for the reference; the movement itself checks it again."""
    await spending.check(user_id, reference=reference)
    return success(MaySpend())


@internal.get("/revenue/{event_id}")
async def read_revenue(event_id: UUID, ledger: LedgerService) -> Success[Revenue]:
    """An event's income less refunds."""
    return success(Revenue(event_id=event_id, revenue=await ledger.revenue_of(event_id)))


@internal.post("/escrow/hold", responses=refusals(_BARRED))
async def hold_escrow(call: EscrowHold, ledger: LedgerService) -> Success[EscrowHeld]:
    """Set credits aside."""
    movement = await ledger.hold_escrow(**dict(call))
    return success(EscrowHeld(escrow_id=movement.escrow_id, balance=movement.balances[call.user_id]))


@internal.post("/escrow/release")
async def release_escrow(call: EscrowRelease, ledger: LedgerService) -> Success[EscrowResolved]:
    """Move an escrow's credits to a user's wallet."""
    movement = await ledger.release_escrow(**dict(call))
    return success(EscrowResolved(transaction_id=movement.transaction_id))


@internal.post("/escrow/collect")
async def collect_escrow(call: EscrowCollect, ledger: LedgerService) -> Success[EscrowResolved]:
    """Move an escrow's credits to the platform's own revenue, or a part of them; the rest returns to the owner."""
    movement = await ledger.collect_escrow(**dict(call))
    return success(EscrowResolved(transaction_id=movement.transaction_id))


@internal.post("/escrow/void")
async def void_escrow(call: EscrowVoid, ledger: LedgerService) -> Success[EscrowResolved]:
    """Return an escrow's credits to its owner, by its id or as the undo of its hold."""
    if call.escrow_id is not None:
        movement = await ledger.void_escrow(request_id=call.request_id, escrow_id=call.escrow_id)
    else:
        assert call.undoes_request_id is not None  # noqa: S101 - the schema requires one of the two
        movement = await ledger.undo_escrow_hold(request_id=call.request_id, undoes_request_id=call.undoes_request_id)
    return success(EscrowResolved(transaction_id=movement.transaction_id))


@internal.post("/top-up")
async def top_up(call: TopUp, ledger: LedgerService) -> Success[WalletMovement]:
    """Credit a wallet with what a payment provider received."""
    movement = await ledger.top_up(**dict(call))
    return success(WalletMovement(transaction_id=movement.transaction_id, balance=movement.balances[call.user_id]))


@internal.post("/points")
async def award_points(call: AwardPoints, ledger: LedgerService) -> Success[PointsAwarded]:
    """Credit loyalty points."""
    movement = await ledger.award_points(**dict(call))
    return success(
        PointsAwarded(transaction_id=movement.transaction_id, points_balance=int(movement.balances[call.user_id]))
    )


def _request_id(user: Principal, *, operation: str, key: str | None) -> UUID:
    """Return the id of a movement by hand: the same one for a repeated key."""
    return uuid5(user.user_id, f"{operation}/{key}") if key else uuid4()
