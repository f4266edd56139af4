"""Why credits are not moved."""

from common.errors import Conflict, InvalidRequest, NotFound, PaymentRequired, PreconditionRequired

__all__ = [
    "EscrowAlreadyResolved",
    "EscrowNotFound",
    "InsufficientCredits",
    "OtpRequired",
    "SelfTransfer",
    "UndoMismatch",
    "UnknownCursor",
]


class InsufficientCredits(PaymentRequired):
    code = "INSUFFICIENT_CREDITS"


class OtpRequired(PreconditionRequired):
    """A flagged user has not proved by a code that this purchase is theirs (T6)."""

    code = "OTP_REQUIRED"
    public_message = "Please confirm this purchase with the code sent to your phone."


class SelfTransfer(InvalidRequest):
    code = "SELF_TRANSFER"
    public_message = "Nobody can transfer to themselves."


class UnknownCursor(InvalidRequest):
    public_message = "That cursor is not one of this statement's."


class EscrowNotFound(NotFound):
    public_message = "There is no such escrow."


class EscrowAlreadyResolved(Conflict):
    code = "ESCROW_ALREADY_RESOLVED"
    public_message = "The escrow was released or voided before."


class UndoMismatch(Conflict):
    """The movement to undo is not the mirror image of what was asked."""

    code = "UNDO_MISMATCH"
    public_message = "That is not what the undone request did."
