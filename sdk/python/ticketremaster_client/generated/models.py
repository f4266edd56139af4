"""The models of requests and answers. `make sdk` writes this file."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, EmailStr, Field
from typing_extensions import TypeAliasType


class AccountDeleted(BaseModel):
    status: Literal["DELETED"] = "DELETED"
    credits_forfeited: str
    tickets_forfeited: int


class AccountStatementEntry(BaseModel):
    """
    One entry; `balance_after` is the balance right after it.
    """

    transaction_id: UUID
    at: AwareDatetime
    kind: Annotated[
        str,
        Field(
            description="top_up, top_up_reversal, deduct, refund, transfer, transfer_reversal, escrow_hold, escrow_release, escrow_void, platform_revenue (the part of a hold that returns), performer_payment, payout, adjustment or points."
        ),
    ]
    reference: Annotated[str, Field(description="Its purpose, such as an order's or a payment's id.")]
    amount: Annotated[str, Field(description="Negative for a debit.")]
    collected: Annotated[
        str,
        Field(
            description="What paid a debt instead of reaching the wallet. Negative: what was missing, and is owed since."
        ),
    ]
    balance_after: str


class Adjust(BaseModel):
    """
    Negative: a debit.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str
    amount: float | str


class Adjusted(BaseModel):
    """
    `balance` is the wallet's after it.
    """

    transaction_id: UUID
    user_id: UUID
    balance: str


class ApprovalRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    version_number: Annotated[
        int | None,
        Field(description="The version that was read: if another one is the current one, nothing is published."),
    ] = None


class ApproveRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    listing_id: UUID
    otp_code: str


class Article(BaseModel):
    article_id: UUID
    slug: str
    title: str
    event_id: UUID | None
    links_allowed: Annotated[bool, Field(description="Whether other customers may order backlinks into it.")]
    published_at: AwareDatetime
    content: Annotated[str, Field(description="Clean HTML.")]
    updated_at: Annotated[AwareDatetime, Field(description="The time of the last change of its content.")]


