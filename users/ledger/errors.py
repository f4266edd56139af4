"""The refusals of the ledger."""

from common.errors import Conflict, InvalidRequest, NotFound, PaymentRequired, PreconditionRequired


class InsufficientCredits(PaymentRequired):
    code = "INSUFFICIENT_CREDITS"


class OtpRequired(PreconditionRequired):
    """A flagged user has not confirmed what they spend by a code (T6)."""

    code = "OTP_REQUIRED"
    public_message = "Please confirm this purchase with the code sent to your phone."


class OwesLess(Conflict):
    """An admin reduces a debt by more than the user owes; `details.owed` has that."""

    code = "OWES_LESS"
    public_message = "The user owes less than that."


class SelfTransfer(InvalidRequest):
    code = "SELF_TRANSFER"
    public_message = "You cannot transfer to yourself."


class UnknownCursor(InvalidRequest):
    public_message = "That cursor is not of this statement."


class EscrowNotFound(NotFound):
    public_message = "There is no such escrow."


class EscrowAlreadyResolved(Conflict):
    code = "ESCROW_ALREADY_RESOLVED"
    public_message = "The escrow is already released or voided."


class EscrowTooSmall(Conflict):
    public_message = "The escrow has less than that."


class UndoMismatch(Conflict):
    """The id to undo made a movement of another kind or amount."""

    code = "UNDO_MISMATCH"
    public_message = "The request to undo made another movement."
