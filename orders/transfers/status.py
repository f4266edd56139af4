"""The status machine of a transfer. A trigger in the database refuses all other moves.

::

    PENDING_OTP ──> COMPLETED <──> DISPUTED <──> REVERSING ──> REVERSED
       ├──────────> FAILED
       └──────────> CANCELLED
"""

import enum

from orders.shared.transitions import Move


class TransferStatus(enum.StrEnum):
    PENDING_OTP = "PENDING_OTP"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    DISPUTED = "DISPUTED"
    REVERSING = "REVERSING"
    REVERSED = "REVERSED"


@enum.unique
class TransferMove(Move):
    COMPLETE = (TransferStatus.PENDING_OTP, TransferStatus.COMPLETED)
    FAIL = (TransferStatus.PENDING_OTP, TransferStatus.FAILED)
    CANCEL = (TransferStatus.PENDING_OTP, TransferStatus.CANCELLED)
    DISPUTE = (TransferStatus.COMPLETED, TransferStatus.DISPUTED)
    DISMISS = (TransferStatus.DISPUTED, TransferStatus.COMPLETED)
    BEGIN_REVERSAL = (TransferStatus.DISPUTED, TransferStatus.REVERSING)
    ABANDON_REVERSAL = (TransferStatus.REVERSING, TransferStatus.DISPUTED)
    REVERSE = (TransferStatus.REVERSING, TransferStatus.REVERSED)
