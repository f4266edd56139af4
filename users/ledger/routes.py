"""A user's balance, and the internal movements that sagas make."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from common.http.auth import CurrentUser, require_service
from common.http.envelope import Success, refusals, success
from users.ledger.schemas import (
    Balance,
    Deduct,
    Deducted,
    EscrowHeld,
    EscrowHold,
    EscrowRelease,
    EscrowResolved,
    EscrowVoid,
    Refund,
    Refunded,
    TopUp,
    Transfer,
    Transferred,
)
from users.ledger.service import Ledger

__all__ = ["internal", "public"]

# Every movement may answer these. REQUEST_UNDONE: it came after its own undo.
_REFUSALS: Final = {
    400: "VALIDATION_ERROR, INVALID_UUID",
    402: "INSUFFICIENT_CREDITS",
    404: "USER_NOT_FOUND",
    409: "REQUEST_UNDONE, ESCROW_ALREADY_RESOLVED, UNDO_MISMATCH",
    422: "IDEMPOTENCY_KEY_REUSED",
}

public: Final = APIRouter(prefix="/api/credits", tags=["Credits"])
internal: Final = APIRouter(
    prefix="/internal/ledger",
    tags=["Internal: ledger"],
    dependencies=[Depends(require_service)],
    responses=refusals(_REFUSALS),
)


async def _ledger(request: Request) -> Ledger:
    # Async, though it awaits nothing: FastAPI sends plain functions to a thread.
    ledger: Ledger = request.app.state.ledger
    return ledger


LedgerService = Annotated[Ledger, Depends(_ledger)]


@public.get("/balance", summary="Show my balance", responses=refusals({401: "UNAUTHORIZED, TOKEN_EXPIRED"}))
async def read_balance(user: CurrentUser, ledger: LedgerService) -> Success[Balance]:
    """The caller's wallet."""
    return success(Balance.of(await ledger.balance_of(user.user_id)))


@internal.post("/deduct")
async def deduct(call: Deduct, ledger: LedgerService) -> Success[Deducted]:
    """Charge a wallet in favour of an event's revenue."""
    movement = await ledger.deduct(**dict(call))
    return success(Deducted(transaction_id=movement.transaction_id, balance=movement.balances[call.user_id]))


@internal.post("/refund")
async def refund(call: Refund, ledger: LedgerService) -> Success[Refunded]:
    """Reverse a deduct, once. Nothing to reverse: a tombstone is left and `transaction_id` is null."""
    movement = await ledger.refund(**dict(call))
    balance = next(iter(movement.balances.values()), None)
    return success(Refunded(transaction_id=movement.transaction_id, balance=balance))


@internal.post("/transfer")
async def transfer(call: Transfer, ledger: LedgerService) -> Success[Transferred]:
    """Move credits between wallets, or undo that."""
    if call.undoes_request_id is None:
        movement = await ledger.transfer(
            request_id=call.request_id,
            from_user_id=call.from_user_id,
            to_user_id=call.to_user_id,
            amount=call.amount,
            reference=call.reference,
        )
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


@internal.post("/escrow/hold")
async def hold_escrow(call: EscrowHold, ledger: LedgerService) -> Success[EscrowHeld]:
    """Set credits aside."""
    movement = await ledger.hold_escrow(**dict(call))
    return success(EscrowHeld(escrow_id=movement.escrow_id, balance=movement.balances[call.user_id]))


@internal.post("/escrow/release")
async def release_escrow(call: EscrowRelease, ledger: LedgerService) -> Success[EscrowResolved]:
    """Give what is in escrow to somebody."""
    movement = await ledger.release_escrow(**dict(call))
    return success(EscrowResolved(transaction_id=movement.transaction_id))


@internal.post("/escrow/void")
async def void_escrow(call: EscrowVoid, ledger: LedgerService) -> Success[EscrowResolved]:
    """Give what is in escrow back, by its id or as the undo of its hold."""
    if call.escrow_id is not None:
        movement = await ledger.void_escrow(request_id=call.request_id, escrow_id=call.escrow_id)
    else:
        assert call.undoes_request_id is not None  # noqa: S101 - the schema wants one of the two
        movement = await ledger.undo_escrow_hold(request_id=call.request_id, undoes_request_id=call.undoes_request_id)
    return success(EscrowResolved(transaction_id=movement.transaction_id))


@internal.post("/top-up")
async def top_up(call: TopUp, ledger: LedgerService) -> Success[Deducted]:
    """Credit a wallet with what a payment provider took in."""
    movement = await ledger.top_up(**dict(call))
    return success(Deducted(transaction_id=movement.transaction_id, balance=movement.balances[call.user_id]))
