"""HTTP routes of payments: what payers and admins read, and what the orchestrator calls."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from common.fields import Instant, Integer
from common.http.auth import ADMIN_ONLY, CurrentUser, require_service
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    CursorPageQuery,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from users.payments.schemas import (
    AdminPayment,
    AttachPayment,
    ClosedPayment,
    ClosePayment,
    OpenPayment,
    OwnPayment,
    Payment,
    ProviderName,
    ProviderReport,
    ReportResult,
)
from users.payments.service import PaymentService
from users.payments.status import PaymentStatus

__all__ = ["admin", "internal", "public"]

_OF_STATUS: Final = "Only payments of this status."

public: Final = APIRouter(prefix="/api/payments", tags=["Credits"])
admin: Final = APIRouter(prefix="/api/admin", tags=["Admin"], dependencies=[ADMIN_ONLY])
internal: Final = APIRouter(
    prefix="/internal/payments", tags=["Internal: payments"], dependencies=[Depends(require_service)]
)

Payments = Annotated[PaymentService, provided(PaymentService)]


@public.get("", summary="List my payments", responses=refusals({400: "VALIDATION_ERROR", 401: NOT_LOGGED_IN}))
async def list_payments(
    user: CurrentUser,
    payments: Payments,
    page: CursorPageQuery,
    status: Annotated[PaymentStatus | None, Query(description=_OF_STATUS)] = None,
) -> Paginated[OwnPayment]:
    """The caller's top-ups and other payments to providers, newest first."""
    items, total = await payments.page(
        user_id=user.user_id, status=status, limit=page.per_page, offset=page.offset, after=page.after
    )
    return paginated(([OwnPayment.model_validate(payment) for payment in items], total), page)


@public.get(
    "/{payment_id}",
    summary="Show a payment",
    responses=refusals({400: "INVALID_UUID", 401: NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "NOT_FOUND"}),
)
async def show_payment(payment_id: UUID, user: CurrentUser, payments: Payments) -> Success[OwnPayment]:
    """Open to the payer and to admins. The amount is in the wallet once `status` is SUCCEEDED."""
    return success(OwnPayment.model_validate(await payments.show(payment_id, to=user)))


@admin.get(
    "/payments",
    summary="List the payments of all users (admin)",
    responses=refusals({400: "VALIDATION_ERROR", 401: NOT_LOGGED_IN, 403: "FORBIDDEN"}),
)
async def list_all_payments(
    payments: Payments,
    page: CursorPageQuery,
    *,
    provider: Annotated[ProviderName | None, Query(description="Only payments of this provider.")] = None,
    status: Annotated[PaymentStatus | None, Query(description=_OF_STATUS)] = None,
    flagged: Annotated[bool, Query(description="Only payments that an admin may want to check.")] = False,
) -> Paginated[AdminPayment]:
    """Newest first. `flags` name irregularities: paid late, in part or too much, a contradiction, a dispute, a shortfall."""
    items, total = await payments.page(
        provider=provider,
        status=status,
        is_flagged=flagged,
        limit=page.per_page,
        offset=page.offset,
        after=page.after,
    )
    return paginated(([AdminPayment.model_validate(payment) for payment in items], total), page)


@internal.post(
    "",
    responses=refusals(
        {400: BAD_INPUT, 404: "USER_NOT_FOUND", 409: "PAYMENT_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}
    ),
)
async def open_payment(opening: OpenPayment, payments: Payments) -> Success[Payment]:
    """Store what a user is to pay, before the provider is called."""
    return success(await payments.open(opening))


@internal.post("/events", responses=refusals({400: BAD_INPUT, 422: "IDEMPOTENCY_KEY_REUSED"}))
async def report(report: ProviderReport, payments: Payments) -> Success[ReportResult]:
    """Apply a provider's report.

    CREDITED: the amount is in the wallet, by this report. NOTED: the payment changed otherwise. IGNORED: nothing new.
    MISMATCH: the report contradicts the payment, which is flagged, nothing else. UNKNOWN: there is no such payment; only
    this answer is not stored under the request's id, so that the same report can be sent again.
    """
    return success(await payments.report(report))


@internal.post(
    "/{payment_id}/attach",
    responses=refusals({400: BAD_INPUT, 404: "NOT_FOUND", 409: "PAYMENT_INVALID_STATE", 422: "IDEMPOTENCY_KEY_REUSED"}),
)
async def attach(payment_id: UUID, attaching: AttachPayment, payments: Payments) -> Success[Payment]:
    """Store the provider's id of the payment, once, and how it is paid."""
    return success(await payments.attach(payment_id, attaching))


@internal.post("/{payment_id}/close", responses=refusals({400: BAD_INPUT, 422: "IDEMPOTENCY_KEY_REUSED"}))
async def close(payment_id: UUID, closing: ClosePayment, payments: Payments) -> Success[ClosedPayment]:
    """Undo the opening: what the payment was for has ended.

    A payment of which a part was received, or will be, is settled at that: it is credited as any other. A payment that was
    never opened can no longer be opened.
    """
    return success(await payments.close(payment_id, closing))


@internal.get("", responses=refusals({400: "VALIDATION_ERROR"}))
async def list_oldest(
    payments: Payments,
    *,
    provider: Annotated[ProviderName | None, Query()] = None,
    status: Annotated[list[PaymentStatus], Query(description="Any of these; without, of any status.")] = [],  # noqa: B006 - FastAPI copies it
    disputed: Annotated[bool, Query(description="Only those with an open dispute.")] = False,
    since: Annotated[Instant | None, Query(description="Opened at that time or later.")] = None,
    limit: Annotated[Integer, Query(ge=1, le=500)] = 100,
) -> Success[list[Payment]]:
    """Oldest first, to be compared with a provider's own list."""
    found = await payments.oldest(provider=provider, statuses=status, is_disputed=disputed, since=since, limit=limit)
    return success(found)


@internal.get("/{payment_id}", responses=refusals({400: "INVALID_UUID", 404: "NOT_FOUND"}))
async def find_payment(payment_id: UUID, payments: Payments) -> Success[Payment]:
    return success(await payments.find(payment_id))