class ArticleChanges(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    links_allowed: bool


class ArticleLink(BaseModel):
    """
    An article about the event, at `/api/articles/{slug}`.
    """

    slug: str
    title: str


class ArticleSummary(BaseModel):
    article_id: UUID
    slug: str
    title: str
    event_id: UUID | None
    links_allowed: Annotated[bool, Field(description="Whether other customers may order backlinks into it.")]
    published_at: AwareDatetime


class AttendeeView(BaseModel):
    """
    A seat with its owner; `status` is SOLD, LISTED or CHECKED_IN.
    """

    seat_id: UUID
    category: str
    row_number: str
    seat_number: int
    status: str
    user_id: UUID
    name: str | None
    email: str | None
    price_paid: str
    purchased_at: AwareDatetime
    created_at: Annotated[
        AwareDatetime | None,
        Field(description="When the seat was created; null if that was not stored."),
    ]
    updated_at: Annotated[
        AwareDatetime | None,
        Field(description="When the seat last changed; null as long as that was not stored."),
    ]


AuditOutcome = TypeAliasType("AuditOutcome", Literal["DONE", "REFUSED", "IN_PROGRESS", "UNKNOWN"] | str)


class Balance(BaseModel):
    """
    `owed`: what the account owes; credits that arrive pay it first.
    """

    credit_balance: str
    owed: str
    currency: str | None = "SGD"


class BestAvailableRequest(BaseModel):
    """
    The best available seats of a category, adjacent if possible.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    event_id: UUID
    category: str
    quantity: int


class Cancellation(BaseModel):
    order_id: UUID
    status: Literal["CANCELLED"] = "CANCELLED"


class CategoryAvailability(BaseModel):
    category: str
    total: int
    available: int
    held: int
    sold: int


class ChangePassword(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    current_password: str
    new_password: str


class ChangeProfile(BaseModel):
    """
    At least one of name, email and phone; the last two need the current password.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    email: EmailStr | None = None
    phone: str | None = None
    current_password: str | None = None


class CodesDeleted(BaseModel):
    order_id: UUID
    keys_deleted: Literal[True] = True


class CommissionFailure(BaseModel):
    """
    Why an order failed or ended, in plain words.
    """

    code: str
    message: str


CommissionStatus = TypeAliasType(
    "CommissionStatus",
    Literal[
        "OPENING",
        "AWAITING_PAYMENT",
        "PROCESSING",
        "QUALITY_CHECK",
        "ADMIN_REVIEW",
        "PUBLISHING",
        "COMPLETED",
        "FAILED",
        "REFUNDED",
        "CANCELLED",
    ]
    | str,
)


CommissionType = TypeAliasType("CommissionType", Literal["ARTICLE", "BACKLINK"])


class CompleteRequest(BaseModel):
    """
    What the buyer gets with the performance.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    note: str | None = None
    file: Annotated[str | None, Field(description="Its https address; items show it as `file_url`.")] = None


class ConfirmTransferRequest(BaseModel):
    """
    The caller's own code, or both parties' codes.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    transfer_id: UUID
    otp_code: str | None = None
    seller_otp: str | None = None
    buyer_otp: str | None = None


class Correction(BaseModel):
    """
    What an admin changed by hand. `amount`: positive for the user's benefit.
    """

    transaction_id: UUID
    created_at: AwareDatetime
    kind: Annotated[str, Field(description="settlement, write_off or adjustment.")]
    user_id: UUID
    amount: str
    reason: str
    made_by_user_id: UUID


class CryptoInstructions(BaseModel):
    """
    Pay exactly `pay_amount` to `pay_address` before `expires_at`.
    """

    payment_id: UUID
    pay_address: str
    pay_amount: str
    pay_currency: str
    amount: str
    currency: str
    expires_at: AwareDatetime | None


class CryptoRequest(BaseModel):
    """
    A top-up needs an amount; an order's amount is its total and may be omitted. Both credit the wallet.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    purpose: Literal["topup", "order"] | None = None
    reference_id: Annotated[UUID | None, Field(description="The order's id.")] = None
    amount: float | str | None = None
    pay_currency: str


Currency = TypeAliasType(
    "Currency",
    Annotated[
        Literal["SGD", "POINTS"] | str,
        Field(description="SGD are credits; points cannot be spent like them."),
    ],
)


class DebtReduced(BaseModel):
    """
    `owed` is what remains.
    """

    transaction_id: UUID
    user_id: UUID
    amount: str
    owed: str


class DeclineRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str


class DeliveredCode(BaseModel):
    """
    A code, which never appears in a log: an error does not show its input either.
    """

    item_id: UUID
    name: str
    code: str


class Delivery(BaseModel):
    """
    A message for one subscription. `last_status` is the HTTP status of the URL's last response, if there was one.
    """

    delivery_id: UUID
    subscription_id: UUID
    message_id: UUID
    message_type: str
    status: Literal["PENDING", "DELIVERED", "FAILED"] | str
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: AwareDatetime
    delivered_at: AwareDatetime | None


class DeviceActivation(BaseModel):
    """
    What a device does for an item: a pattern, or an intensity.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    pattern: str | None = None
    intensity: int | None = None
    duration_seconds: int


DigitalItemStatus = TypeAliasType(
    "DigitalItemStatus", Literal["PENDING", "RESERVED", "READY", "DELIVERED", "FAILED"] | str
)


class DigitalItemView(BaseModel):
    """
    `failure`: why the item cannot be delivered, in plain words.
    """

    item_id: UUID
    product_id: UUID
    name: str
    price: str
    status: DigitalItemStatus
    failure: str | None


DigitalOrderStatus = TypeAliasType(
    "DigitalOrderStatus",
    Literal["OPENING", "CREATED", "PAID", "WAITING", "READY", "FULFILLED", "FAILED", "REFUNDED", "CANCELLED"] | str,
)


class DisputeRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    transfer_id: UUID
    reason: str


class Done(BaseModel):
    message: str


class DownloadLinkView(BaseModel):
    url: Annotated[
        str,
        Field(description="Needs no token. Any holder of the link can read the codes until it expires."),
    ]
    expires_at: AwareDatetime


class EarnedByDay(BaseModel):
    day: date
    count: int
    amount: str


class EarnedByItem(BaseModel):
    """
    `name` is the latest one.
    """

    offer_id: Annotated[
        UUID,
        Field(description="The tip grid item, the menu item, or the performer for subscriptions."),
    ]
    type: str
    name: str
    count: int
    amount: str


class EarnedByType(BaseModel):
    type: Annotated[str, Field(description="tip_grid_item, menu_item or subscription")]
    count: int
    amount: str


class Earnings(BaseModel):
    """
    What a performer earned. Days are those of the performer's time zone.
    """

    today: str
    total: Annotated[str, Field(description="From `from` to `to`, as the lists below.")]
    pending: Annotated[str, Field(description="Earned at any time, and not paid out yet.")]
    by_type: list[EarnedByType]
    by_item: Annotated[
        list[EarnedByItem],
        Field(description="The largest amounts first, 1,000 at most."),
    ]
    by_day: Annotated[list[EarnedByDay], Field(description="Days without earnings are left out.")]


class EmailVerified(BaseModel):
    email: str
    is_email_verified: bool | None = True


class EmptyBody(BaseModel):
    """
    The body of a call that needs none: a client that sends a field to decide something is refused.
    """

    model_config = ConfigDict(
        extra="forbid",
    )


class ErrorBody(BaseModel):
    """
    An error with a stable code.
    """

    success: Literal[False] = False
    error_code: str
    message: str
    details: dict[str, Any] | None = None
    correlation_id: str


class EventCancellation(BaseModel):
    """
    The progress. `orders_total` counts refunded and paid orders; `state` is the saga's.

    A disputed ticket keeps its order open until an admin has decided the dispute. The other tickets are refunded at once.
    """

    event_id: UUID
    saga_id: UUID
    status: Literal["CANCELLED"] = "CANCELLED"
    state: str
    orders_total: int
    orders_refunded: int
    open_orders: int
    open_transfers: int
    open_disputes: int
    open_listings: int


class EventChanges(BaseModel):
    """
    At least one field; the others stay as they are. null removes `sale_starts_at` and `organiser_user_id`.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    description: str | None = None
    event_date: Annotated[
        AwareDatetime | None,
        Field(description="A new date. ends_at and doors_open_at move with it, unless they are given, too."),
    ] = None
    ends_at: AwareDatetime | None = None
    doors_open_at: AwareDatetime | None = None
    sale_starts_at: AwareDatetime | None = None
    refund_deadline_hours: int | None = None
    organiser_user_id: Annotated[UUID | None, Field(description="By an admin only.")] = None
    version: Annotated[
        int | None,
        Field(description="The version that the changes are made to: they are refused if the event has another one."),
    ] = None


class EventCreated(BaseModel):
    event_id: UUID
    seats_created: int


class EventsMenuItem(BaseModel):
    name: str
    description: str
    category: str
    position: int
    bonus_loyalty_points: int
    estimated_minutes: int
    daily_limit: int | None
    daily_limit_per_user: int | None
    device_activation: DeviceActivation | None
    is_active: bool
    menu_item_id: UUID
    token_value: str


ExecutionMode = TypeAliasType(
    "ExecutionMode",
    Annotated[
        Literal["IMMEDIATE", "QUEUED"],
        Field(description="IMMEDIATE: the credits move at once. QUEUED: the item waits in the performer's queue."),
    ],
)


Failure = TypeAliasType(
    "Failure",
    Annotated[
        Literal["dead", "refused", "acknowledged"] | str,
        Field(
            description="Whether a failed job needs an admin.\n\nA *dead* job, out of attempts or broken, waits until an admin retries or acknowledges it. A *refused* job failed as\nexpected, such as an email to a deleted user."
        ),
    ],
)


Flag = TypeAliasType(
    "Flag",
    Annotated[
        Literal[
            "LATE",
            "PARTIAL",
            "OVERPAID",
            "DISPUTED",
            "SHORTFALL",
            "AMOUNT_MISMATCH",
            "CURRENCY_MISMATCH",
            "USER_MISMATCH",
        ]
        | str,
        Field(description="What an admin may want to check."),
    ],
)


class ForgotPassword(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    email: EmailStr


FulfillmentStatus = TypeAliasType(
    "FulfillmentStatus",
    Annotated[
        Literal[
            "awaiting_payment",
            "reserving",
            "waiting",
            "ready",
            "delivered",
            "partially_delivered",
            "failed",
            "refunded",
            "cancelled",
        ]
        | str,
        Field(description="What an order's status means for its buyer."),
    ],
)


class FulfilmentRetried(BaseModel):
    """
    `job_ids` are the jobs of the order that are queued or running.
    """

    order_id: UUID
    job_ids: list[UUID]
    message: str


class GoodsRefundReason(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    reason: Annotated[str, Field(description="For the audit trail.")]


class ItemActivation(BaseModel):
    """
    What the performer's device does for an item: a pattern, or an intensity of 1 to 20.
    """

    pattern: str | None = None
    intensity: int | None = None
    duration_seconds: int


class ItemMoved(BaseModel):
    purchased_item_id: UUID
    status: Literal["in_progress", "success", "declined", "cancelled"] | str


ItemType = TypeAliasType("ItemType", Literal["tip_grid_item", "menu_item", "subscription"] | str)


class JobError(BaseModel):
    """
    Why the last attempt failed; `code` is stable, `message` is for admins.
    """

    code: str
    message: str


class JobPosition(BaseModel):
    """
    A waiting job's position in its queue.

    `position` is 1 for the next job and 0 for a job that does not wait. `estimated_wait_seconds` is derived from the
    durations of the kind's latest jobs; it is None until the first one has finished.
    """

    position: int
    estimated_wait_seconds: float | None


JobStatus = TypeAliasType(
    "JobStatus", Literal["queued", "running", "retrying", "completed", "failed", "cancelled"] | str
)


class JobSummary(BaseModel):
    """
    `attempts` counts the attempts so far, `run_at` is when the job may run next, `started_at` when the last one began.

    `failure` says whether a failed job needs an admin: a `dead` one does, a `refused` or `acknowledged` one does not.
    """

    job_id: UUID
    kind: str
    status: JobStatus
    failure: Failure | None
    requested_by: UUID | None
    priority: int
    lane: str | None
    attempts: int
    max_attempts: int
    error: JobError | None
    run_at: AwareDatetime
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class JobsAcknowledged(BaseModel):
    """
    How many dead jobs were acknowledged.
    """

    acknowledged: int


class JobsRetried(BaseModel):
    """
    How many failed jobs were queued again.
    """

    retried: int


class KindStats(BaseModel):
    """
    One kind's counts. Finished jobs, rates and durations (of the last attempt, in seconds) cover the last 24 hours.
    """

    kind: str
    queued: int
    running: int
    retrying: int
    failed_kept: int
    completed: int
    failed: int
    cancelled: int
    success_rate: float | None
    average_seconds: float | None
    p95_seconds: float | None
    completed_per_minute: float
    oldest_waiting_seconds: float | None


class LayoutRowInput(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    section: str | None = None
    row_number: str
    seats: int


class ListRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    seat_id: UUID
    asking_price: float | str


class ListingActive(BaseModel):
    """
    While listed, the ticket's code is invalid.
    """

    listing_id: UUID
    status: Literal["ACTIVE"] = "ACTIVE"
    seat_id: UUID
    asking_price: str


class ListingCancelled(BaseModel):
    listing_id: UUID
    status: Literal["CANCELLED"] = "CANCELLED"


class ListingReference(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    listing_id: UUID


ListingStatus = TypeAliasType(
    "ListingStatus",
    Annotated[
        Literal["OPENING", "ACTIVE", "PENDING_TRANSFER", "WITHDRAWING", "COMPLETED", "CANCELLED"] | str,
        Field(description="OPENING and WITHDRAWING while inventory changes the seat; PENDING_TRANSFER during a sale."),
    ],
)


class LoggedOut(BaseModel):
    message: str | None = "You are logged out."


class Login(BaseModel):
    """
    `device_token`: of the device's last login, for clients without cookies.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    email: EmailStr
    password: str
    device_token: str | None = None


class ManagedProduct(BaseModel):
    """
    A product as admins see one.
    """

    product_id: UUID
    name: str
    description: str
    price: str
    supplier_product_id: str
    stock: int | None
    is_active: bool
    created_at: AwareDatetime
    updated_at: Annotated[AwareDatetime, Field(description="The time of the last change by an admin.")]


class MenuItemChanges(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    description: str | None = None
    category: str | None = None
    position: int | None = None
    bonus_loyalty_points: Annotated[int | None, Field(description="At most 10 for each credit of the price.")] = None
    estimated_minutes: int | None = None
    daily_limit: int | None = None
    daily_limit_per_user: int | None = None
    device_activation: DeviceActivation | None = None
    is_active: bool | None = None
    token_value: Annotated[float | str | None, Field(description="Its price in credits.")] = None


class MenuPurchase(BaseModel):
    """
    A purchase as it is now.
    """

    purchase_id: UUID
    performer_id: UUID
    menu_id: UUID | None
    menu_item_id: UUID
    name: str
    token_value: str
    transaction_type: Literal["immediate", "queued"] | str
    status: Literal["pending", "in_progress", "completed", "declined", "cancelled", "expired", "failed"] | str
    loyalty_points_awarded: Annotated[
        int,
        Field(description="The item's bonus points, which are awarded with its completion. 0 if it ended otherwise."),
    ]
    loyalty_points_status: Literal["awarded", "pending", "none"] | str
    queue_position: Annotated[int | None, Field(description="While it is pending.")]
    estimated_wait_minutes: int | None
    message: str
    note: Annotated[str, Field(description="What the performer completed it with.")]
    file_url: str
    explanation: Annotated[str, Field(description="Why it was declined, or has failed.")]
    device: Annotated[
        dict[str, Any],
        Field(description="What became of its device activation, if it has one."),
    ]
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class MenuPurchaseRequest(BaseModel):
    """
    The price is the server's: an amount in the body is refused.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    menu_id: UUID
    menu_item_id: UUID
    idempotency_key: Annotated[
        str | None,
        Field(description="Unique among your purchases: a repeated one is refused."),
    ] = None
    message: Annotated[str | None, Field(description="What the performer reads with the item.")] = None


class MenuPurchased(BaseModel):
    success: Literal[True] = True
    purchase_id: UUID
    transaction_type: Literal["immediate", "queued"] | str
    status: Literal["completed", "pending"] | str
    token_value: Annotated[str, Field(description="The credits that were paid, or are in escrow.")]
    loyalty_points_awarded: Annotated[
        int,
        Field(description="The item's bonus points, which are awarded with its completion."),
    ]
    loyalty_points_status: Literal["awarded", "pending"] | str
    queue_position: Annotated[int | None, Field(description="In the performer's queue, from 1.")] = None
    estimated_wait_minutes: int | None = None


class MenuTheme(BaseModel):
    """
    How the menu looks. Colors are hexadecimal, such as `#3a0ca3`.
    """

    primary_color: str | None
    secondary_color: str | None
    background_color: str | None
    text_color: str | None
    banner_url: str | None
    emoji: str | None


class MinuteView(BaseModel):
    minute: Annotated[AwareDatetime, Field(description="The minute's start.")]
    scans: int
    admitted: int


class NewMenuItemInput(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    description: str | None = None
    category: str | None = None
    position: Annotated[int | None, Field(description="After the last one if omitted.")] = None
    bonus_loyalty_points: Annotated[int | None, Field(description="At most 10 for each credit of the price.")] = None
    estimated_minutes: int | None = None
    daily_limit: Annotated[int | None, Field(description="Of all buyers, in the performer's time zone.")] = None
    daily_limit_per_user: int | None = None
    device_activation: DeviceActivation | None = None
    is_active: bool | None = None
    token_value: Annotated[float | str, Field(description="Its price in credits.")]


class NewMenuItemOutput(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    description: str | None = ""
    category: str | None = ""
    position: Annotated[int | None, Field(description="After the last one if omitted.")] = None
    bonus_loyalty_points: Annotated[int | None, Field(description="At most 10 for each credit of the price.")] = 0
    estimated_minutes: int | None = 0
    daily_limit: Annotated[int | None, Field(description="Of all buyers, in the performer's time zone.")] = None
    daily_limit_per_user: int | None = None
    device_activation: DeviceActivation | None = None
    is_active: bool | None = True
    token_value: Annotated[str, Field(description="Its price in credits.")]


class NewProduct(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    description: str | None = None
    price: float | str
    supplier_product_id: str
    stock: int | None = None
    is_active: bool | None = None


class NewSubscription(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    url: str
    message_types: list[
        Literal[
            "order.confirmed",
            "order.refunded",
            "order.cancelled",
            "order.failed",
            "transfer.pending",
            "transfer.completed",
            "transfer.failed",
            "transfer.reversed",
            "sale.pending",
            "sale.completed",
            "sale.failed",
            "event.cancelled",
            "event.rescheduled",
            "payment.confirmed",
            "payment.failed",
            "payment.partially_paid",
            "payment.overpaid",
            "payment.refunded",
            "payment.partially_refunded",
            "payment.refund_failed",
            "payment.disputed",
            "payment.dispute_won",
            "payment.dispute_lost",
            "purchased_item.queued",
            "purchased_item.next",
            "purchased_item.started",
            "purchased_item.success",
            "purchased_item.failed",
            "purchased_item.cancelled",
            "purchased_item.declined",
            "purchased_item.expired",
            "subscription.started",
            "subscription.renewed",
            "subscription.ending_soon",
            "subscription.ended",
            "subscription.cancelled",
            "payout.completed",
            "commission.received",
            "commission.ready",
            "commission.revision_ready",
            "commission.submitted",
            "commission.sent_back",
            "commission.completed",
            "commission.failed",
            "commission.refunded",
            "commission.cancelled",
            "fulfillment.created",
            "fulfillment.paid",
            "fulfillment.reserved",
            "fulfillment.ready",
            "fulfillment.fulfilled",
            "fulfillment.failed",
            "fulfillment.resumed",
            "fulfillment.refunded",
            "fulfillment.cancelled",
        ]
    ]


class NewTipItem(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    description: str | None = None
    category: str | None = None
    position: Annotated[int | None, Field(description="After the last one if omitted.")] = None
    bonus_loyalty_points: Annotated[int | None, Field(description="At most 10 for each credit of the price.")] = None
    estimated_minutes: int | None = None
    daily_limit: Annotated[int | None, Field(description="Of all buyers, in the performer's time zone.")] = None
    daily_limit_per_user: int | None = None
    device_activation: DeviceActivation | None = None
    is_active: bool | None = None
    price: float | str


class NewTipMenu(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    description: str | None = None
    position: Annotated[int | None, Field(description="After the last one if omitted.")] = None
    is_active: bool | None = None


class NewVenue(BaseModel):
    """
    A venue given with an event. An existing venue of an equal name and address, whatever their case, is used unchanged.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    address: str | None = None
    time_zone: Annotated[str | None, Field(description="Asia/Singapore when omitted.")] = None
    total_halls: int | None = None
    halls: Annotated[
        list[str] | None,
        Field(description="The names of its halls. Until total_halls are known, an event in a new hall adds its name."),
    ] = None


class OrchestratorCodeSent(BaseModel):
    reference_id: UUID
    sent: Literal[True] = True


class OrchestratorDeleteAccount(BaseModel):
    """
    With `forfeit`, the credits and the tickets to future events expire with the account.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    current_password: str
    forfeit: bool | None = None


class OrchestratorMenuItem(BaseModel):
    name: str
    description: str
    category: str
    position: int
    bonus_loyalty_points: int
    estimated_minutes: int
    daily_limit: Annotated[int | None, Field(description="Of all buyers, in the performer's time zone.")]
    daily_limit_per_user: int | None
    device_activation: ItemActivation | None
    is_active: bool
    menu_item_id: UUID
    token_value: Annotated[str, Field(description="Its price in credits.")]


class OrchestratorRefunded(BaseModel):
    """
    `credits_returned` is what the tickets' owners got in total. An order is REFUNDED with the last of its seats.
    """

    order_id: UUID
    status: Literal["CONFIRMED", "REFUNDED"] | str | None = "REFUNDED"
    refunded_seat_ids: list[UUID]
    credits_returned: str


class OrchestratorReservation(BaseModel):
    """
    Seats held for the caller. `seat_id` is set if it is one seat.
    """

    order_id: UUID
    status: Literal["HELD"] = "HELD"
    seat_ids: list[UUID]
    seat_id: UUID | None = None
    held_until: AwareDatetime
    ttl_seconds: int
    total: str


class OrchestratorSubscription(BaseModel):
    subscription_id: UUID
    url: str
    message_types: list[str]
    status: Literal["ACTIVE", "DISABLED"] | str
    reason: Annotated[str | None, Field(description="Why the subscription is disabled.")]
    created_at: AwareDatetime


class OrchestratorVerified(BaseModel):
    """
    The order can be paid now, or the listing or the performer's item bought, or the commission or the digital goods ordered.
    """

    verified: Literal[True] = True
    context: Literal["purchase", "marketplace", "purchased_item", "commission", "digital_order"] | str
    reference_id: UUID


OrderStatus = TypeAliasType("OrderStatus", Literal["PENDING", "CONFIRMED", "FAILED", "CANCELLED", "REFUNDED"] | str)


class OrderedProduct(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    product_id: UUID
    quantity: int | None = None


class OrdersSubscription(BaseModel):
    """
    A fan's subscription to a performer.
    """

    subscription_id: UUID
    user_id: UUID
    performer_id: UUID
    price: Annotated[str, Field(description="For 30 days, as agreed; a renewal never costs more.")]
    renews: Annotated[bool, Field(description="Whether it is renewed, an hour before `ends_at`.")]
    is_active: Annotated[bool, Field(description="Whether it gives access now.")]
    periods: Annotated[int, Field(description="Paid so far.")]
    started_at: Annotated[
        AwareDatetime,
        Field(description="When the first of the periods without a gap began."),
    ]
    ends_at: AwareDatetime


class OrdersVersion(BaseModel):
    """
    A version as admins and other services see it, with what all its drafts took.
    """

    version_id: UUID
    number: Annotated[int, Field(description="1 for the first.")]
    title: str
    content: Annotated[str, Field(description="Clean HTML.")]
    notes: Annotated[str, Field(description="The revision that was asked for.")]
    changes: Annotated[
        str,
        Field(description="A unified diff of its sentences to the version before; empty for the first."),
    ]
    qc_status: Literal["passed", "failed"] | str
    quality: Annotated[dict[str, Any], Field(description="The report of the quality checks.")]
    created_at: AwareDatetime
    provider: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: str | None


class Pagination(BaseModel):
    page: int
    per_page: int
    total: Annotated[
        int,
        Field(description="The number of items on all pages; long lists are counted to 10000."),
    ]
    total_pages: int
    total_is_exact: Annotated[
        bool | None,
        Field(description="Present and false if there are more items than `total`."),
    ] = True
    next: Annotated[
        str | None,
        Field(
            description="Leads to the following page as `after`. Present in lists that have `after`, if a page may follow."
        ),
    ] = None


ParkedStatus = TypeAliasType("ParkedStatus", Literal["parked", "replayed", "discarded"] | str)


PayGoodsWith = TypeAliasType("PayGoodsWith", Literal["credits", "crypto"])


class PayRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    order_id: UUID


PayWith = TypeAliasType("PayWith", Literal["credits", "stripe"])


class PaymentInstructions(BaseModel):
    """
    How an order is paid: exactly `pay_amount` to `pay_address`, before `expires_at`.

    `payment_id` is that of `GET /api/payments/{payment_id}`.
    """

    payment_id: UUID | None = None
    pay_address: str
    pay_amount: str
    pay_currency: str
    expires_at: AwareDatetime | None


PaymentStatus = TypeAliasType(
    "PaymentStatus",
    Literal["PENDING", "WAITING", "CONFIRMING", "FAILED", "EXPIRED", "PARTIALLY_PAID", "SUCCEEDED", "REFUNDED"] | str,
)


class Payout(BaseModel):
    """
    Earnings that were paid to the wallet together. `transaction_id` is their entry in the wallet's statement.
    """

    payout_id: UUID
    number: Annotated[int, Field(description="Counts the performer's payouts.")]
    amount: str
    items: Annotated[
        int,
        Field(description="How many tips, menu items and subscription periods it paid."),
    ]
    transaction_id: UUID
    created_at: AwareDatetime


class Performer(BaseModel):
    """
    A performer as the public sees one.
    """

    performer_id: Annotated[UUID, Field(description="The id of the performer's user.")]
    display_name: str
    bio: str
    image_url: str | None
    time_zone: Annotated[
        str,
        Field(description="Its name in the IANA database. Daily limits are counted in it."),
    ]
    subscription_price: Annotated[str | None, Field(description="Of 30 days; null: no subscriptions are sold.")]


class PersonalData(BaseModel):
    """
    All that is stored of a user, each list newest first, without the data of other users.
    """

    exported_at: AwareDatetime
    profile: dict[str, Any]
    sessions: list[dict[str, Any]]
    credits: Annotated[list[dict[str, Any]], Field(description="The wallet's statement.")]
    points: Annotated[list[dict[str, Any]], Field(description="The statement of the loyalty points.")]
    payments: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    transfers: Annotated[list[dict[str, Any]], Field(description="With the user's own `role`.")]
    listings: Annotated[list[dict[str, Any]], Field(description="With the user's own `role`.")]
    purchased_items: Annotated[
        list[dict[str, Any]],
        Field(description="Tips, menu items and periods of subscriptions."),
    ]
    subscriptions: list[dict[str, Any]]
    sales: Annotated[
        list[dict[str, Any]],
        Field(description="What a performer sold, without the buyers' words."),
    ]
    earnings: Annotated[list[dict[str, Any]], Field(description="What a performer earned.")]
    commissions: Annotated[
        list[dict[str, Any]],
        Field(description="Articles and backlinks, with every version of their text."),
    ]
    performers: Annotated[list[dict[str, Any]], Field(description="A performer's profile.")]
    menus: Annotated[
        list[dict[str, Any]],
        Field(description="A performer's menus and tip grids, with their items."),
    ]
    whitelists: Annotated[
        list[dict[str, Any]],
        Field(description="The private menus that the user may see."),
    ]
    tickets: list[dict[str, Any]]
    scans: Annotated[list[dict[str, Any]], Field(description="Of the user's tickets.")]
    notifications: Annotated[
        list[dict[str, Any]],
        Field(description="The messages of the user's feed, which emails are about."),
    ]


class Product(BaseModel):
    """
    A product as the public sees one.
    """

    product_id: UUID
    name: str
    description: str
    price: str
    in_stock: bool


class ProductChanges(BaseModel):
    """
    At least one field; the others stay as they are. null clears `stock`: the supplier always has it.

    `stock` is the new number, whatever it was. Orders of which nothing is delivered return theirs to it.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    description: str | None = None
    price: float | str | None = None
    supplier_product_id: str | None = None
    stock: int | None = None
    is_active: bool | None = None


class Progress(BaseModel):
    """
    Step 0 is an order that is not paid.
    """

    step: int
    total: Literal[5] = 5
    description: str


Provider = TypeAliasType("Provider", Literal["stripe", "nowpayments", "kinguin"] | str)


class PublicCommission(BaseModel):
    """
    An order as its customer and admins see it in lists.
    """

    order_id: UUID
    customer_user_id: UUID
    type: CommissionType
    price: str
    pay_with: Literal["credits", "stripe"] | str
    event_id: Annotated[UUID | None, Field(description="The event that an article is about.")]
    article_id: Annotated[
        UUID | None,
        Field(description="The published article that a backlink goes into."),
    ]
    brief: str
    keywords: list[str]
    target_url: str | None
    anchor_text: str | None
    links_allowed: Annotated[
        bool,
        Field(description="Whether other customers may order backlinks into the article."),
    ]
    checkout_url: Annotated[str | None, Field(description="Where it is paid.")]
    version_number: Annotated[int, Field(description="Of the current version; 0 if there is none.")]
    title: Annotated[str, Field(description="Of the current version.")]
    notes: Annotated[str, Field(description="What the customer asked for with the last revision.")]
    review_notes: Annotated[str, Field(description="What an admin wrote when the order was sent back last.")]
    failure_code: str | None
    failure_message: Annotated[str, Field(description="Why it has failed or ended, in plain words.")]
    slug: Annotated[str | None, Field(description="Of the published article.")]
    created_at: AwareDatetime
    paid_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    status: (
        Literal[
            "AWAITING_PAYMENT",
            "PROCESSING",
            "QUALITY_CHECK",
            "ADMIN_REVIEW",
            "COMPLETED",
            "FAILED",
            "REFUNDED",
            "CANCELLED",
        ]
        | str
    )


class PublicDigitalItem(BaseModel):
    """
    One unit of a product as its buyer sees it.
    """

    item_id: UUID
    product_id: UUID
    name: str
    price: str
    status: DigitalItemStatus
    failure: Annotated[
        str | None,
        Field(description="Why it cannot be delivered, in plain words; its price is refunded."),
    ]


class PublicDigitalOrder(BaseModel):
    """
    An order as its buyer and admins see it. It has no code.
    """

    order_id: UUID
    buyer_user_id: UUID
    pay_with: Literal["credits", "crypto"] | str
    fulfillment_status: Annotated[
        Literal[
            "awaiting_payment",
            "reserving",
            "waiting",
            "ready",
            "delivered",
            "partially_delivered",
            "failed",
            "refunded",
            "cancelled",
        ]
        | str,
        Field(description="What the status means for the buyer."),
    ]
    total: str
    failure_code: str | None
    failure_message: Annotated[str | None, Field(description="Why it has failed or ended, in plain words.")]
    created_at: AwareDatetime
    paid_at: AwareDatetime | None
    ready_at: AwareDatetime | None
    downloaded_at: Annotated[
        AwareDatetime | None,
        Field(description="The first download or reveal of the codes."),
    ]
    keys_deleted_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    status: Literal["CREATED", "PAID", "WAITING", "READY", "FULFILLED", "FAILED", "REFUNDED", "CANCELLED"] | str
    items: list[PublicDigitalItem]


class PublicItemChange(BaseModel):
    """
    A move of the status; `from_status` is null for the first one.
    """

    from_status: Literal["pending", "in_progress", "success", "failed", "cancelled", "declined", "expired"] | str | None
    to_status: Literal["pending", "in_progress", "success", "failed", "cancelled", "declined", "expired"] | str
    at: AwareDatetime


class PublicVersion(BaseModel):
    """
    A version of the text.
    """

    version_id: UUID
    number: Annotated[int, Field(description="1 for the first.")]
    title: str
    content: Annotated[str, Field(description="Clean HTML.")]
    notes: Annotated[str, Field(description="The revision that was asked for.")]
    changes: Annotated[
        str,
        Field(description="A unified diff of its sentences to the version before; empty for the first."),
    ]
    qc_status: Literal["passed", "failed"] | str
    quality: Annotated[dict[str, Any], Field(description="The report of the quality checks.")]
    created_at: AwareDatetime


class QrView(BaseModel):
    """
    The code to scan at check-in. Fetch a new one before it expires.
    """

    seat_id: UUID
    qr_payload: str
    generated_at: AwareDatetime
    expires_at: AwareDatetime
    ttl_seconds: int


class QualityReport(BaseModel):
    """
    The outcome of the quality checks, stored with a version: `findings` is empty if all have passed.
    """

    passed: bool
    words: int
    readability: float
    likeness: float
    regenerations: int | None = 0
    findings: list[str] | None = []


QueueMode = TypeAliasType(
    "QueueMode",
    Annotated[
        Literal["ON", "OFF"],
        Field(
            description="ON: the credits wait in escrow until the performer completes the item. OFF: they move at once (M3)."
        ),
    ],
)


class QueueState(BaseModel):
    is_paused: bool
    waiting: int


class QueuedItem(BaseModel):
    """
    An item in progress, or one that waits; a scheduled one has no position before its time.
    """

    purchased_item_id: UUID
    type: ItemType
    name: str
    price: str
    status: str
    buyer_name: str
    message: str
    queue_position: int | None
    estimated_wait_minutes: int | None
    estimated_minutes: int
    scheduled_for: AwareDatetime | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None


class Receivable(BaseModel):
    """
    What a user owes (a positive amount); `last_at`: the time of its last change.
    """

    user_id: UUID
    email: str | None
    amount: str
    last_at: AwareDatetime


class ReduceDebt(BaseModel):
    """
    Without an amount: all that the user owes.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str
    amount: float | str | None = None


class RefundReason(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    reason: Annotated[str, Field(description="For the audit trail.")]


class RefundRequest(BaseModel):
    """
    The whole order, or some seats of it.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    reason: str | None = None
    seat_ids: Annotated[
        list[UUID] | None,
        Field(description="Some seats of the order; all that can be refunded if omitted."),
    ] = None


class Register(BaseModel):
    """
    `name` is shown to others, such as staff at the entrance.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    email: EmailStr
    phone: str
    password: str
    name: str | None = None


class Registered(BaseModel):
    user_id: UUID
    status: str | None = "PENDING_VERIFICATION"


class RequestResult(BaseModel):
    success: bool
    message: str
    purchased_item_id: UUID


class RequestStatus(BaseModel):
    """
    `result` and `completed_at` are present once the request has ended.
    """

    request_id: UUID
    status: Literal["pending", "processing", "completed", "failed", "cancelled"] | str
    retry_count: int
    result: RequestResult | None = None
    created_at: AwareDatetime
    completed_at: AwareDatetime | None = None


class ResendOtpRequest(BaseModel):
    """
    `reference_id` is the order's, the transfer's or the listing's id.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    context: Literal["purchase", "transfer", "marketplace"]
    reference_id: UUID


class ReservationView(BaseModel):
    order_id: UUID
    item_id: UUID
    reservation_id: str
    order_status: DigitalOrderStatus
    created_at: AwareDatetime
    status: Annotated[
        Literal["waiting", "ready", "delivered", "failed", "unknown"] | str,
        Field(description="What the supplier says now; unknown if it does not respond."),
    ]


class ReserveRequest(BaseModel):
    """
    Either `seat_id` or `seat_ids`, 1 to 10 different seats of one event.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    event_id: UUID
    seat_id: UUID | None = None
    seat_ids: list[UUID] | None = None


class ResetPassword(BaseModel):
    """
    `token`: what follows `#token=` in the link. `phone_ending`: only after `PHONE_ENDING_REQUIRED`.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    token: str
    password: str
    phone_ending: str | None = None


ReversalStatus = TypeAliasType(
    "ReversalStatus", Literal["REFUNDED", "FAILED", "OPEN", "WITHDRAWN", "LOST", "WON", "CLOSED"] | str
)


class RevisionRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    revision_notes: str


Role = TypeAliasType("Role", Literal["customer", "performer", "staff", "organiser", "admin"])


class SagaRetried(BaseModel):
    saga_id: UUID
    state: str


SagaState = TypeAliasType(
    "SagaState", Literal["RUNNING", "WAITING", "UNWINDING", "COMPLETED", "UNWOUND", "STUCK"] | str
)


class SagaView(BaseModel):
    """
    `step` is the stored step. `error_code` and `error_step` say why the saga unwinds, `stuck_code` why it is stuck.
    """

    saga_id: UUID
    kind: str
    state: str
    step: str
    requested_by: UUID
    attempts: int
    error_code: str | None
    error_step: str | None
    stuck_code: str | None
    correlation_id: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class SagasMadeDue(BaseModel):
    """
    `made_due` is the number of stuck sagas that are tried again now.
    """

    made_due: int


class SaleCompleted(BaseModel):
    listing_id: UUID
    status: Literal["COMPLETED"] = "COMPLETED"
    new_owner_user_id: UUID
    credits_received: str


class SalePending(BaseModel):
    """
    The buyer's credits are in escrow until the seller approves, or until `expires_at`.
    """

    listing_id: UUID
    sale_id: UUID
    status: Literal["PENDING_TRANSFER"] = "PENDING_TRANSFER"
    credits_held: str
    expires_at: AwareDatetime


ScanResult = TypeAliasType(
    "ScanResult",
    Annotated[
        Literal[
            "SUCCESS",
            "DUPLICATE",
            "UNPAID",
            "NOT_FOUND",
            "WRONG_HALL",
            "EXPIRED",
            "NOT_OWNER",
            "QR_INVALID",
            "WRONG_EVENT",
            "UNDONE",
            "UNKNOWN",
        ]
        | str,
        Field(
            description="The outcome of a scan (T12). UNDONE is that of a repeated scan whose admission was withdrawn; in the log, it is the undo."
        ),
    ],
)


class ScanView(BaseModel):
    """
    A logged scan, or the undo of an admission (UNDONE); what the code did not contain is null.
    """

    scan_id: UUID
    result: ScanResult
    seat_id: UUID | None
    event_id: UUID | None
    ticket_user_id: Annotated[UUID | None, Field(description="The user the code was issued to.")]
    staff_user_id: UUID
    hall_presented: str
    hall_expected: str | None
    scanned_at: Annotated[AwareDatetime | None, Field(description="By the scanner's clock.")]
    logged_at: AwareDatetime
    reason: Annotated[str | None, Field(description="Why an admission was undone.")]


class SeatSelection(BaseModel):
    """
    1 to 1,000 different seats of the event.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    seat_ids: list[UUID]


class SeatView(BaseModel):
    seat_id: UUID
    row_number: str
    seat_number: int
    category: str
    price: str
    status: Annotated[str, Field(description="AVAILABLE, HELD, SOLD, LISTED, CHECKED_IN or BLOCKED.")]


class SeatsChanged(BaseModel):
    seats_changed: int


class SendBackRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    notes: str


class SessionView(BaseModel):
    """
    A login that can still be used.

    `device` and `network` say where it came from, null if that is not known. `is_current`: it is the caller's own.
    """

    session_id: UUID
    created_at: AwareDatetime
    last_used_at: AwareDatetime
    device: str | None
    network: str | None
    is_current: bool


Settlement = TypeAliasType(
    "Settlement",
    Annotated[
        Literal["INSTANT", "BATCHED"],
        Field(
            description="INSTANT: a performer's credits reach the wallet at once. BATCHED: they gather until a payout (Q6)."
        ),
    ],
)


SettlementStatus = TypeAliasType(
    "SettlementStatus",
    Annotated[
        Literal["pending", "held", "settled", "refunded"] | str,
        Field(description="Where the price is."),
    ],
)


class SoldSeat(BaseModel):
    seat_id: UUID
    category: str
    row_number: Annotated[str, Field(description="With the row's section.")]
    seat_number: int
    price: str
    refunded_at: Annotated[AwareDatetime | None, Field(description="When its ticket was refunded.")] = None


class Subscribed(BaseModel):
    subscription_id: UUID
    performer_id: UUID
    price: Annotated[str, Field(description="For 30 days, as agreed; a renewal never costs more.")]
    renews: bool
    is_active: bool
    periods: Annotated[int, Field(description="Paid so far.")]
    ends_at: AwareDatetime
    credits_charged: Annotated[str, Field(description="0 if you had the subscription already.")]


class SubscriptionWithSecret(BaseModel):
    subscription_id: UUID
    url: str
    message_types: list[str]
    status: Literal["ACTIVE", "DISABLED"] | str
    reason: Annotated[str | None, Field(description="Why the subscription is disabled.")]
    created_at: AwareDatetime
    secret: Annotated[
        str,
        Field(description="Signs each webhook (Standard Webhooks). It cannot be shown again."),
    ]


TemplateName = TypeAliasType("TemplateName", Literal["quick-fun", "private-energy", "vip-experience"] | str)


class Theme(BaseModel):
    """
    How a menu looks. A change replaces it as a whole.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    primary_color: str | None = None
    secondary_color: str | None = None
    background_color: str | None = None
    text_color: str | None = None
    banner_url: str | None = None
    emoji: str | None = None


class TicketCode(BaseModel):
    seat_id: UUID
    qr_payload: str


class TipBought(BaseModel):
    """
    The credits have moved. `transaction_id` is the purchased item's id, too.
    """

    success: Literal[True] = True
    transaction_id: UUID
    purchased_item_id: UUID
    message: str | None = "Tip grid item purchased successfully"


class TipItem(BaseModel):
    name: str
    description: str
    category: str
    position: int
    bonus_loyalty_points: int
    estimated_minutes: int
    daily_limit: int | None
    daily_limit_per_user: int | None
    device_activation: DeviceActivation | None
    is_active: bool
    tip_menu_item_id: UUID
    price: str


class TipItemChanges(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    description: str | None = None
    category: str | None = None
    position: int | None = None
    bonus_loyalty_points: Annotated[int | None, Field(description="At most 10 for each credit of the price.")] = None
    estimated_minutes: int | None = None
    daily_limit: int | None = None
    daily_limit_per_user: int | None = None
    device_activation: DeviceActivation | None = None
    is_active: bool | None = None
    price: float | str | None = None


class TipMenu(BaseModel):
    """
    A tip grid, with its items in order.
    """

    tip_menu_id: UUID
    performer_id: UUID
    name: str
    description: str
    position: int
    is_active: bool
    items: list[TipItem]


class TipMenuChanges(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    description: str | None = None
    position: int | None = None
    is_active: bool | None = None


class TipQueued(BaseModel):
    """
    The tip has its place in the queue; none before its scheduled time.
    """

    success: Literal[True] = True
    queue_request_id: UUID
    purchased_item_id: UUID
    queue_position: int | None
    message: str | None = "Tip grid item queued for processing"


class TipRequest(BaseModel):
    """
    `conversation_id` is the client's own: it is stored, and shown with the item.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    tip_menu_item_id: UUID
    performer_id: UUID
    conversation_id: UUID | None = None
    idempotency_key: Annotated[
        str | None,
        Field(description="Unique among your purchases: a repeated one is refused."),
    ] = None
    execution_mode: Annotated[
        ExecutionMode | None,
        Field(description="`QUEUED` with `scheduled_for`, otherwise `IMMEDIATE`."),
    ] = None
    scheduled_for: Annotated[
        AwareDatetime | None,
        Field(description="At most 30 days ahead; the tip is not performed before it."),
    ] = None
    hold_funds: Annotated[
        bool | None,
        Field(description="Of a queued tip: set the credits aside at once. One with a daily limit always does."),
    ] = None
    message: Annotated[str | None, Field(description="What the performer reads with the item.")] = None


class Tokens(BaseModel):
    """
    `expires_in`: seconds until the access token expires.
    """

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int


class TopUpRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    amount: float | str


class TopUpStarted(BaseModel):
    """
    `client_secret` is for Stripe's form in the fan's browser; the wallet is credited when the payment succeeds.
    """

    payment_id: UUID
    client_secret: str
    amount: str
    currency: str


class TransferCancelledView(BaseModel):
    transfer_id: UUID
    status: Literal["CANCELLED"] = "CANCELLED"


class TransferCompleted(BaseModel):
    transfer_id: UUID
    status: Literal["COMPLETED"] = "COMPLETED"
    new_owner_user_id: UUID
    credits_transferred: str


class TransferDismissed(BaseModel):
    """
    The dispute was dismissed.
    """

    transfer_id: UUID
    status: Literal["COMPLETED"] = "COMPLETED"


class TransferDisputed(BaseModel):
    transfer_id: UUID
    status: Literal["DISPUTED"] = "DISPUTED"


class TransferPending(BaseModel):
    """
    Both parties were sent a code; `waiting_for` names the parties that have not confirmed.
    """

    transfer_id: UUID
    seat_id: UUID
    status: Literal["PENDING_OTP"] = "PENDING_OTP"
    waiting_for: list[str]
    expires_at: AwareDatetime


class TransferReference(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    transfer_id: UUID


class TransferRequest(BaseModel):
    """
    The caller is the seller or the buyer. The buyer is named by id or email address; the seller defaults to the caller.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    seat_id: UUID
    seller_user_id: UUID | None = None
    buyer_user_id: UUID | None = None
    buyer_email: EmailStr | None = None
    credits_amount: float | str


class TransferReversed(BaseModel):
    """
    `shortfall` is what the seller had spent; the seller owes it.
    """

    transfer_id: UUID
    status: Literal["REVERSED"] = "REVERSED"
    restored_owner_user_id: UUID
    credits_returned: str
    shortfall: str


TransferStatus = TypeAliasType(
    "TransferStatus",
    Literal["PENDING_OTP", "COMPLETED", "FAILED", "CANCELLED", "DISPUTED", "REVERSING", "REVERSED"] | str,
)


class UndoRequest(BaseModel):
    """
    Withdraws the admission of a seat's owner; with `scan_id`, only the one by that scan.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    hall_id: Annotated[
        str | None,
        Field(description="That which is assigned to the staff member when omitted."),
    ] = None
    venue_id: Annotated[
        UUID | None,
        Field(
            description="The venue that is assigned to the staff member when omitted. Two venues may have halls of the same name: without either, the tickets of both are admitted."
        ),
    ] = None
    event_id: Annotated[
        UUID | None,
        Field(description="A hall has many events: name it to admit this event's tickets only."),
    ] = None
    seat_id: UUID
    scan_id: UUID | None = None
    reason: str


class UndoneCheckIn(BaseModel):
    """
    The ticket can be scanned again.
    """

    seat_id: UUID
    row_number: str
    seat_number: int
    undone_at: AwareDatetime


class UserSummary(BaseModel):
    """
    The user as a login answers it.
    """

    user_id: UUID
    email: str | None
    credit_balance: str
    roles: list[str]


class UsersProfile(BaseModel):
    """
    `new_email` is the address asked for and not proven yet; it counts once the link sent to it is used.

    `assigned_hall_id`, of the venue `assigned_venue_id`: where the user scans as staff.
    """

    user_id: UUID
    email: str | None
    credit_balance: str
    roles: list[str]
    name: str
    phone: str
    is_email_verified: bool
    is_verified: bool
    is_flagged: bool
    is_suspended: bool
    assigned_hall_id: str | None
    assigned_venue_id: UUID | None
    new_email: str | None
    loyalty_points: int
    created_at: Annotated[AwareDatetime, Field(description="When the account was opened.")]


class Venue(BaseModel):
    name: str
    address: str
    total_halls: int
    halls: Annotated[
        list[str] | None,
        Field(
            description="The names that are known so far. Until there are total_halls, an event in a new hall adds its name. It goes with the last event in the hall, if that is discarded or cancelled."
        ),
    ] = []
    venue_id: UUID
    time_zone: Annotated[str | None, Field(description="Its name in the IANA database.")] = "Asia/Singapore"


class VenueDetail(BaseModel):
    venue_id: UUID
    name: str
    time_zone: Annotated[str, Field(description="Its name in the IANA database.")]
    address: str


class VenueFacts(BaseModel):
    venue_id: UUID
    name: str
    address: str
    time_zone: str | None = "Asia/Singapore"


class VenueName(BaseModel):
    venue_id: UUID
    name: str
    time_zone: Annotated[str, Field(description="Its name in the IANA database.")]


class VerifyEmail(BaseModel):
    """
    `token`: what follows `#token=` in the link. `password`: of the link's account, only after `PASSWORD_INVALID`.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    token: str
    password: str | None = None


class VerifyOtpRequest(BaseModel):
    """
    `reference_id` is the order's or the transfer's id, that of the listing to buy, or what `OTP_REQUIRED` has named.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    otp_code: str
    context: Literal["purchase", "transfer", "marketplace", "purchased_item", "commission", "digital_order"]
    reference_id: UUID


class VerifyPhone(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    otp_code: str


class VerifyRegistration(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    user_id: UUID
    otp_code: str


class VerifyRequest(BaseModel):
    """
    A code that is presented at a place.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    hall_id: Annotated[
        str | None,
        Field(description="That which is assigned to the staff member when omitted."),
    ] = None
    venue_id: Annotated[
        UUID | None,
        Field(
            description="The venue that is assigned to the staff member when omitted. Two venues may have halls of the same name: without either, the tickets of both are admitted."
        ),
    ] = None
    event_id: Annotated[
        UUID | None,
        Field(description="A hall has many events: name it to admit this event's tickets only."),
    ] = None
    qr_payload: str
    scanned_at: Annotated[
        AwareDatetime | None,
        Field(description="By the scanner's clock: logged, but not used for the decision."),
    ] = None
    nonce: Annotated[
        str | None,
        Field(
            description="The scan's unique id. A repeated scan with the same nonce and body gets the first answer, or UNDONE."
        ),
    ] = None


class VersionSummary(BaseModel):
    """
    A version; `notes` is the revision that was asked for, `changes` a unified diff to the version before.
    """

    version_id: UUID
    number: int
    title: str
    notes: str
    qc_status: str
    changes: str
    created_at: AwareDatetime


Visibility = TypeAliasType("Visibility", Literal["public", "subscribers_only", "private"])


class WebhookError(BaseModel):
    code: str
    message: str


WebhookStatus = TypeAliasType(
    "WebhookStatus", Literal["received", "processing", "processed", "ignored", "failed", "unmatched"] | str
)


class WebhookSummary(BaseModel):
    """
    `attempts` counts the attempts since the webhook was received or last replayed; `job_id` is their job.
    """

    webhook_id: UUID
    provider: Provider
    external_id: str
    event_type: str
    status: WebhookStatus
    outcome: Annotated[
        str | None,
        Field(description="The outcome at the ledger or, for a supplier's notice, at the order."),
    ]
    payment_id: UUID | None
    attempts: int
    replays: int
    job_id: UUID
    error: WebhookError | None
    received_at: AwareDatetime
    processed_at: AwareDatetime | None


class WhitelistEntry(BaseModel):
    user_id: UUID
    added_at: AwareDatetime


class WhitelistedUser(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    user_id: UUID


class WritingJobView(BaseModel):
    job_id: UUID
    type: str
    status: JobStatus
    attempts: int
    progress: Progress | None
    created_at: AwareDatetime


class WritingRequested(BaseModel):
    order_id: UUID
    job_id: UUID
    estimated_time: str
    message: str


class AccountStatement(BaseModel):
    """
    A page, newest first. `next_cursor` leads to older entries; null if there are none.

    `owed`: what the account owes now; credits that arrive pay it first.
    """

    currency: Currency
    owed: str
    entries: list[AccountStatementEntry]
    next_cursor: str | None


class AdminChange(BaseModel):
    """
    At least one field; `roles` replaces all roles, an `assigned_hall_id` of null removes the hall.

    An `email` is not verified, and replaces the previous one: a way back for an account that has lost its address.

    A suspended user cannot log in or spend. What others owe them still arrives.

    A hall is assigned with its venue, because two venues may have halls of the same name. Without `assigned_venue_id`
    the user's venue is unknown.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    email: EmailStr | None = None
    is_flagged: bool | None = None
    is_suspended: bool | None = None
    roles: list[Role] | None = None
    assigned_hall_id: str | None = None
    assigned_venue_id: UUID | None = None


class AuditEntry(BaseModel):
    """
    An entry as admins see it.
    """

    entry_id: UUID
    created_at: AwareDatetime
    actor_user_id: Annotated[UUID | None, Field(description="Null for a command on the server.")]
    action: str
    object_type: str
    object_id: str | None
    address: Annotated[str | None, Field(description="The actor's network address.")]
    request: dict[str, Any] | None
    outcome: Annotated[
        AuditOutcome | None,
        Field(description="Null if the process ended before it knew the outcome."),
    ]
    error_code: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Availability(BaseModel):
    event_id: UUID
    categories: list[CategoryAvailability]


class CodesDocument(BaseModel):
    """
    The content of a stored object.

    `downloaded_at` is the time of the first download. The object has null: the time is noted with the order, because a
    buyer may download while the codes move to a new key or are deleted.
    """

    codes: list[DeliveredCode]
    downloaded_at: AwareDatetime | None = None


class CodesRevealed(BaseModel):
    codes: list[DeliveredCode]


class CommissionMoved(BaseModel):
    """
    The order's new status; `slug` is the published article's.
    """

    order_id: UUID
    status: CommissionStatus
    slug: str | None = None
    message: str


class CommissionOrdered(BaseModel):
    """
    PROCESSING, or AWAITING_PAYMENT: then the order is paid at `checkout_url`.
    """

    order_id: UUID
    status: CommissionStatus
    price: str
    pay_with: PayWith
    checkout_url: str | None = None
    message: str


class CommissionPrice(BaseModel):
    type: CommissionType
    price: str


class CommissionRequest(BaseModel):
    """
    An ARTICLE about a published event, with a link or without; or a BACKLINK into a published article.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    type: CommissionType
    event_id: Annotated[UUID | None, Field(description="Of an article: the event it is about.")] = None
    article_id: Annotated[
        UUID | None,
        Field(description="Of a backlink: your own article, or one whose owner allows links."),
    ] = None
    brief: str
    keywords: list[str] | None = None
    target_url: str | None = None
    anchor_text: str | None = None
    links_allowed: Annotated[
        bool | None,
        Field(description="Whether other customers may order backlinks into the published article."),
    ] = None
    pay_with: PayWith | None = None


class CommissionStats(BaseModel):
    """
    `orders` are all; the rest is of those that were paid in the last 30 days. `jobs` is the work of the last 24 hours.
    """

    orders: dict[
        Literal[
            "AWAITING_PAYMENT",
            "PROCESSING",
            "QUALITY_CHECK",
            "ADMIN_REVIEW",
            "COMPLETED",
            "FAILED",
            "REFUNDED",
            "CANCELLED",
        ],
        int,
    ]
    revisions_per_order: float | None
    success_rate: Annotated[
        float | None,
        Field(description="The part of the ended orders that is COMPLETED, 0 to 1."),
    ]
    median_seconds_to_first_version: float | None
    p95_seconds_to_first_version: float | None
    median_seconds_to_publication: float | None
    p95_seconds_to_publication: float | None
    jobs: KindStats


class Comparison(BaseModel):
    """
    Two versions side by side.
    """

    order_id: UUID
    from_version: OrdersVersion | PublicVersion
    to_version: OrdersVersion | PublicVersion
    changes: Annotated[str, Field(description="A unified diff of their sentences.")]


class DashboardStats(BaseModel):
    """
    Seat counts are at most a second old; `seats_sold` includes listed and checked-in seats.
    """

    total_seats: int
    seats_sold: int
    seats_held: int
    seats_available: int
    seats_blocked: int
    checked_in: Annotated[int, Field(description="Seats whose owners are inside.")]
    revenue: str
    scans_by_result: dict[ScanResult, int]
    scans_per_minute: Annotated[
        list[MinuteView],
        Field(description="The last 60 minutes, oldest first; minutes without a scan are left out."),
    ]


class DigitalOrderMoved(BaseModel):
    order_id: UUID
    status: DigitalOrderStatus
    message: str


class DigitalOrderPlaced(BaseModel):
    """
    The order is PAID; or CREATED, until it is paid as `payment` says.
    """

    order_id: UUID
    status: DigitalOrderStatus
    total: str
    pay_with: PayGoodsWith
    payment: PaymentInstructions | None = None
    message: str


class DigitalOrderRequest(BaseModel):
    """
    At most 10 products and 20 units. `pay_currency` belongs to `pay_with` crypto, and is `btc` if it is left out.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    items: list[OrderedProduct]
    pay_with: PayGoodsWith | None = None
    pay_currency: str | None = None


class EarlierOutcome(BaseModel):
    """
    A webhook's outcome before an admin replayed it.
    """

    status: WebhookStatus
    outcome: str | None
    error: WebhookError | None
    attempts: int
    job_id: UUID
    processed_at: AwareDatetime | None
    replayed_at: AwareDatetime
    replayed_by: UUID


class EventSummary(BaseModel):
    event_id: UUID
    name: str
    venue: VenueName
    hall_id: str
    event_date: AwareDatetime
    ends_at: AwareDatetime
    doors_open_at: AwareDatetime
    sale_starts_at: AwareDatetime | None
    total_seats: int
    available_seats: int
    pricing_tiers: dict[str, str]


class EventsProfile(BaseModel):
    performer_id: Annotated[UUID, Field(description="The id of the performer's user.")]
    display_name: str
    bio: str
    image_url: str | None
    time_zone: Annotated[
        str,
        Field(description="Its name in the IANA database. Daily limits are counted in it."),
    ]
    subscription_price: Annotated[str | None, Field(description="Of 30 days; null: no subscriptions are sold.")]
    settlement: Settlement
    device_uid: str | None
    is_active: bool
    created_at: AwareDatetime
    updated_at: AwareDatetime


class FulfillmentView(BaseModel):
    """
    `payment` is set while the order waits for it. The codes can be revealed once the order is FULFILLED.
    """

    order_id: UUID
    status: DigitalOrderStatus
    fulfillment_status: FulfillmentStatus
    items: list[DigitalItemView]
    total: str
    pay_with: PayGoodsWith
    payment: PaymentInstructions | None = None
    can_reveal: bool
    keys_deleted: bool
    failure_code: str | None
    failure_message: Annotated[
        str | None,
        Field(description="Why the order has failed or ended, in plain words."),
    ]
    created_at: AwareDatetime
    paid_at: AwareDatetime | None
    ready_at: AwareDatetime | None


class HistoryEntry(BaseModel):
    """
    One move of the status; the first has no `from_status`.
    """

    from_status: OrderStatus | None
    to_status: OrderStatus
    at: AwareDatetime
    reason: str | None


class JobDetail(BaseModel):
    """
    A job with its payload, its result and its position in the queue.
    """

    job_id: UUID
    kind: str
    status: JobStatus
    failure: Failure | None
    requested_by: UUID | None
    priority: int
    lane: str | None
    attempts: int
    max_attempts: int
    error: JobError | None
    run_at: AwareDatetime
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    idempotency_key: str
    payload: dict[str, Any]
    progress: dict[str, Any] | None
    result: dict[str, Any] | None
    queue: JobPosition


class LayoutCategoryInput(BaseModel):
    """
    A price category: seats in rows, or a number of standing places.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    category: str
    price: Annotated[float | str | None, Field(description="The pricing tier's price when omitted.")] = None
    rows: list[LayoutRowInput] | None = None
    general_admission: int | None = None


class Listing(BaseModel):
    seat_id: UUID
    category: str
    row_number: Annotated[str, Field(description="With the row's section.")]
    seat_number: int
    listing_id: UUID
    order_id: Annotated[
        UUID | None,
        Field(description="The order that the ticket was sold with; null to others than seller, buyer and admins."),
    ]
    event_id: UUID
    face_value: str
    asking_price: str
    seller_user_id: Annotated[
        UUID | None,
        Field(
            description="The seller; null to others than seller, buyer and admins once it is COMPLETED or CANCELLED."
        ),
    ]
    buyer_user_id: Annotated[
        UUID | None,
        Field(description="The buyer; null to others than seller, buyer and admins."),
    ]
    sale_id: Annotated[
        UUID | None,
        Field(description="The sale in progress or completed; null to the same."),
    ]
    status: ListingStatus
    created_at: AwareDatetime
    expires_at: Annotated[
        AwareDatetime | None,
        Field(description="When the seller must have approved the sale."),
    ]
    completed_at: AwareDatetime | None
    ended_at: Annotated[AwareDatetime | None, Field(description="When it was withdrawn.")]


class LoggedIn(BaseModel):
    """
    `device_token`: send it with the next login; wrong passwords from other devices do not lock this one out.
    """

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    user: UserSummary
    device_token: str


class ManagedEvent(BaseModel):
    """
    `status` is DRAFT, PUBLISHED or CANCELLED. `version` grows with each edit.
    """

    event_id: UUID
    name: str
    description: str
    status: str
    venue: VenueFacts
    hall_id: str
    event_date: AwareDatetime
    ends_at: AwareDatetime
    doors_open_at: AwareDatetime
    sale_starts_at: AwareDatetime | None
    total_seats: int
    pricing_tiers: dict[str, str]
    resale_cap_percent: int
    refund_deadline_hours: int
    refundable_until: AwareDatetime | None
    organiser_user_id: UUID | None
    version: int


class MenuChanges(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str | None = None
    description: str | None = None
    position: int | None = None
    is_active: bool | None = None
    queue_mode: QueueMode | None = None
    visibility: Visibility | None = None
    theme: Theme | None = None


class NewEvent(BaseModel):
    """
    An event to put on sale. Without a layout, `total_seats` are split over the pricing tiers in rows of twenty.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    venue: NewVenue | None = None
    venue_id: UUID | None = None
    hall_id: str
    event_date: AwareDatetime
    ends_at: Annotated[
        AwareDatetime | None,
        Field(description="4 hours after event_date when omitted."),
    ] = None
    doors_open_at: Annotated[
        AwareDatetime | None,
        Field(description="2 hours before event_date when omitted."),
    ] = None
    description: str | None = None
    sale_starts_at: Annotated[AwareDatetime | None, Field(description="At once when omitted.")] = None
    total_seats: int | None = None
    layout: list[LayoutCategoryInput] | None = None
    pricing_tiers: Annotated[dict[str, float | str] | None, Field(max_length=100)] = None
    resale_cap_percent: Annotated[
        int | None,
        Field(description="The highest resale price in percent of face value; 120 when omitted."),
    ] = None
    refund_deadline_hours: Annotated[
        int | None,
        Field(description="Hours before the event until which buyers may refund; 24 when omitted."),
    ] = None


class NewMenu(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    description: str | None = None
    position: Annotated[int | None, Field(description="After the last one if omitted.")] = None
    is_active: bool | None = None
    queue_mode: QueueMode | None = None
    visibility: Visibility | None = None
    theme: Theme | None = None


class OrchestratorEventDetail(BaseModel):
    """
    `seats` is included unless `include_seats=false`.
    """

    event_id: UUID
    name: str
    venue: VenueDetail
    hall_id: str
    event_date: AwareDatetime
    ends_at: AwareDatetime
    doors_open_at: AwareDatetime
    sale_starts_at: AwareDatetime | None
    total_seats: int
    available_seats: int
    pricing_tiers: dict[str, str]
    description: str
    refundable_until: Annotated[
        AwareDatetime | None,
        Field(description="The date has moved: fans may refund until then, whatever the deadline."),
    ]
    articles: Annotated[list[ArticleLink], Field(description="The newest 20 about the event.")]
    seats: list[SeatView] | None = None


class OrchestratorMenu(BaseModel):
    """
    A menu with its active items in order, as its performer wrote it.
    """

    menu_id: UUID
    performer_id: UUID
    name: str
    description: str
    queue_mode: Annotated[
        Literal["ON", "OFF"] | str,
        Field(description="ON: items wait for the performer. OFF: they happen at once."),
    ]
    visibility: Literal["public", "subscribers_only", "private"] | str
    theme: MenuTheme
    menu_items: list[OrchestratorMenuItem]


class OrchestratorVersion(BaseModel):
    """
    The current version. `content` is HTML.
    """

    version_id: UUID
    number: int
    title: str
    notes: str
    qc_status: str
    changes: str
    created_at: AwareDatetime
    content: str
    quality: QualityReport


class Order(BaseModel):
    order_id: UUID
    user_id: UUID
    event_id: UUID
    status: OrderStatus
    total: str
    held_until: AwareDatetime
    created_at: AwareDatetime
    confirmed_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    reason: str | None
    seats: Annotated[
        list[SoldSeat],
        Field(description="A CONFIRMED order may have refunded seats; it is REFUNDED with the last of them."),
    ]


class OrderDetails(BaseModel):
    """
    What was ordered. An article is about an event; a backlink goes into a published article.
    """

    type: CommissionType
    event_id: UUID | None
    article_id: UUID | None
    brief: str
    keywords: list[str]
    target_url: str | None
    anchor_text: str | None
    links_allowed: bool
    price: str
    pay_with: PayWith
    created_at: AwareDatetime


class OrderWithHistory(BaseModel):
    order_id: UUID
    user_id: UUID
    event_id: UUID
    status: OrderStatus
    total: str
    held_until: AwareDatetime
    created_at: AwareDatetime
    confirmed_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    reason: str | None
    seats: Annotated[
        list[SoldSeat],
        Field(description="A CONFIRMED order may have refunded seats; it is REFUNDED with the last of them."),
    ]
    history: list[HistoryEntry]


class OrdersTransfer(BaseModel):
    seat_id: UUID
    category: str
    row_number: Annotated[str, Field(description="With the row's section.")]
    seat_number: int
    transfer_id: UUID
    order_id: UUID
    event_id: UUID
    seller_user_id: UUID
    buyer_user_id: UUID
    initiated_by_user_id: UUID
    credits_amount: str
    status: TransferStatus
    waiting_for: Annotated[
        list[Literal["seller", "buyer"] | str],
        Field(description="The parties that have not confirmed; empty unless PENDING_OTP."),
    ]
    expires_at: Annotated[AwareDatetime, Field(description="When both parties must have confirmed.")]
    created_at: AwareDatetime
    completed_at: AwareDatetime | None
    ended_at: Annotated[
        AwareDatetime | None,
        Field(description="When it failed, was cancelled or was reversed."),
    ]
    reason: Annotated[str | None, Field(description="Why it failed or was cancelled.")]
    disputed_by_user_id: Annotated[
        UUID | None,
        Field(description="Of the latest dispute, even if it was dismissed."),
    ]
    dispute_reason: str | None
    disputed_at: AwareDatetime | None


class OwnMenu(BaseModel):
    """
    A performance menu as its performer sees it, with all items.
    """

    menu_id: UUID
    performer_id: UUID
    name: str
    description: str
    queue_mode: QueueMode
    visibility: Visibility
    theme: Theme
    menu_items: list[EventsMenuItem]
    position: int
    is_active: bool
    whitelisted_users: Annotated[int, Field(description="Who may see the menu while it is private.")]


class OwnPayment(BaseModel):
    """
    As its payer sees it.
    """

    payment_id: UUID
    provider: Literal["stripe", "nowpayments"] | str
    purpose: Literal["topup", "order", "commission", "digital_order"] | str
    reference: str
    amount: Annotated[str, Field(description="The amount to pay, and the credits it becomes.")]
    original_amount: Annotated[
        str | None,
        Field(
            description="The amount that was to be paid, if less came before its order ended: then `amount` is what came."
        ),
    ] = None
    currency: str
    status: PaymentStatus
    status_at: Annotated[
        AwareDatetime,
        Field(description="The time of the status, as the provider reports it."),
    ]
    paid_amount: Annotated[
        str | None,
        Field(description="What was received so far, as the provider counts it."),
    ]
    refunded_amount: Annotated[
        str | None,
        Field(description="What the provider refunded, in one or more parts."),
    ] = "0.00"
    disputed_amount: Annotated[str | None, Field(description="What disputes hold back or have taken for good.")] = (
        "0.00"
    )
    dispute_status: Annotated[
        ReversalStatus | None,
        Field(
            description="OPEN: no money has moved. WITHDRAWN: the credits are taken back for now. WON: they are returned. LOST: they stay taken back. CLOSED: it ended without moving money."
        ),
    ] = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    credited_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    closed_at: Annotated[
        AwareDatetime | None,
        Field(description="When what it was for had ended; what arrives of it is credited."),
    ] = None
    details: Annotated[
        dict[str, str | int | float | bool | None],
        Field(description="How to pay, such as `pay_address`."),
    ]


class ParkedMessage(BaseModel):
    parked_id: UUID
    message_id: str
    queue: Annotated[
        str | None,
        Field(description="The queue that it came from, and to which a replay sends it."),
    ]
    reason: str
    status: ParkedStatus
    size_bytes: int
    parked_at: AwareDatetime
    settled_at: Annotated[AwareDatetime | None, Field(description="When it was replayed or discarded.")]
    settled_by: UUID | None
    payload: Annotated[
        Any,
        Field(description="The message with secrets redacted; null if it is not JSON or too long to be shown."),
    ]


class ProfileChanges(BaseModel):
    """
    At least one field; the others stay as they are. The first change of a profile has a `display_name`.

    null clears `image_url`, `subscription_price` and `device_uid`.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    display_name: str | None = None
    bio: str | None = None
    image_url: str | None = None
    time_zone: str | None = None
    subscription_price: Annotated[float | str | None, Field(description="Of 30 days.")] = None
    settlement: Settlement | None = None
    device_uid: str | None = None
    is_active: Annotated[
        bool | None,
        Field(
            description="If false, the performer is hidden and nothing is for sale. What an admin has deactivated, only an admin reactivates."
        ),
    ] = None


class PublicItem(BaseModel):
    """
    A purchased item as its buyer sees it; the performer sees neither the buyer nor their key.
    """

    purchased_item_id: UUID
    source: Literal["user"] = "user"
    source_id: Annotated[UUID | None, Field(description="The buyer; null to the performer.")]
    target: Literal["tip", "conversation", "menu", "subscription"] | str
    target_id: Annotated[UUID, Field(description="The conversation, or else the performer.")]
    seller_id: Annotated[UUID, Field(description="The performer.")]
    type: ItemType
    name: str
    description: str
    price: str
    quantity: Literal[1] = 1
    total_price: str
    original_price: str
    status: Literal["pending", "in_progress", "success", "failed", "cancelled", "declined", "expired"] | str
    settlement_status: Annotated[
        SettlementStatus,
        Field(
            description="Where the price is: pending (with the buyer, or earned and not paid out yet), held in escrow, settled (in the performer's wallet) or refunded."
        ),
    ]
    extra_info: dict[str, str | None]
    idempotency_key: str | None
    queue_request_id: UUID | None
    queue_position: Annotated[
        int | None,
        Field(description="Of this moment; null unless it is pending and due."),
    ]
    estimated_wait_minutes: int | None
    scheduled_for: AwareDatetime | None
    message: Annotated[str, Field(description="What the buyer told the performer.")]
    note: Annotated[str, Field(description="What the performer told the buyer at the end.")]
    file_url: str
    explanation: Annotated[str, Field(description="Why it was declined or has failed.")]
    device: Annotated[
        dict[str, Any],
        Field(description="What became of the device activation: status, error, at."),
    ]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class PublicItemWithHistory(BaseModel):
    purchased_item_id: UUID
    source: Literal["user"] = "user"
    source_id: Annotated[UUID | None, Field(description="The buyer; null to the performer.")]
    target: Literal["tip", "conversation", "menu", "subscription"] | str
    target_id: Annotated[UUID, Field(description="The conversation, or else the performer.")]
    seller_id: Annotated[UUID, Field(description="The performer.")]
    type: ItemType
    name: str
    description: str
    price: str
    quantity: Literal[1] = 1
    total_price: str
    original_price: str
    status: Literal["pending", "in_progress", "success", "failed", "cancelled", "declined", "expired"] | str
    settlement_status: Annotated[
        SettlementStatus,
        Field(
            description="Where the price is: pending (with the buyer, or earned and not paid out yet), held in escrow, settled (in the performer's wallet) or refunded."
        ),
    ]
    extra_info: dict[str, str | None]
    idempotency_key: str | None
    queue_request_id: UUID | None
    queue_position: Annotated[
        int | None,
        Field(description="Of this moment; null unless it is pending and due."),
    ]
    estimated_wait_minutes: int | None
    scheduled_for: AwareDatetime | None
    message: Annotated[str, Field(description="What the buyer told the performer.")]
    note: Annotated[str, Field(description="What the performer told the buyer at the end.")]
    file_url: str
    explanation: Annotated[str, Field(description="Why it was declined or has failed.")]
    device: Annotated[
        dict[str, Any],
        Field(description="What became of the device activation: status, error, at."),
    ]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    history: list[PublicItemChange]


class QueueInfo(BaseModel):
    """
    The latest jobs of the order, newest first. `has_failed_job` tells of the newest one.
    """

    has_active_job: bool
    has_failed_job: bool
    jobs: list[WritingJobView]


class QueueView(BaseModel):
    """
    `waiting` and `estimated_minutes` are of the whole queue.
    """

    is_paused: bool
    waiting: int
    estimated_minutes: int
    items: list[QueuedItem]


class Receipt(BaseModel):
    """
    A paid order. `seat_id` and `qr_payload` are set if it is one ticket.
    """

    order_id: UUID
    seat_id: UUID | None = None
    status: Literal["CONFIRMED"] = "CONFIRMED"
    credits_charged: str
    remaining_balance: str
    tickets: list[TicketCode]
    qr_payload: str | None = None


class Reversal(BaseModel):
    """
    A refund or dispute. `sequence` grows with each of its changes at the provider.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    status: ReversalStatus
    amount: str
    sequence: int


class Reversals(BaseModel):
    """
    All refunds and disputes of a payment.

    `refund_total` is the largest total of refunds that was reported without naming the refunds.
    """

    refund_total: str | None = "0.00"
    by_id: dict[str, Reversal] | None = None


class ScanDecision(BaseModel):
    """
    Admit the holder when `result` is SUCCESS. A field that the scan did not resolve is null.
    """

    scan_id: UUID
    result: Annotated[
        ScanResult,
        Field(
            description="WRONG_HALL: the ticket is for another venue or hall. WRONG_EVENT: it is for another event in this hall, the doors are not open yet, or the event is over. UNDONE: staff undid the admission by this scan; scan with a new `nonce`. Treat a result that you do not know as a refusal."
        ),
    ]
    seat_id: UUID
    row_number: str | None
    seat_number: int | None
    owner_name: Annotated[
        str | None,
        Field(
            description="The ticket's owner; null if the code is another user's, or if the name is not known in time."
        ),
    ]
    message: Annotated[str, Field(description="Text for the scanner's display.")]
    admitted_at: Annotated[
        AwareDatetime | None,
        Field(description="When the ticket was admitted, now or before."),
    ]


class TicketEvent(BaseModel):
    event_id: UUID
    name: str
    event_date: AwareDatetime
    hall_id: str
    venue: VenueFacts
    refundable_until: Annotated[
        AwareDatetime | None,
        Field(description="The date has moved: the ticket may be refunded until then, whatever the deadline."),
    ]


class TicketView(BaseModel):
    """
    `status` is SOLD, LISTED or CHECKED_IN; `order_id` is that of the ticket's first buyer.
    """

    seat_id: UUID
    order_id: UUID
    event: TicketEvent
    category: str
    row_number: str
    seat_number: int
    status: str
    price_paid: str
    purchased_at: AwareDatetime


class TipGrid(BaseModel):
    """
    What fans may tip a performer for.
    """

    performer_id: UUID
    display_name: str
    tip_menus: list[TipMenu]


class TransferHistoryEntry(BaseModel):
    """
    One move of the status; the first has no `from_status`. `user_id` opened or disputed the transfer.
    """

    from_status: TransferStatus | None
    to_status: TransferStatus
    at: AwareDatetime
    user_id: UUID | None
    reason: str | None


class TransferWithHistory(BaseModel):
    seat_id: UUID
    category: str
    row_number: Annotated[str, Field(description="With the row's section.")]
    seat_number: int
    transfer_id: UUID
    order_id: UUID
    event_id: UUID
    seller_user_id: UUID
    buyer_user_id: UUID
    initiated_by_user_id: UUID
    credits_amount: str
    status: TransferStatus
    waiting_for: Annotated[
        list[Literal["seller", "buyer"] | str],
        Field(description="The parties that have not confirmed; empty unless PENDING_OTP."),
    ]
    expires_at: Annotated[AwareDatetime, Field(description="When both parties must have confirmed.")]
    created_at: AwareDatetime
    completed_at: AwareDatetime | None
    ended_at: Annotated[
        AwareDatetime | None,
        Field(description="When it failed, was cancelled or was reversed."),
    ]
    reason: Annotated[str | None, Field(description="Why it failed or was cancelled.")]
    disputed_by_user_id: Annotated[
        UUID | None,
        Field(description="Of the latest dispute, even if it was dismissed."),
    ]
    dispute_reason: str | None
    disputed_at: AwareDatetime | None
    history: list[TransferHistoryEntry]


class WebhookDetail(BaseModel):
    webhook_id: UUID
    provider: Provider
    external_id: str
    event_type: str
    status: WebhookStatus
    outcome: Annotated[
        str | None,
        Field(description="The outcome at the ledger or, for a supplier's notice, at the order."),
    ]
    payment_id: UUID | None
    attempts: int
    replays: int
    job_id: UUID
    error: WebhookError | None
    received_at: AwareDatetime
    processed_at: AwareDatetime | None
    earlier: Annotated[
        list[EarlierOutcome],
        Field(description="The outcomes before each replay, oldest first."),
    ]
    payload: Annotated[
        Any,
        Field(description="The body with secrets redacted; null if it is not JSON."),
    ]


class AdminPayment(BaseModel):
    """
    As admins see it: not how it is paid.
    """

    payment_id: UUID
    provider: Literal["stripe", "nowpayments"] | str
    purpose: Literal["topup", "order", "commission", "digital_order"] | str
    reference: str
    amount: Annotated[str, Field(description="The amount to pay, and the credits it becomes.")]
    original_amount: Annotated[
        str | None,
        Field(
            description="The amount that was to be paid, if less came before its order ended: then `amount` is what came."
        ),
    ] = None
    currency: str
    status: PaymentStatus
    status_at: Annotated[
        AwareDatetime,
        Field(description="The time of the status, as the provider reports it."),
    ]
    paid_amount: Annotated[
        str | None,
        Field(description="What was received so far, as the provider counts it."),
    ]
    refunded_amount: Annotated[
        str | None,
        Field(description="What the provider refunded, in one or more parts."),
    ] = "0.00"
    disputed_amount: Annotated[str | None, Field(description="What disputes hold back or have taken for good.")] = (
        "0.00"
    )
    dispute_status: Annotated[
        ReversalStatus | None,
        Field(
            description="OPEN: no money has moved. WITHDRAWN: the credits are taken back for now. WON: they are returned. LOST: they stay taken back. CLOSED: it ended without moving money."
        ),
    ] = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    credited_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    closed_at: Annotated[
        AwareDatetime | None,
        Field(description="When what it was for had ended; what arrives of it is credited."),
    ] = None
    user_id: UUID
    provider_payment_id: str | None
    flags: list[Flag]
    deposits: Annotated[
        dict[str, str | None],
        Field(description="What was received, by the provider's ids."),
    ]
    reversals: Annotated[Reversals, Field(description="Refunds and disputes, by the provider's ids.")]


class CommissionView(BaseModel):
    order_id: UUID
    status: (
        Literal[
            "AWAITING_PAYMENT",
            "PROCESSING",
            "QUALITY_CHECK",
            "ADMIN_REVIEW",
            "COMPLETED",
            "FAILED",
            "REFUNDED",
            "CANCELLED",
        ]
        | str
    )
    status_message: str
    order_details: OrderDetails
    checkout_url: Annotated[str | None, Field(description="While the order awaits payment.")] = None
    progress: Progress
    version: OrchestratorVersion | None
    versions: Annotated[list[VersionSummary], Field(description="The latest 20, oldest first.")]
    queue: QueueInfo
    estimated_time: Annotated[str | None, Field(description="While the text is written.")] = None
    can_request_revision: bool
    can_submit_for_review: bool
    review_notes: Annotated[str, Field(description="What an admin wrote when the order was sent back.")]
    failure: CommissionFailure | None = None
    slug: str | None = None
    article_url: Annotated[str | None, Field(description="Where the article is published.")] = None


class Dashboard(BaseModel):
    stats: DashboardStats
    attendees: list[AttendeeView]


class DashboardPage(BaseModel):
    """
    `pagination` is the attendees'.
    """

    success: Literal[True] = True
    data: Dashboard
    pagination: Pagination


class MenuTemplate(BaseModel):
    """
    A menu that performers can begin with.
    """

    template: TemplateName
    menu: NewMenu
    menu_items: list[NewMenuItemOutput]
