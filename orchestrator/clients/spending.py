"""Whether a user may spend credits on an order: a flagged one proves it with a code first (T6)."""

import uuid
from contextlib import suppress

from common.errors import Busy, PreconditionRequired
from orchestrator.clients import Clients
from orchestrator.clients.models import CodeContext
from orchestrator.errors import OtpRequired


async def check_may_order(
    clients: Clients,
    user_id: uuid.UUID,
    *,
    context: str,
    reference: uuid.UUID,
    new_key: str | None,
    address: str,
) -> None:
    """Check that a user may spend credits on an order, before anything is stored of it.

    Args:
        context: of `POST /api/verify-otp`.
        reference: what a flagged user verifies a code for: one order, the same for each attempt of it.
        new_key: the key with which a user who sent none repeats the request.
        address: the user's network address.

    Raises:
        PreconditionRequired: OTP_REQUIRED; a flagged user was sent a code.
        Forbidden: ACCOUNT_SUSPENDED.
    """
    try:
        await clients.ledger.check_may_spend(user_id, reference=reference)
    except PreconditionRequired as refusal:
        with suppress(Busy):  # another request is sending a code
            await clients.otp.send_again(
                user_id=user_id, context=CodeContext.PURCHASE, reference=reference, address=address
            )
        details = {"context": context, "reference_id": str(reference)}
        raise OtpRequired(
            "Please confirm with the code we sent to your phone, then order again.",
            details=details | ({} if new_key is None else {"idempotency_key": new_key}),
        ) from refusal
