"""HTTP at the edge of payments: what payers and admins read, and what the orchestrator does."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from common.auth.principal import Role
from common.fields import Instant
from common.http.auth import CurrentUser, require_role, require_service
from common.http.envelope import PageQuery, Paginated, Success, paginated, refusals, success
from users.payments.schemas import (
    AdminPayment,
    AttachPayment,
    OpenPayment,
    OwnPayment,
    Payment,
    ProviderName,
    ProviderReport,
    Reported,
)
from users.payments.service import Payments
from users.payments.status import PaymentStatus

__all__ = ["admin", "internal", "public"]

_NOT_LOGGED_IN: Final = "UNAUTHORIZED, TOKEN_EXPIRED"
_BAD_INPUT: Final = "VALIDATION_ERROR, INVALID_UUID"
_OF_STATUS: Final = "Only payments of this status."

public: Final = APIRouter(prefix="/api/payments", tags=["Credits"])
admin: Final = APIRouter(prefix="/api/admin", tags=["Admin"], dependencies=[Depends(require_role(Role.ADMIN))])
internal: Final = APIRouter(
    prefix="/internal/payments", tags=["Internal: payments"], dependencies=[Depends(require_service)]
)


async def _payments(request: Request) -> Payments:
    # Async, though it awaits nothing: FastAPI sends plain functions to a thread.
    payments: Payments = request.app.state.payments
    return payments


PaymentsService = Annotated[Payments, Depends(_payments)]


@public.get("", summary="List my payments", responses=refusals({400: "VALIDATION_ERROR", 401: _NOT_LOGGED_IN}))
async def list_payments(
    user: CurrentUser,
    payments: PaymentsService,
    page: PageQuery,
    status: Annotated[PaymentStatus | None, Query(description=_OF_STATUS)] = None,
) -> Paginated[OwnPayment]:
    """Top-ups and whatever else one pays from outside, newest first."""
    found, total = await payments.list_of(user, status=status, limit=page.per_page, offset=page.offset)
    return paginated([OwnPayment.of(payment) for payment in found], page=page, total=total)


@public.get(
    "/{payment_id}",
    summary="Show a payment",
    responses=refusals({400: "INVALID_UUID", 401: _NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "NOT_FOUND"}),
)
async def show_payment(payment_id: UUID, user: CurrentUser, payments: PaymentsService) -> Success[OwnPayment]:
    """To its payer, or to an admin. Its amount is in the wallet once `status` is SUCCEEDED."""
    return success(OwnPayment.of(await payments.show(payment_id, to=user)))


@admin.get(
    "/payments",
    summary="List everybody's payments (admin)",
    responses=refusals({400: "VALIDATION_ERROR", 401: _NOT_LOGGED_IN, 403: "FORBIDDEN"}),
)
async def list_all_payments(
    payments: PaymentsService,
    page: PageQuery,
    *,
    provider: Annotated[ProviderName | None, Query(description="Only payments of this provider.")] = None,
    status: Annotated[PaymentStatus | None, Query(description=_OF_STATUS)] = None,
    flagged: Annotated[bool, Query(description="Only those that a person may want to look at.")] = False,
) -> Paginated[AdminPayment]:
    """Newest first. `flags` say what was odd: paid late or in part, a report that contradicts our record, a shortfall."""
    found, total = await payments.list_all(
        provider=provider, status=status, is_flagged=flagged, limit=page.per_page, offset=page.offset
    )
    return paginated([AdminPayment.of(payment) for payment in found], page=page, total=total)


@internal.post(
    "",
    responses=refusals(
        {400: _BAD_INPUT, 404: "USER_NOT_FOUND", 409: "PAYMENT_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
    ),
)
async def open_payment(opening: OpenPayment, payments: PaymentsService) -> Success[Payment]:
    """Note what somebody is to pay, before the provider is asked."""
    return success(await payments.open(opening))


@internal.post("/events", responses=refusals({400: _BAD_INPUT, 422: "IDEMPOTENCY_KEY_REUSED"}))
async def report(report: ProviderReport, payments: PaymentsService) -> Success[Reported]:
    """Decide what a provider's report means.

    CREDITED: the amount is in the wallet, by this report. NOTED: the payment changed otherwise. IGNORED: nothing new.
    MISMATCH: it contradicts our record; the payment is flagged, nothing else. UNKNOWN: no payment of ours; only this
    answer is not remembered under the request's id, so that the same report may be tried again.
    """
    return success(await payments.report(report))


@internal.post(
    "/{payment_id}/attach",
    responses=refusals(
        {400: _BAD_INPUT, 404: "NOT_FOUND", 409: "PAYMENT_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
    ),
)
async def attach(payment_id: UUID, attaching: AttachPayment, payments: PaymentsService) -> Success[Payment]:
    """Note what the provider calls it, once, and how it is paid."""
    return success(await payments.attach(payment_id, attaching))


@internal.get("", responses=refusals({400: "VALIDATION_ERROR"}))
async def list_oldest(
    payments: PaymentsService,
    *,
    provider: Annotated[ProviderName | None, Query()] = None,
    status: Annotated[list[PaymentStatus], Query(description="Any of these; of any status without.")] = [],  # noqa: B006 - FastAPI copies it
    since: Annotated[Instant | None, Query(description="Made at that time or later.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Success[list[Payment]]:
    """Oldest first: what a provider's own list is compared with."""
    return success(await payments.oldest(provider=provider, statuses=status, since=since, limit=limit))


@internal.get("/{payment_id}", responses=refusals({400: "INVALID_UUID", 404: "NOT_FOUND"}))
async def find_payment(payment_id: UUID, payments: PaymentsService) -> Success[Payment]:
    return success(await payments.find(payment_id))
