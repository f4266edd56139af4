"""What the sagas and the job of commissions store, and the names of their kinds, signals and steps of progress."""

import uuid
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.clients.orders.commissions import NewCommission
from orchestrator.saga_engine.plan import SagaData

# Kinds of sagas.
COMMISSION: Final = "commission"
COMMISSION_BY_CARD: Final = "commission by card"
WRITING: Final = "commission writing"  # a revision or a retry

# Signals.
PAY: Final = "pay"
APPROVE: Final = "approve"

KIND: Final = "commission"
"""The kind of the job that writes. Revisions and first texts share its queue."""
REVISION_PRIORITY: Final = 10

PROGRESS: Final = (
    "Your request was received.",
    "The text is being written.",
    "The text is being checked.",
    "The text is being stored.",
    "The text is ready.",
)
"""The descriptions of the five steps that a job reports as it takes them (C3)."""


class Checkout(BaseModel):
    """A checkout session at the payment provider, and its page."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    url: str


class CommissionSaga(SagaData):
    """The data of a saga that sells a commission; `saga_id` is the order's id.

    `payment_id` and `checkout_expires_at` are set for an order paid by card, `checkout` once it is open there.
    `escrow_id` and `hold_request_id`, that of the call that made it, are set once the credits are held, `slug` once the
    text is published.
    """

    order: NewCommission
    proof_reference: uuid.UUID
    """What a flagged customer verifies a code for (T6)."""
    expires_at: datetime
    """When an order that is not published by then is refunded."""
    payment_id: uuid.UUID | None = None
    checkout_expires_at: datetime | None = None
    checkout: Checkout | None = None
    escrow_id: uuid.UUID | None = None
    hold_request_id: uuid.UUID | None = None
    version_number: int | None = None
    """The version that an admin approved; None for whatever is the current one."""
    slug: str | None = None

    @property
    def escrow(self) -> uuid.UUID:
        """The escrow, for steps after it was made."""
        if self.escrow_id is None:
            raise RuntimeError(f"commission {self.saga_id} has no escrow yet")
        return self.escrow_id


class WritingSaga(SagaData):
    """The data of a saga that has a text written again: a revision, or the retry of a failed order."""

    order_id: uuid.UUID
    customer_user_id: uuid.UUID
    is_revision: bool
    notes: str = ""
    round: int = 0


class WriteText(BaseModel):
    """The payload of a job."""

    model_config = ConfigDict(frozen=True)

    order_id: uuid.UUID
    round: int
    type: Literal["commission", "revision"]


def job_id_of(order_id: uuid.UUID, *, round_number: int) -> uuid.UUID:
    """Return the id of the job that writes a round of an order. Its lane is the order's id."""
    return uuid.uuid5(order_id, f"writing {round_number}")
