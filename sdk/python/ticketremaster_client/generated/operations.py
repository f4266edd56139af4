"""The operations of the API. `make sdk` writes this file."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from ticketremaster_client.calls import Call, PageCall
from ticketremaster_client.generated import models


def delete_admin_performers_by_performer_id_menus_by_menu_id(
    performer_id: UUID | str, menu_id: UUID | str
) -> Call[None]:
    """Delete a menu."""
    return Call(
        method="DELETE",
        path="/api/admin/performers/{performer_id}/menus/{menu_id}",
        reads="nothing",
        values={"performer_id": performer_id, "menu_id": menu_id},
    )


def delete_admin_performers_by_performer_id_menus_by_menu_id_items_by_item_id(
    performer_id: UUID | str, menu_id: UUID | str, item_id: UUID | str
) -> Call[None]:
    """Delete an item of a menu."""
    return Call(
        method="DELETE",
        path="/api/admin/performers/{performer_id}/menus/{menu_id}/items/{item_id}",
        reads="nothing",
        values={"performer_id": performer_id, "menu_id": menu_id, "item_id": item_id},
    )


def delete_admin_performers_by_performer_id_menus_by_menu_id_whitelist_by_user_id(
    performer_id: UUID | str, menu_id: UUID | str, user_id: UUID | str
) -> Call[None]:
    """Hide a private menu from a user."""
    return Call(
        method="DELETE",
        path="/api/admin/performers/{performer_id}/menus/{menu_id}/whitelist/{user_id}",
        reads="nothing",
        values={"performer_id": performer_id, "menu_id": menu_id, "user_id": user_id},
    )


def delete_admin_performers_by_performer_id_tip_menus_by_menu_id(
    performer_id: UUID | str, menu_id: UUID | str
) -> Call[None]:
    """Delete a tip menu."""
    return Call(
        method="DELETE",
        path="/api/admin/performers/{performer_id}/tip-menus/{menu_id}",
        reads="nothing",
        values={"performer_id": performer_id, "menu_id": menu_id},
    )


def delete_admin_performers_by_performer_id_tip_menus_by_menu_id_items_by_item_id(
    performer_id: UUID | str, menu_id: UUID | str, item_id: UUID | str
) -> Call[None]:
    """Delete an item of a tip menu."""
    return Call(
        method="DELETE",
        path="/api/admin/performers/{performer_id}/tip-menus/{menu_id}/items/{item_id}",
        reads="nothing",
        values={"performer_id": performer_id, "menu_id": menu_id, "item_id": item_id},
    )


def delete_admin_webhook_subscriptions_by_subscription_id(subscription_id: UUID | str) -> Call[None]:
    """Delete a webhook subscription (admin)."""
    return Call(
        method="DELETE",
        path="/api/admin/webhook-subscriptions/{subscription_id}",
        reads="nothing",
        values={"subscription_id": subscription_id},
    )


def delete_auth_sessions() -> Call[None]:
    """Log out everywhere."""
    return Call(method="DELETE", path="/api/auth/sessions", reads="nothing")


def delete_auth_sessions_by_session_id(session_id: UUID | str) -> Call[None]:
    """End one of your logins."""
    return Call(
        method="DELETE", path="/api/auth/sessions/{session_id}", reads="nothing", values={"session_id": session_id}
    )


def delete_performer_menus_by_menu_id(menu_id: UUID | str) -> Call[None]:
    """Delete a menu."""
    return Call(method="DELETE", path="/api/performer/menus/{menu_id}", reads="nothing", values={"menu_id": menu_id})


def delete_performer_menus_by_menu_id_items_by_item_id(menu_id: UUID | str, item_id: UUID | str) -> Call[None]:
    """Delete an item of a menu."""
    return Call(
        method="DELETE",
        path="/api/performer/menus/{menu_id}/items/{item_id}",
        reads="nothing",
        values={"menu_id": menu_id, "item_id": item_id},
    )


def delete_performer_menus_by_menu_id_whitelist_by_user_id(menu_id: UUID | str, user_id: UUID | str) -> Call[None]:
    """Hide a private menu from a user."""
    return Call(
        method="DELETE",
        path="/api/performer/menus/{menu_id}/whitelist/{user_id}",
        reads="nothing",
        values={"menu_id": menu_id, "user_id": user_id},
    )


def delete_performer_tip_menus_by_menu_id(menu_id: UUID | str) -> Call[None]:
    """Delete a tip menu."""
    return Call(
        method="DELETE", path="/api/performer/tip-menus/{menu_id}", reads="nothing", values={"menu_id": menu_id}
    )


def delete_performer_tip_menus_by_menu_id_items_by_item_id(menu_id: UUID | str, item_id: UUID | str) -> Call[None]:
    """Delete an item of a tip menu."""
    return Call(
        method="DELETE",
        path="/api/performer/tip-menus/{menu_id}/items/{item_id}",
        reads="nothing",
        values={"menu_id": menu_id, "item_id": item_id},
    )


def delete_performers_by_performer_id_subscription(performer_id: UUID | str) -> Call[models.OrdersSubscription]:
    """Cancel my subscription to a performer."""
    return Call(
        method="DELETE",
        path="/api/performers/{performer_id}/subscription",
        answer=models.OrdersSubscription,
        values={"performer_id": performer_id},
    )


def delete_users_me(body: models.OrchestratorDeleteAccount) -> Call[models.AccountDeleted]:
    """Delete my account."""
    return Call(method="DELETE", path="/api/users/me", answer=models.AccountDeleted, body=body)


def get_admin_audit(
    *,
    actor: UUID | str | None = None,
    object: str | None = None,
    action: str | None = None,
    from_: datetime | None = None,
    to: datetime | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.AuditEntry]:
    """List the audit trail, newest first (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/audit",
        answer=models.AuditEntry,
        query={
            "actor": actor,
            "object": object,
            "action": action,
            "from": from_,
            "to": to,
            "page": page,
            "per_page": per_page,
            "after": after,
        },
        pages_by="after",
    )


def get_admin_commissions(
    *,
    status: Literal[
        "AWAITING_PAYMENT",
        "PROCESSING",
        "QUALITY_CHECK",
        "ADMIN_REVIEW",
        "COMPLETED",
        "FAILED",
        "REFUNDED",
        "CANCELLED",
    ]
    | None = None,
    type: models.CommissionType | None = None,
    customer_user_id: UUID | str | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.PublicCommission]:
    """List all commissions."""
    return PageCall(
        method="GET",
        path="/api/admin/commissions",
        answer=models.PublicCommission,
        query={
            "status": status,
            "type": type,
            "customer_user_id": customer_user_id,
            "page": page,
            "per_page": per_page,
            "after": after,
        },
        pages_by="after",
    )


def get_admin_commissions_stats() -> Call[models.CommissionStats]:
    """Show statistics of orders."""
    return Call(method="GET", path="/api/admin/commissions/stats", answer=models.CommissionStats)


def get_admin_corrections(
    *, user_id: UUID | str | None = None, page: int | None = None, per_page: int | None = None
) -> PageCall[models.Correction]:
    """List settled and written-off debts and adjustments (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/corrections",
        answer=models.Correction,
        query={"user_id": user_id, "page": page, "per_page": per_page},
    )


def get_admin_digital_orders(
    *,
    status: Literal["CREATED", "PAID", "WAITING", "READY", "FULFILLED", "FAILED", "REFUNDED", "CANCELLED"]
    | None = None,
    buyer_user_id: UUID | str | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.PublicDigitalOrder]:
    """List all digital orders."""
    return PageCall(
        method="GET",
        path="/api/admin/digital-orders",
        answer=models.PublicDigitalOrder,
        query={"status": status, "buyer_user_id": buyer_user_id, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_admin_events(
    *,
    status: list[Literal["DRAFT", "PUBLISHED", "CANCELLED"]] | None = None,
    organiser_user_id: UUID | str | None = None,
    q: str | None = None,
    from_: datetime | None = None,
    to: datetime | None = None,
    past: bool | None = None,
    page: int | None = None,
    per_page: int | None = None,
) -> PageCall[models.ManagedEvent]:
    """Events of every status, for those who manage them."""
    return PageCall(
        method="GET",
        path="/api/admin/events",
        answer=models.ManagedEvent,
        query={
            "status": status,
            "organiser_user_id": organiser_user_id,
            "q": q,
            "from": from_,
            "to": to,
            "past": past,
            "page": page,
            "per_page": per_page,
        },
    )


def get_admin_events_by_event_id_cancellation(event_id: UUID | str) -> Call[models.EventCancellation]:
    """Show the progress of a cancellation."""
    return Call(
        method="GET",
        path="/api/admin/events/{event_id}/cancellation",
        answer=models.EventCancellation,
        values={"event_id": event_id},
    )


def get_admin_events_by_event_id_dashboard(
    event_id: UUID | str, *, page: int | None = None, per_page: int | None = None
) -> Call[models.DashboardPage]:
    """An event's sales, entries and attendees."""
    return Call(
        method="GET",
        path="/api/admin/events/{event_id}/dashboard",
        answer=models.DashboardPage,
        reads="whole",
        values={"event_id": event_id},
        query={"page": page, "per_page": per_page},
    )


def get_admin_events_by_event_id_export_csv(event_id: UUID | str) -> Call[str]:
    """An event's attendees as CSV."""
    return Call(
        method="GET",
        path="/api/admin/events/{event_id}/export.csv",
        answer=str,
        reads="text",
        values={"event_id": event_id},
    )


def get_admin_events_by_event_id_scans(
    event_id: UUID | str, *, page: int | None = None, per_page: int | None = None
) -> PageCall[models.ScanView]:
    """An event's scans, newest first."""
    return PageCall(
        method="GET",
        path="/api/admin/events/{event_id}/scans",
        answer=models.ScanView,
        values={"event_id": event_id},
        query={"page": page, "per_page": per_page},
    )


def get_admin_jobs(
    *,
    queue: str | None = None,
    kind: str | None = None,
    status: models.JobStatus | None = None,
    failure: models.Failure | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.JobSummary]:
    """List jobs, newest first (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/jobs",
        answer=models.JobSummary,
        query={
            "queue": queue,
            "kind": kind,
            "status": status,
            "failure": failure,
            "page": page,
            "per_page": per_page,
            "after": after,
        },
        pages_by="after",
    )


def get_admin_jobs_by_job_id(job_id: UUID | str) -> Call[models.JobDetail]:
    """Show a job (admin)."""
    return Call(method="GET", path="/api/admin/jobs/{job_id}", answer=models.JobDetail, values={"job_id": job_id})


def get_admin_jobs_stats() -> Call[list[models.KindStats]]:
    """Show statistics of each kind of job (admin)."""
    return Call(method="GET", path="/api/admin/jobs/stats", answer=list[models.KindStats])


def get_admin_parked_messages(
    *,
    status: models.ParkedStatus | None = None,
    queue: str | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.ParkedMessage]:
    """List parked messages, newest first (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/parked-messages",
        answer=models.ParkedMessage,
        query={"status": status, "queue": queue, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_admin_payments(
    *,
    provider: Literal["stripe", "nowpayments"] | None = None,
    status: models.PaymentStatus | None = None,
    flagged: bool | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.AdminPayment]:
    """List the payments of all users (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/payments",
        answer=models.AdminPayment,
        query={
            "provider": provider,
            "status": status,
            "flagged": flagged,
            "page": page,
            "per_page": per_page,
            "after": after,
        },
        pages_by="after",
    )


def get_admin_performers_by_performer_id_earnings(
    performer_id: UUID | str, *, from_: date | None = None, to: date | None = None
) -> Call[models.Earnings]:
    """Show a performer's earnings."""
    return Call(
        method="GET",
        path="/api/admin/performers/{performer_id}/earnings",
        answer=models.Earnings,
        values={"performer_id": performer_id},
        query={"from": from_, "to": to},
    )


def get_admin_performers_by_performer_id_menu_templates(performer_id: UUID | str) -> Call[list[models.MenuTemplate]]:
    """List the menu templates."""
    return Call(
        method="GET",
        path="/api/admin/performers/{performer_id}/menu-templates",
        answer=list[models.MenuTemplate],
        values={"performer_id": performer_id},
    )


def get_admin_performers_by_performer_id_menus(performer_id: UUID | str) -> Call[list[models.OwnMenu]]:
    """List the performer's menus."""
    return Call(
        method="GET",
        path="/api/admin/performers/{performer_id}/menus",
        answer=list[models.OwnMenu],
        values={"performer_id": performer_id},
    )


def get_admin_performers_by_performer_id_menus_by_menu_id_whitelist(
    performer_id: UUID | str, menu_id: UUID | str, *, page: int | None = None, per_page: int | None = None
) -> PageCall[models.WhitelistEntry]:
    """List the users who may see a private menu."""
    return PageCall(
        method="GET",
        path="/api/admin/performers/{performer_id}/menus/{menu_id}/whitelist",
        answer=models.WhitelistEntry,
        values={"performer_id": performer_id, "menu_id": menu_id},
        query={"page": page, "per_page": per_page},
    )


def get_admin_performers_by_performer_id_profile(performer_id: UUID | str) -> Call[models.EventsProfile]:
    """Show the profile."""
    return Call(
        method="GET",
        path="/api/admin/performers/{performer_id}/profile",
        answer=models.EventsProfile,
        values={"performer_id": performer_id},
    )


def get_admin_performers_by_performer_id_sales(
    performer_id: UUID | str, *, page: int | None = None, per_page: int | None = None, after: str | None = None
) -> PageCall[models.PublicItem]:
    """List a performer's sales."""
    return PageCall(
        method="GET",
        path="/api/admin/performers/{performer_id}/sales",
        answer=models.PublicItem,
        values={"performer_id": performer_id},
        query={"page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_admin_performers_by_performer_id_subscribers(
    performer_id: UUID | str, *, page: int | None = None, per_page: int | None = None, after: str | None = None
) -> PageCall[models.OrdersSubscription]:
    """List a performer's subscribers."""
    return PageCall(
        method="GET",
        path="/api/admin/performers/{performer_id}/subscribers",
        answer=models.OrdersSubscription,
        values={"performer_id": performer_id},
        query={"page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_admin_performers_by_performer_id_tip_menus(performer_id: UUID | str) -> Call[list[models.TipMenu]]:
    """List the performer's tip menus."""
    return Call(
        method="GET",
        path="/api/admin/performers/{performer_id}/tip-menus",
        answer=list[models.TipMenu],
        values={"performer_id": performer_id},
    )


def get_admin_products(*, page: int | None = None, per_page: int | None = None) -> PageCall[models.ManagedProduct]:
    """List all products (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/products",
        answer=models.ManagedProduct,
        query={"page": page, "per_page": per_page},
    )


def get_admin_receivables(*, page: int | None = None, per_page: int | None = None) -> PageCall[models.Receivable]:
    """List what users owe (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/receivables",
        answer=models.Receivable,
        query={"page": page, "per_page": per_page},
    )


def get_admin_reservations(
    *, order_id: UUID | str | None = None, page: int | None = None, per_page: int | None = None
) -> PageCall[models.ReservationView]:
    """List reservations at the supplier, newest first (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/reservations",
        answer=models.ReservationView,
        query={"order_id": order_id, "page": page, "per_page": per_page},
    )


def get_admin_sagas(
    *,
    state: models.SagaState | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.SagaView]:
    """List sagas, newest first."""
    return PageCall(
        method="GET",
        path="/api/admin/sagas",
        answer=models.SagaView,
        query={"state": state, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_admin_scans(*, page: int | None = None, per_page: int | None = None) -> PageCall[models.ScanView]:
    """Scans without an event, newest first."""
    return PageCall(
        method="GET", path="/api/admin/scans", answer=models.ScanView, query={"page": page, "per_page": per_page}
    )


def get_admin_transfers(
    *,
    status: models.TransferStatus | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.OrdersTransfer]:
    """List the transfers of all users."""
    return PageCall(
        method="GET",
        path="/api/admin/transfers",
        answer=models.OrdersTransfer,
        query={"status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_admin_users(
    *, q: str | None = None, role: models.Role | None = None, page: int | None = None, per_page: int | None = None
) -> PageCall[models.UsersProfile]:
    """List and search users (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/users",
        answer=models.UsersProfile,
        query={"q": q, "role": role, "page": page, "per_page": per_page},
    )


def get_admin_webhook_logs(
    *,
    provider: models.Provider | None = None,
    status: models.WebhookStatus | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.WebhookSummary]:
    """List webhooks, newest first (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/webhook-logs",
        answer=models.WebhookSummary,
        query={"provider": provider, "status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_admin_webhook_logs_by_webhook_id(webhook_id: UUID | str) -> Call[models.WebhookDetail]:
    """Show a webhook (admin)."""
    return Call(
        method="GET",
        path="/api/admin/webhook-logs/{webhook_id}",
        answer=models.WebhookDetail,
        values={"webhook_id": webhook_id},
    )


def get_admin_webhook_subscriptions(
    *, page: int | None = None, per_page: int | None = None
) -> PageCall[models.OrchestratorSubscription]:
    """List webhook subscriptions, newest first (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/webhook-subscriptions",
        answer=models.OrchestratorSubscription,
        query={"page": page, "per_page": per_page},
    )


def get_admin_webhook_subscriptions_by_subscription_id_deliveries(
    subscription_id: UUID | str,
    *,
    status: Literal["PENDING", "DELIVERED", "FAILED"] | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.Delivery]:
    """List deliveries, newest first (admin)."""
    return PageCall(
        method="GET",
        path="/api/admin/webhook-subscriptions/{subscription_id}/deliveries",
        answer=models.Delivery,
        values={"subscription_id": subscription_id},
        query={"status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_articles(
    *, event_id: UUID | str | None = None, page: int | None = None, per_page: int | None = None
) -> PageCall[models.ArticleSummary]:
    """List published articles."""
    return PageCall(
        method="GET",
        path="/api/articles",
        answer=models.ArticleSummary,
        query={"event_id": event_id, "page": page, "per_page": per_page},
    )


def get_articles_by_slug(slug: str) -> Call[models.Article]:
    """Show a published article."""
    return Call(method="GET", path="/api/articles/{slug}", answer=models.Article, values={"slug": slug})


def get_auth_sessions() -> Call[list[models.SessionView]]:
    """List your logins."""
    return Call(method="GET", path="/api/auth/sessions", answer=list[models.SessionView])


def get_commissions(
    *,
    status: Literal[
        "AWAITING_PAYMENT",
        "PROCESSING",
        "QUALITY_CHECK",
        "ADMIN_REVIEW",
        "COMPLETED",
        "FAILED",
        "REFUNDED",
        "CANCELLED",
    ]
    | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.PublicCommission]:
    """List my commissions."""
    return PageCall(
        method="GET",
        path="/api/commissions",
        answer=models.PublicCommission,
        query={"status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_commissions_by_checkout_by_session_id(session_id: str) -> Call[models.CommissionView]:
    """Show the order of a checkout session."""
    return Call(
        method="GET",
        path="/api/commissions/by-checkout/{session_id}",
        answer=models.CommissionView,
        values={"session_id": session_id},
    )


def get_commissions_by_order_id(order_id: UUID | str) -> Call[models.CommissionView]:
    """Show an order."""
    return Call(
        method="GET", path="/api/commissions/{order_id}", answer=models.CommissionView, values={"order_id": order_id}
    )


def get_commissions_by_order_id_compare(
    order_id: UUID | str, *, from_: int | None = None, to: int | None = None
) -> Call[models.Comparison]:
    """Compare two versions of a text side by side."""
    return Call(
        method="GET",
        path="/api/commissions/{order_id}/compare",
        answer=models.Comparison,
        values={"order_id": order_id},
        query={"from": from_, "to": to},
    )


def get_commissions_by_order_id_versions_by_number(
    order_id: UUID | str, number: int
) -> Call[models.OrdersVersion | models.PublicVersion]:
    """Show a version of a text."""
    return Call(
        method="GET",
        path="/api/commissions/{order_id}/versions/{number}",
        answer=models.OrdersVersion | models.PublicVersion,
        values={"order_id": order_id, "number": number},
    )


def get_commissions_prices() -> Call[list[models.CommissionPrice]]:
    """List the prices of commissions."""
    return Call(method="GET", path="/api/commissions/prices", answer=list[models.CommissionPrice])


def get_credits_balance() -> Call[models.Balance]:
    """Show my balance."""
    return Call(method="GET", path="/api/credits/balance", answer=models.Balance)


def get_credits_statement(
    *, cursor: str | None = None, limit: int | None = None, currency: models.Currency | None = None
) -> Call[models.AccountStatement]:
    """Show my wallet's statement."""
    return Call(
        method="GET",
        path="/api/credits/statement",
        answer=models.AccountStatement,
        query={"cursor": cursor, "limit": limit, "currency": currency},
    )


def get_digital_orders(
    *,
    status: Literal["CREATED", "PAID", "WAITING", "READY", "FULFILLED", "FAILED", "REFUNDED", "CANCELLED"]
    | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.PublicDigitalOrder]:
    """List my digital orders."""
    return PageCall(
        method="GET",
        path="/api/digital-orders",
        answer=models.PublicDigitalOrder,
        query={"status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_digital_orders_by_order_id(order_id: UUID | str) -> Call[models.PublicDigitalOrder]:
    """Show a digital order."""
    return Call(
        method="GET",
        path="/api/digital-orders/{order_id}",
        answer=models.PublicDigitalOrder,
        values={"order_id": order_id},
    )


def get_downloads_by_token(token: str) -> Call[models.CodesDocument]:
    """Download the codes of an order."""
    return Call(
        method="GET", path="/api/downloads/{token}", answer=models.CodesDocument, reads="whole", values={"token": token}
    )


def get_events(
    *,
    q: str | None = None,
    from_: datetime | None = None,
    to: datetime | None = None,
    past: bool | None = None,
    page: int | None = None,
    per_page: int | None = None,
) -> PageCall[models.EventSummary]:
    """Events on sale."""
    return PageCall(
        method="GET",
        path="/api/events",
        answer=models.EventSummary,
        query={"q": q, "from": from_, "to": to, "past": past, "page": page, "per_page": per_page},
    )


def get_events_by_event_id(
    event_id: UUID | str, *, include_seats: bool | None = None
) -> Call[models.OrchestratorEventDetail]:
    """An event with the state of every seat."""
    return Call(
        method="GET",
        path="/api/events/{event_id}",
        answer=models.OrchestratorEventDetail,
        values={"event_id": event_id},
        query={"include_seats": include_seats},
    )


def get_events_by_event_id_availability(event_id: UUID | str) -> Call[models.Availability]:
    """Seat counts by category."""
    return Call(
        method="GET",
        path="/api/events/{event_id}/availability",
        answer=models.Availability,
        values={"event_id": event_id},
    )


def get_fulfillment_by_order_id_download_link(order_id: UUID | str) -> Call[models.DownloadLinkView]:
    """Get a link to the codes of an order."""
    return Call(
        method="GET",
        path="/api/fulfillment/{order_id}/download-link",
        answer=models.DownloadLinkView,
        values={"order_id": order_id},
    )


def get_fulfillment_by_order_id_status(order_id: UUID | str) -> Call[models.FulfillmentView]:
    """Show a digital order's fulfilment status."""
    return Call(
        method="GET",
        path="/api/fulfillment/{order_id}/status",
        answer=models.FulfillmentView,
        values={"order_id": order_id},
    )


def get_listings(
    *,
    status: models.ListingStatus | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.Listing]:
    """List my listings."""
    return PageCall(
        method="GET",
        path="/api/listings",
        answer=models.Listing,
        query={"status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_marketplace_listings(
    *,
    status: Literal["ACTIVE", "PENDING_TRANSFER", "COMPLETED", "CANCELLED"] | None = None,
    event_id: UUID | str | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.Listing]:
    """Browse the marketplace."""
    return PageCall(
        method="GET",
        path="/api/marketplace/listings",
        answer=models.Listing,
        query={"status": status, "event_id": event_id, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_marketplace_listings_by_listing_id(listing_id: UUID | str) -> Call[models.Listing]:
    """Show a listing."""
    return Call(
        method="GET",
        path="/api/marketplace/listings/{listing_id}",
        answer=models.Listing,
        values={"listing_id": listing_id},
    )


def get_menu_by_menu_id(menu_id: UUID | str) -> Call[models.OrchestratorMenu]:
    """Show a menu."""
    return Call(method="GET", path="/api/menu/{menu_id}", answer=models.OrchestratorMenu, values={"menu_id": menu_id})


def get_menu_performer_by_performer_id(performer_id: UUID | str) -> Call[list[models.OrchestratorMenu]]:
    """List a performer's menus."""
    return Call(
        method="GET",
        path="/api/menu/performer/{performer_id}",
        answer=list[models.OrchestratorMenu],
        values={"performer_id": performer_id},
    )


def get_menu_purchase_by_purchase_id_status(purchase_id: UUID | str) -> Call[models.MenuPurchase]:
    """Show a purchase from a menu."""
    return Call(
        method="GET",
        path="/api/menu/purchase/{purchase_id}/status",
        answer=models.MenuPurchase,
        values={"purchase_id": purchase_id},
    )


def get_menu_purchase_history(*, limit: int | None = None, offset: int | None = None) -> PageCall[models.MenuPurchase]:
    """List my purchases from menus."""
    return PageCall(
        method="GET",
        path="/api/menu/purchase/history",
        answer=models.MenuPurchase,
        query={"limit": limit, "offset": offset},
        pages_by="offset",
    )


def get_orders(
    *,
    status: models.OrderStatus | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.Order]:
    """List my orders."""
    return PageCall(
        method="GET",
        path="/api/orders",
        answer=models.Order,
        query={"status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_orders_by_order_id(order_id: UUID | str) -> Call[models.OrderWithHistory]:
    """Show an order with its history."""
    return Call(
        method="GET", path="/api/orders/{order_id}", answer=models.OrderWithHistory, values={"order_id": order_id}
    )


def get_payments(
    *,
    status: models.PaymentStatus | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.OwnPayment]:
    """List my payments."""
    return PageCall(
        method="GET",
        path="/api/payments",
        answer=models.OwnPayment,
        query={"status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_payments_by_payment_id(payment_id: UUID | str) -> Call[models.OwnPayment]:
    """Show a payment."""
    return Call(
        method="GET", path="/api/payments/{payment_id}", answer=models.OwnPayment, values={"payment_id": payment_id}
    )


def get_performance_queue(*, page: int | None = None, per_page: int | None = None) -> Call[models.QueueView]:
    """Show my queue (performer)."""
    return Call(
        method="GET", path="/api/performance-queue", answer=models.QueueView, query={"page": page, "per_page": per_page}
    )


def get_performance_queue_status_by_queue_request_id(
    queue_request_id: UUID | str, *, naming: Literal["camel", "snake"] | None = None
) -> Call[models.RequestStatus]:
    """Show what became of a queued tip."""
    return Call(
        method="GET",
        path="/api/performance-queue/status/{queue_request_id}",
        answer=models.RequestStatus,
        values={"queue_request_id": queue_request_id},
        query={"naming": naming},
    )


def get_performer_earnings(*, from_: date | None = None, to: date | None = None) -> Call[models.Earnings]:
    """Show my earnings."""
    return Call(method="GET", path="/api/performer/earnings", answer=models.Earnings, query={"from": from_, "to": to})


def get_performer_menu_templates() -> Call[list[models.MenuTemplate]]:
    """List the menu templates."""
    return Call(method="GET", path="/api/performer/menu-templates", answer=list[models.MenuTemplate])


def get_performer_menus() -> Call[list[models.OwnMenu]]:
    """List the performer's menus."""
    return Call(method="GET", path="/api/performer/menus", answer=list[models.OwnMenu])


def get_performer_menus_by_menu_id_whitelist(
    menu_id: UUID | str, *, page: int | None = None, per_page: int | None = None
) -> PageCall[models.WhitelistEntry]:
    """List the users who may see a private menu."""
    return PageCall(
        method="GET",
        path="/api/performer/menus/{menu_id}/whitelist",
        answer=models.WhitelistEntry,
        values={"menu_id": menu_id},
        query={"page": page, "per_page": per_page},
    )


def get_performer_payouts(*, page: int | None = None, per_page: int | None = None) -> PageCall[models.Payout]:
    """List my payouts."""
    return PageCall(
        method="GET", path="/api/performer/payouts", answer=models.Payout, query={"page": page, "per_page": per_page}
    )


def get_performer_profile() -> Call[models.EventsProfile]:
    """Show the profile."""
    return Call(method="GET", path="/api/performer/profile", answer=models.EventsProfile)


def get_performer_sales(
    *, page: int | None = None, per_page: int | None = None, after: str | None = None
) -> PageCall[models.PublicItem]:
    """List my sales."""
    return PageCall(
        method="GET",
        path="/api/performer/sales",
        answer=models.PublicItem,
        query={"page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_performer_subscribers(
    *, page: int | None = None, per_page: int | None = None, after: str | None = None
) -> PageCall[models.OrdersSubscription]:
    """List my subscribers."""
    return PageCall(
        method="GET",
        path="/api/performer/subscribers",
        answer=models.OrdersSubscription,
        query={"page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_performer_tip_menus() -> Call[list[models.TipMenu]]:
    """List the performer's tip menus."""
    return Call(method="GET", path="/api/performer/tip-menus", answer=list[models.TipMenu])


def get_performers(
    *, q: str | None = None, page: int | None = None, per_page: int | None = None
) -> PageCall[models.Performer]:
    """List performers."""
    return PageCall(
        method="GET",
        path="/api/performers",
        answer=models.Performer,
        query={"q": q, "page": page, "per_page": per_page},
    )


def get_performers_by_performer_id(performer_id: UUID | str) -> Call[models.Performer]:
    """Show a performer."""
    return Call(
        method="GET",
        path="/api/performers/{performer_id}",
        answer=models.Performer,
        values={"performer_id": performer_id},
    )


def get_products(
    *, q: str | None = None, page: int | None = None, per_page: int | None = None
) -> PageCall[models.Product]:
    """List products."""
    return PageCall(
        method="GET", path="/api/products", answer=models.Product, query={"q": q, "page": page, "per_page": per_page}
    )


def get_purchased_items(
    *,
    type: models.ItemType | None = None,
    status: Literal["pending", "in_progress", "success", "failed", "cancelled", "declined", "expired"] | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.PublicItem]:
    """List what I bought from performers."""
    return PageCall(
        method="GET",
        path="/api/purchased-items",
        answer=models.PublicItem,
        query={"type": type, "status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_purchased_items_by_purchased_item_id(purchased_item_id: UUID | str) -> Call[models.PublicItemWithHistory]:
    """Show a purchased item with its history."""
    return Call(
        method="GET",
        path="/api/purchased-items/{purchased_item_id}",
        answer=models.PublicItemWithHistory,
        values={"purchased_item_id": purchased_item_id},
    )


def get_subscriptions(
    *, page: int | None = None, per_page: int | None = None, after: str | None = None
) -> PageCall[models.OrdersSubscription]:
    """List my subscriptions."""
    return PageCall(
        method="GET",
        path="/api/subscriptions",
        answer=models.OrdersSubscription,
        query={"page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_tickets(*, page: int | None = None, per_page: int | None = None) -> PageCall[models.TicketView]:
    """My tickets."""
    return PageCall(
        method="GET", path="/api/tickets", answer=models.TicketView, query={"page": page, "per_page": per_page}
    )


def get_tickets_by_seat_id_qr(seat_id: UUID | str) -> Call[models.QrView]:
    """A fresh QR code."""
    return Call(method="GET", path="/api/tickets/{seat_id}/qr", answer=models.QrView, values={"seat_id": seat_id})


def get_tickets_by_seat_id_qr_svg(seat_id: UUID | str) -> Call[str]:
    """A fresh QR code, as an image."""
    return Call(
        method="GET", path="/api/tickets/{seat_id}/qr.svg", answer=str, reads="text", values={"seat_id": seat_id}
    )


def get_tip_grid_by_performer_id(performer_id: UUID | str) -> Call[models.TipGrid]:
    """Show a performer's tip grid."""
    return Call(
        method="GET", path="/api/tip-grid/{performer_id}", answer=models.TipGrid, values={"performer_id": performer_id}
    )


def get_transfers(
    *,
    status: models.TransferStatus | None = None,
    page: int | None = None,
    per_page: int | None = None,
    after: str | None = None,
) -> PageCall[models.OrdersTransfer]:
    """List my transfers."""
    return PageCall(
        method="GET",
        path="/api/transfers",
        answer=models.OrdersTransfer,
        query={"status": status, "page": page, "per_page": per_page, "after": after},
        pages_by="after",
    )


def get_transfers_by_transfer_id(transfer_id: UUID | str) -> Call[models.TransferWithHistory]:
    """Show a transfer with its history."""
    return Call(
        method="GET",
        path="/api/transfers/{transfer_id}",
        answer=models.TransferWithHistory,
        values={"transfer_id": transfer_id},
    )


def get_users_by_user_id(user_id: UUID | str) -> Call[models.UsersProfile]:
    """Show a profile."""
    return Call(method="GET", path="/api/users/{user_id}", answer=models.UsersProfile, values={"user_id": user_id})


def get_users_me() -> Call[models.UsersProfile]:
    """Show your profile."""
    return Call(method="GET", path="/api/users/me", answer=models.UsersProfile)


def get_users_me_export() -> Call[models.PersonalData]:
    """Export my data."""
    return Call(method="GET", path="/api/users/me/export", answer=models.PersonalData)


def get_venues(*, page: int | None = None, per_page: int | None = None) -> PageCall[models.Venue]:
    """List venues."""
    return PageCall(method="GET", path="/api/venues", answer=models.Venue, query={"page": page, "per_page": per_page})


def patch_admin_events_by_event_id(event_id: UUID | str, body: models.EventChanges) -> Call[models.ManagedEvent]:
    """Edit or postpone an event."""
    return Call(
        method="PATCH",
        path="/api/admin/events/{event_id}",
        answer=models.ManagedEvent,
        values={"event_id": event_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def patch_admin_performers_by_performer_id_menus_by_menu_id(
    performer_id: UUID | str, menu_id: UUID | str, body: models.MenuChanges
) -> Call[models.OwnMenu]:
    """Change a menu."""
    return Call(
        method="PATCH",
        path="/api/admin/performers/{performer_id}/menus/{menu_id}",
        answer=models.OwnMenu,
        values={"performer_id": performer_id, "menu_id": menu_id},
        body=body,
    )


def patch_admin_performers_by_performer_id_menus_by_menu_id_items_by_item_id(
    performer_id: UUID | str, menu_id: UUID | str, item_id: UUID | str, body: models.MenuItemChanges
) -> Call[models.EventsMenuItem]:
    """Change an item of a menu."""
    return Call(
        method="PATCH",
        path="/api/admin/performers/{performer_id}/menus/{menu_id}/items/{item_id}",
        answer=models.EventsMenuItem,
        values={"performer_id": performer_id, "menu_id": menu_id, "item_id": item_id},
        body=body,
    )


def patch_admin_performers_by_performer_id_profile(
    performer_id: UUID | str, body: models.ProfileChanges
) -> Call[models.EventsProfile]:
    """Change the profile."""
    return Call(
        method="PATCH",
        path="/api/admin/performers/{performer_id}/profile",
        answer=models.EventsProfile,
        values={"performer_id": performer_id},
        body=body,
    )


def patch_admin_performers_by_performer_id_tip_menus_by_menu_id(
    performer_id: UUID | str, menu_id: UUID | str, body: models.TipMenuChanges
) -> Call[models.TipMenu]:
    """Change a tip menu."""
    return Call(
        method="PATCH",
        path="/api/admin/performers/{performer_id}/tip-menus/{menu_id}",
        answer=models.TipMenu,
        values={"performer_id": performer_id, "menu_id": menu_id},
        body=body,
    )


def patch_admin_performers_by_performer_id_tip_menus_by_menu_id_items_by_item_id(
    performer_id: UUID | str, menu_id: UUID | str, item_id: UUID | str, body: models.TipItemChanges
) -> Call[models.TipItem]:
    """Change an item of a tip menu."""
    return Call(
        method="PATCH",
        path="/api/admin/performers/{performer_id}/tip-menus/{menu_id}/items/{item_id}",
        answer=models.TipItem,
        values={"performer_id": performer_id, "menu_id": menu_id, "item_id": item_id},
        body=body,
    )


def patch_admin_products_by_product_id(
    product_id: UUID | str, body: models.ProductChanges
) -> Call[models.ManagedProduct]:
    """Change a product (admin)."""
    return Call(
        method="PATCH",
        path="/api/admin/products/{product_id}",
        answer=models.ManagedProduct,
        values={"product_id": product_id},
        body=body,
    )


def patch_admin_users_by_user_id(user_id: UUID | str, body: models.AdminChange) -> Call[models.UsersProfile]:
    """Flag or suspend a user, set roles, email address or hall (admin)."""
    return Call(
        method="PATCH",
        path="/api/admin/users/{user_id}",
        answer=models.UsersProfile,
        values={"user_id": user_id},
        body=body,
    )


def patch_articles_by_slug(slug: str, body: models.ArticleChanges) -> Call[models.Article]:
    """Allow or refuse backlinks of other customers."""
    return Call(method="PATCH", path="/api/articles/{slug}", answer=models.Article, values={"slug": slug}, body=body)


def patch_performer_menus_by_menu_id(menu_id: UUID | str, body: models.MenuChanges) -> Call[models.OwnMenu]:
    """Change a menu."""
    return Call(
        method="PATCH",
        path="/api/performer/menus/{menu_id}",
        answer=models.OwnMenu,
        values={"menu_id": menu_id},
        body=body,
    )


def patch_performer_menus_by_menu_id_items_by_item_id(
    menu_id: UUID | str, item_id: UUID | str, body: models.MenuItemChanges
) -> Call[models.EventsMenuItem]:
    """Change an item of a menu."""
    return Call(
        method="PATCH",
        path="/api/performer/menus/{menu_id}/items/{item_id}",
        answer=models.EventsMenuItem,
        values={"menu_id": menu_id, "item_id": item_id},
        body=body,
    )


def patch_performer_profile(body: models.ProfileChanges) -> Call[models.EventsProfile]:
    """Change the profile."""
    return Call(method="PATCH", path="/api/performer/profile", answer=models.EventsProfile, body=body)


def patch_performer_tip_menus_by_menu_id(menu_id: UUID | str, body: models.TipMenuChanges) -> Call[models.TipMenu]:
    """Change a tip menu."""
    return Call(
        method="PATCH",
        path="/api/performer/tip-menus/{menu_id}",
        answer=models.TipMenu,
        values={"menu_id": menu_id},
        body=body,
    )


def patch_performer_tip_menus_by_menu_id_items_by_item_id(
    menu_id: UUID | str, item_id: UUID | str, body: models.TipItemChanges
) -> Call[models.TipItem]:
    """Change an item of a tip menu."""
    return Call(
        method="PATCH",
        path="/api/performer/tip-menus/{menu_id}/items/{item_id}",
        answer=models.TipItem,
        values={"menu_id": menu_id, "item_id": item_id},
        body=body,
    )


def patch_users_me(body: models.ChangeProfile) -> Call[models.UsersProfile]:
    """Change your name, email address or phone."""
    return Call(method="PATCH", path="/api/users/me", answer=models.UsersProfile, body=body)


def post_admin_commissions_by_order_id_approve(
    order_id: UUID | str, body: models.ApprovalRequest | None = None
) -> Call[models.CommissionMoved]:
    """Publish a text."""
    return Call(
        method="POST",
        path="/api/admin/commissions/{order_id}/approve",
        answer=models.CommissionMoved,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_admin_commissions_by_order_id_refund(
    order_id: UUID | str, body: models.RefundReason
) -> Call[models.CommissionMoved]:
    """Refund an order."""
    return Call(
        method="POST",
        path="/api/admin/commissions/{order_id}/refund",
        answer=models.CommissionMoved,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_admin_commissions_by_order_id_retry(
    order_id: UUID | str, body: models.EmptyBody | None = None
) -> Call[models.WritingRequested]:
    """Retry a failed order."""
    return Call(
        method="POST",
        path="/api/admin/commissions/{order_id}/retry",
        answer=models.WritingRequested,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_admin_commissions_by_order_id_send_back(
    order_id: UUID | str, body: models.SendBackRequest
) -> Call[models.CommissionMoved]:
    """Send a text back to its customer."""
    return Call(
        method="POST",
        path="/api/admin/commissions/{order_id}/send-back",
        answer=models.CommissionMoved,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
    )


def post_admin_digital_orders_by_order_id_refund(
    order_id: UUID | str, body: models.GoodsRefundReason
) -> Call[models.DigitalOrderMoved]:
    """Refund a digital order."""
    return Call(
        method="POST",
        path="/api/admin/digital-orders/{order_id}/refund",
        answer=models.DigitalOrderMoved,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_admin_digital_orders_by_order_id_retry(
    order_id: UUID | str, body: models.EmptyBody | None = None
) -> Call[models.FulfilmentRetried]:
    """Retry a digital order."""
    return Call(
        method="POST",
        path="/api/admin/digital-orders/{order_id}/retry",
        answer=models.FulfilmentRetried,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
    )


def post_admin_events(body: models.NewEvent) -> Call[models.EventCreated]:
    """Put an event on sale."""
    return Call(
        method="POST",
        path="/api/admin/events",
        answer=models.EventCreated,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_admin_events_by_event_id_cancel(event_id: UUID | str) -> Call[models.EventCancellation]:
    """Cancel an event."""
    return Call(
        method="POST",
        path="/api/admin/events/{event_id}/cancel",
        answer=models.EventCancellation,
        values={"event_id": event_id},
    )


def post_admin_events_by_event_id_seats_block(
    event_id: UUID | str, body: models.SeatSelection
) -> Call[models.SeatsChanged]:
    """Block available seats."""
    return Call(
        method="POST",
        path="/api/admin/events/{event_id}/seats/block",
        answer=models.SeatsChanged,
        values={"event_id": event_id},
        body=body,
        takes_key=True,
    )


def post_admin_events_by_event_id_seats_unblock(
    event_id: UUID | str, body: models.SeatSelection
) -> Call[models.SeatsChanged]:
    """Unblock seats."""
    return Call(
        method="POST",
        path="/api/admin/events/{event_id}/seats/unblock",
        answer=models.SeatsChanged,
        values={"event_id": event_id},
        body=body,
        takes_key=True,
    )


def post_admin_jobs_acknowledge_all(*, kind: str | None = None) -> Call[models.JobsAcknowledged]:
    """Acknowledge all dead jobs, or those of a kind (admin)."""
    return Call(
        method="POST", path="/api/admin/jobs/acknowledge-all", answer=models.JobsAcknowledged, query={"kind": kind}
    )


def post_admin_jobs_by_job_id_acknowledge(job_id: UUID | str) -> Call[models.JobSummary]:
    """Acknowledge a failed job (admin)."""
    return Call(
        method="POST", path="/api/admin/jobs/{job_id}/acknowledge", answer=models.JobSummary, values={"job_id": job_id}
    )


def post_admin_jobs_by_job_id_cancel(job_id: UUID | str) -> Call[models.JobSummary]:
    """Cancel a job before its first attempt (admin)."""
    return Call(
        method="POST", path="/api/admin/jobs/{job_id}/cancel", answer=models.JobSummary, values={"job_id": job_id}
    )


def post_admin_jobs_by_job_id_retry(job_id: UUID | str) -> Call[models.JobSummary]:
    """Retry a failed job (admin)."""
    return Call(
        method="POST", path="/api/admin/jobs/{job_id}/retry", answer=models.JobSummary, values={"job_id": job_id}
    )


def post_admin_jobs_retry_all(*, kind: str | None = None) -> Call[models.JobsRetried]:
    """Retry all failed jobs, or those of a kind (admin)."""
    return Call(method="POST", path="/api/admin/jobs/retry-all", answer=models.JobsRetried, query={"kind": kind})


def post_admin_parked_messages_by_parked_id_discard(parked_id: UUID | str) -> Call[models.ParkedMessage]:
    """Discard a parked message (admin)."""
    return Call(
        method="POST",
        path="/api/admin/parked-messages/{parked_id}/discard",
        answer=models.ParkedMessage,
        values={"parked_id": parked_id},
    )


def post_admin_parked_messages_by_parked_id_replay(parked_id: UUID | str) -> Call[models.ParkedMessage]:
    """Replay a parked message (admin)."""
    return Call(
        method="POST",
        path="/api/admin/parked-messages/{parked_id}/replay",
        answer=models.ParkedMessage,
        values={"parked_id": parked_id},
    )


def post_admin_performers_by_performer_id_menu_templates_by_template_apply(
    performer_id: UUID | str, template: models.TemplateName
) -> Call[models.OwnMenu]:
    """Create a menu from a template."""
    return Call(
        method="POST",
        path="/api/admin/performers/{performer_id}/menu-templates/{template}/apply",
        answer=models.OwnMenu,
        values={"performer_id": performer_id, "template": template},
        takes_key=True,
    )


def post_admin_performers_by_performer_id_menus(performer_id: UUID | str, body: models.NewMenu) -> Call[models.OwnMenu]:
    """Create a menu."""
    return Call(
        method="POST",
        path="/api/admin/performers/{performer_id}/menus",
        answer=models.OwnMenu,
        values={"performer_id": performer_id},
        body=body,
        takes_key=True,
    )


def post_admin_performers_by_performer_id_menus_by_menu_id_items(
    performer_id: UUID | str, menu_id: UUID | str, body: models.NewMenuItemInput
) -> Call[models.EventsMenuItem]:
    """Add an item to a menu."""
    return Call(
        method="POST",
        path="/api/admin/performers/{performer_id}/menus/{menu_id}/items",
        answer=models.EventsMenuItem,
        values={"performer_id": performer_id, "menu_id": menu_id},
        body=body,
        takes_key=True,
    )


def post_admin_performers_by_performer_id_menus_by_menu_id_whitelist(
    performer_id: UUID | str, menu_id: UUID | str, body: models.WhitelistedUser
) -> Call[models.WhitelistEntry]:
    """Let a user see a private menu."""
    return Call(
        method="POST",
        path="/api/admin/performers/{performer_id}/menus/{menu_id}/whitelist",
        answer=models.WhitelistEntry,
        values={"performer_id": performer_id, "menu_id": menu_id},
        body=body,
    )


def post_admin_performers_by_performer_id_tip_menus(
    performer_id: UUID | str, body: models.NewTipMenu
) -> Call[models.TipMenu]:
    """Create a tip menu."""
    return Call(
        method="POST",
        path="/api/admin/performers/{performer_id}/tip-menus",
        answer=models.TipMenu,
        values={"performer_id": performer_id},
        body=body,
        takes_key=True,
    )


def post_admin_performers_by_performer_id_tip_menus_by_menu_id_items(
    performer_id: UUID | str, menu_id: UUID | str, body: models.NewTipItem
) -> Call[models.TipItem]:
    """Add an item to a tip menu."""
    return Call(
        method="POST",
        path="/api/admin/performers/{performer_id}/tip-menus/{menu_id}/items",
        answer=models.TipItem,
        values={"performer_id": performer_id, "menu_id": menu_id},
        body=body,
        takes_key=True,
    )


def post_admin_products(body: models.NewProduct) -> Call[models.ManagedProduct]:
    """Create a product (admin)."""
    return Call(method="POST", path="/api/admin/products", answer=models.ManagedProduct, body=body, takes_key=True)


def post_admin_receivables_by_user_id_settle(user_id: UUID | str, body: models.ReduceDebt) -> Call[models.DebtReduced]:
    """Settle a debt (admin)."""
    return Call(
        method="POST",
        path="/api/admin/receivables/{user_id}/settle",
        answer=models.DebtReduced,
        values={"user_id": user_id},
        body=body,
        takes_key=True,
    )


def post_admin_receivables_by_user_id_write_off(
    user_id: UUID | str, body: models.ReduceDebt
) -> Call[models.DebtReduced]:
    """Write a debt off (admin)."""
    return Call(
        method="POST",
        path="/api/admin/receivables/{user_id}/write-off",
        answer=models.DebtReduced,
        values={"user_id": user_id},
        body=body,
        takes_key=True,
    )


def post_admin_sagas_by_saga_id_retry(saga_id: UUID | str) -> Call[models.SagaRetried]:
    """Retry a stuck saga."""
    return Call(
        method="POST", path="/api/admin/sagas/{saga_id}/retry", answer=models.SagaRetried, values={"saga_id": saga_id}
    )


def post_admin_sagas_retry_all(*, kind: str | None = None, stuck_code: str | None = None) -> Call[models.SagasMadeDue]:
    """Retry stuck sagas."""
    return Call(
        method="POST",
        path="/api/admin/sagas/retry-all",
        answer=models.SagasMadeDue,
        query={"kind": kind, "stuck_code": stuck_code},
    )


def post_admin_users_by_user_id_adjustments(user_id: UUID | str, body: models.Adjust) -> Call[models.Adjusted]:
    """Adjust a wallet (admin)."""
    return Call(
        method="POST",
        path="/api/admin/users/{user_id}/adjustments",
        answer=models.Adjusted,
        values={"user_id": user_id},
        body=body,
        takes_key=True,
    )


def post_admin_webhook_deliveries_by_delivery_id_replay(delivery_id: UUID | str) -> Call[models.Delivery]:
    """Deliver a webhook again (admin)."""
    return Call(
        method="POST",
        path="/api/admin/webhook-deliveries/{delivery_id}/replay",
        answer=models.Delivery,
        values={"delivery_id": delivery_id},
    )


def post_admin_webhook_logs_by_webhook_id_replay(webhook_id: UUID | str) -> Call[models.WebhookSummary]:
    """Process a webhook again (admin)."""
    return Call(
        method="POST",
        path="/api/admin/webhook-logs/{webhook_id}/replay",
        answer=models.WebhookSummary,
        values={"webhook_id": webhook_id},
    )


def post_admin_webhook_subscriptions(body: models.NewSubscription) -> Call[models.SubscriptionWithSecret]:
    """Create a webhook subscription (admin)."""
    return Call(method="POST", path="/api/admin/webhook-subscriptions", answer=models.SubscriptionWithSecret, body=body)


def post_admin_webhook_subscriptions_by_subscription_id_enable(
    subscription_id: UUID | str,
) -> Call[models.OrchestratorSubscription]:
    """Enable a webhook subscription (admin)."""
    return Call(
        method="POST",
        path="/api/admin/webhook-subscriptions/{subscription_id}/enable",
        answer=models.OrchestratorSubscription,
        values={"subscription_id": subscription_id},
    )


def post_auth_change_password(body: models.ChangePassword) -> Call[models.Done]:
    """Change your password."""
    return Call(method="POST", path="/api/auth/change-password", answer=models.Done, body=body)


def post_auth_forgot_password(body: models.ForgotPassword) -> Call[models.Done]:
    """Get a link to set a new password."""
    return Call(method="POST", path="/api/auth/forgot-password", answer=models.Done, body=body)


def post_auth_login(body: models.Login) -> Call[models.LoggedIn]:
    """Log in."""
    return Call(method="POST", path="/api/auth/login", answer=models.LoggedIn, body=body)


def post_auth_logout() -> Call[models.LoggedOut]:
    """Log out."""
    return Call(method="POST", path="/api/auth/logout", answer=models.LoggedOut)


def post_auth_refresh() -> Call[models.Tokens]:
    """Get new tokens."""
    return Call(method="POST", path="/api/auth/refresh", answer=models.Tokens)


def post_auth_register(body: models.Register) -> Call[models.Registered]:
    """Open an account."""
    return Call(method="POST", path="/api/auth/register", answer=models.Registered, body=body)


def post_auth_reset_password(body: models.ResetPassword) -> Call[models.Done]:
    """Set a new password by a link."""
    return Call(method="POST", path="/api/auth/reset-password", answer=models.Done, body=body)


def post_auth_verify_email(body: models.VerifyEmail) -> Call[models.EmailVerified]:
    """Verify the email address by a link."""
    return Call(method="POST", path="/api/auth/verify-email", answer=models.EmailVerified, body=body)


def post_auth_verify_email_resend() -> Call[models.Done]:
    """Get another link to verify the email address."""
    return Call(method="POST", path="/api/auth/verify-email/resend", answer=models.Done)


def post_auth_verify_registration(body: models.VerifyRegistration) -> Call[models.LoggedIn]:
    """Verify the phone."""
    return Call(method="POST", path="/api/auth/verify-registration", answer=models.LoggedIn, body=body)


def post_commissions(body: models.CommissionRequest) -> Call[models.CommissionOrdered]:
    """Order an article or a backlink."""
    return Call(
        method="POST",
        path="/api/commissions",
        answer=models.CommissionOrdered,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_commissions_by_order_id_cancel(
    order_id: UUID | str, body: models.EmptyBody | None = None
) -> Call[models.CommissionMoved]:
    """Cancel an unpaid order."""
    return Call(
        method="POST",
        path="/api/commissions/{order_id}/cancel",
        answer=models.CommissionMoved,
        values={"order_id": order_id},
        body=body,
        may_be_pending=True,
    )


def post_commissions_by_order_id_revisions(
    order_id: UUID | str, body: models.RevisionRequest
) -> Call[models.WritingRequested]:
    """Ask for a revision."""
    return Call(
        method="POST",
        path="/api/commissions/{order_id}/revisions",
        answer=models.WritingRequested,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_commissions_by_order_id_submit(
    order_id: UUID | str, body: models.EmptyBody | None = None
) -> Call[models.CommissionMoved]:
    """Submit a text for review."""
    return Call(
        method="POST",
        path="/api/commissions/{order_id}/submit",
        answer=models.CommissionMoved,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
    )


def post_credits_topup(body: models.TopUpRequest) -> Call[models.TopUpStarted]:
    """Buy credits by card."""
    return Call(method="POST", path="/api/credits/topup", answer=models.TopUpStarted, body=body, takes_key=True)


def post_digital_orders(body: models.DigitalOrderRequest) -> Call[models.DigitalOrderPlaced]:
    """Order digital goods."""
    return Call(
        method="POST",
        path="/api/digital-orders",
        answer=models.DigitalOrderPlaced,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_digital_orders_by_order_id_cancel(
    order_id: UUID | str, body: models.EmptyBody | None = None
) -> Call[models.DigitalOrderMoved]:
    """Cancel an unpaid digital order."""
    return Call(
        method="POST",
        path="/api/digital-orders/{order_id}/cancel",
        answer=models.DigitalOrderMoved,
        values={"order_id": order_id},
        body=body,
        may_be_pending=True,
    )


def post_fulfillment_by_order_id_delete_keys(
    order_id: UUID | str, body: models.EmptyBody | None = None
) -> Call[models.CodesDeleted]:
    """Delete the codes of an order."""
    return Call(
        method="POST",
        path="/api/fulfillment/{order_id}/delete-keys",
        answer=models.CodesDeleted,
        values={"order_id": order_id},
        body=body,
    )


def post_fulfillment_by_order_id_reveal(
    order_id: UUID | str, body: models.EmptyBody | None = None
) -> Call[models.CodesRevealed]:
    """Reveal the codes of an order."""
    return Call(
        method="POST",
        path="/api/fulfillment/{order_id}/reveal",
        answer=models.CodesRevealed,
        values={"order_id": order_id},
        body=body,
    )


def post_marketplace_approve(body: models.ApproveRequest) -> Call[models.SaleCompleted]:
    """Approve a sale by code."""
    return Call(
        method="POST",
        path="/api/marketplace/approve",
        answer=models.SaleCompleted,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_marketplace_buy(body: models.ListingReference) -> Call[models.SalePending]:
    """Buy a ticket from a fan."""
    return Call(
        method="POST",
        path="/api/marketplace/buy",
        answer=models.SalePending,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_marketplace_cancel(body: models.ListingReference) -> Call[models.ListingCancelled]:
    """Withdraw a listing."""
    return Call(
        method="POST", path="/api/marketplace/cancel", answer=models.ListingCancelled, body=body, may_be_pending=True
    )


def post_marketplace_list(body: models.ListRequest) -> Call[models.ListingActive]:
    """List a ticket for resale."""
    return Call(
        method="POST",
        path="/api/marketplace/list",
        answer=models.ListingActive,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_menu_purchase(body: models.MenuPurchaseRequest) -> Call[models.MenuPurchased]:
    """Buy an item of a menu."""
    return Call(
        method="POST",
        path="/api/menu/purchase",
        answer=models.MenuPurchased,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_menu_purchase_by_purchase_id_cancel(purchase_id: UUID | str) -> Call[models.MenuPurchase]:
    """Cancel a pending purchase."""
    return Call(
        method="POST",
        path="/api/menu/purchase/{purchase_id}/cancel",
        answer=models.MenuPurchase,
        values={"purchase_id": purchase_id},
        may_be_pending=True,
    )


def post_orders_by_order_id_cancel(order_id: UUID | str) -> Call[models.Cancellation]:
    """Cancel an unpaid order."""
    return Call(
        method="POST",
        path="/api/orders/{order_id}/cancel",
        answer=models.Cancellation,
        values={"order_id": order_id},
        may_be_pending=True,
    )


def post_orders_by_order_id_refund(
    order_id: UUID | str, body: models.RefundRequest | None = None
) -> Call[models.OrchestratorRefunded]:
    """Refund an order, or seats of it."""
    return Call(
        method="POST",
        path="/api/orders/{order_id}/refund",
        answer=models.OrchestratorRefunded,
        values={"order_id": order_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_pay(body: models.PayRequest) -> Call[models.Receipt]:
    """Pay for held seats and get the tickets."""
    return Call(method="POST", path="/api/pay", answer=models.Receipt, body=body, takes_key=True, may_be_pending=True)


def post_payments_crypto(body: models.CryptoRequest) -> Call[models.CryptoInstructions]:
    """Buy credits or pay an order by crypto."""
    return Call(method="POST", path="/api/payments/crypto", answer=models.CryptoInstructions, body=body, takes_key=True)


def post_performance_queue_by_purchased_item_id_cancel(purchased_item_id: UUID | str) -> Call[models.ItemMoved]:
    """Cancel my pending item."""
    return Call(
        method="POST",
        path="/api/performance-queue/{purchased_item_id}/cancel",
        answer=models.ItemMoved,
        values={"purchased_item_id": purchased_item_id},
        may_be_pending=True,
    )


def post_performance_queue_by_purchased_item_id_complete(
    purchased_item_id: UUID | str, body: models.CompleteRequest | None = None
) -> Call[models.ItemMoved]:
    """Complete a menu item and be paid (performer)."""
    return Call(
        method="POST",
        path="/api/performance-queue/{purchased_item_id}/complete",
        answer=models.ItemMoved,
        values={"purchased_item_id": purchased_item_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_performance_queue_by_purchased_item_id_decline(
    purchased_item_id: UUID | str, body: models.DeclineRequest
) -> Call[models.ItemMoved]:
    """Decline an item (performer)."""
    return Call(
        method="POST",
        path="/api/performance-queue/{purchased_item_id}/decline",
        answer=models.ItemMoved,
        values={"purchased_item_id": purchased_item_id},
        body=body,
        may_be_pending=True,
    )


def post_performance_queue_by_purchased_item_id_start(purchased_item_id: UUID | str) -> Call[models.ItemMoved]:
    """Start a menu item (performer)."""
    return Call(
        method="POST",
        path="/api/performance-queue/{purchased_item_id}/start",
        answer=models.ItemMoved,
        values={"purchased_item_id": purchased_item_id},
        may_be_pending=True,
    )


def post_performance_queue_pause() -> Call[models.QueueState]:
    """Pause my queue (performer)."""
    return Call(method="POST", path="/api/performance-queue/pause", answer=models.QueueState)


def post_performance_queue_resume() -> Call[models.QueueState]:
    """Resume my queue (performer)."""
    return Call(method="POST", path="/api/performance-queue/resume", answer=models.QueueState)


def post_performer_menu_templates_by_template_apply(template: models.TemplateName) -> Call[models.OwnMenu]:
    """Create a menu from a template."""
    return Call(
        method="POST",
        path="/api/performer/menu-templates/{template}/apply",
        answer=models.OwnMenu,
        values={"template": template},
        takes_key=True,
    )


def post_performer_menus(body: models.NewMenu) -> Call[models.OwnMenu]:
    """Create a menu."""
    return Call(method="POST", path="/api/performer/menus", answer=models.OwnMenu, body=body, takes_key=True)


def post_performer_menus_by_menu_id_items(
    menu_id: UUID | str, body: models.NewMenuItemInput
) -> Call[models.EventsMenuItem]:
    """Add an item to a menu."""
    return Call(
        method="POST",
        path="/api/performer/menus/{menu_id}/items",
        answer=models.EventsMenuItem,
        values={"menu_id": menu_id},
        body=body,
        takes_key=True,
    )


def post_performer_menus_by_menu_id_whitelist(
    menu_id: UUID | str, body: models.WhitelistedUser
) -> Call[models.WhitelistEntry]:
    """Let a user see a private menu."""
    return Call(
        method="POST",
        path="/api/performer/menus/{menu_id}/whitelist",
        answer=models.WhitelistEntry,
        values={"menu_id": menu_id},
        body=body,
    )


def post_performer_tip_menus(body: models.NewTipMenu) -> Call[models.TipMenu]:
    """Create a tip menu."""
    return Call(method="POST", path="/api/performer/tip-menus", answer=models.TipMenu, body=body, takes_key=True)


def post_performer_tip_menus_by_menu_id_items(menu_id: UUID | str, body: models.NewTipItem) -> Call[models.TipItem]:
    """Add an item to a tip menu."""
    return Call(
        method="POST",
        path="/api/performer/tip-menus/{menu_id}/items",
        answer=models.TipItem,
        values={"menu_id": menu_id},
        body=body,
        takes_key=True,
    )


def post_performers_by_performer_id_subscription(
    performer_id: UUID | str, body: models.EmptyBody | None = None
) -> Call[models.Subscribed]:
    """Subscribe to a performer."""
    return Call(
        method="POST",
        path="/api/performers/{performer_id}/subscription",
        answer=models.Subscribed,
        values={"performer_id": performer_id},
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_resend_otp(body: models.ResendOtpRequest) -> Call[models.OrchestratorCodeSent]:
    """Send another one-time code."""
    return Call(method="POST", path="/api/resend-otp", answer=models.OrchestratorCodeSent, body=body)


def post_reserve(body: models.ReserveRequest) -> Call[models.OrchestratorReservation]:
    """Hold 1 to 10 seats."""
    return Call(
        method="POST",
        path="/api/reserve",
        answer=models.OrchestratorReservation,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_reserve_best_available(body: models.BestAvailableRequest) -> Call[models.OrchestratorReservation]:
    """Hold the best available seats of a category."""
    return Call(
        method="POST",
        path="/api/reserve/best-available",
        answer=models.OrchestratorReservation,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_tip_grid_purchase(body: models.TipRequest) -> Call[models.TipBought | models.TipQueued]:
    """Tip a performer, now or in their queue."""
    return Call(
        method="POST",
        path="/api/tip-grid/purchase",
        answer=models.TipBought | models.TipQueued,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_transfer_cancel(body: models.TransferReference) -> Call[models.TransferCancelledView]:
    """Cancel a pending transfer."""
    return Call(
        method="POST", path="/api/transfer/cancel", answer=models.TransferCancelledView, body=body, may_be_pending=True
    )


def post_transfer_confirm(
    body: models.ConfirmTransferRequest,
) -> Call[models.TransferPending | models.TransferCompleted]:
    """Confirm by code."""
    return Call(
        method="POST",
        path="/api/transfer/confirm",
        answer=models.TransferPending | models.TransferCompleted,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_transfer_dismiss(body: models.TransferReference) -> Call[models.TransferDismissed]:
    """Dismiss the dispute of a transfer (admin)."""
    return Call(
        method="POST",
        path="/api/transfer/dismiss",
        answer=models.TransferDismissed,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_transfer_dispute(body: models.DisputeRequest) -> Call[models.TransferDisputed]:
    """Dispute a completed transfer."""
    return Call(
        method="POST",
        path="/api/transfer/dispute",
        answer=models.TransferDisputed,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_transfer_initiate(body: models.TransferRequest) -> Call[models.TransferPending]:
    """Offer or request a ticket."""
    return Call(
        method="POST",
        path="/api/transfer/initiate",
        answer=models.TransferPending,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_transfer_reverse(body: models.TransferReference) -> Call[models.TransferReversed]:
    """Reverse a disputed transfer (admin)."""
    return Call(
        method="POST",
        path="/api/transfer/reverse",
        answer=models.TransferReversed,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_users_me_verify_phone(body: models.VerifyPhone) -> Call[models.UsersProfile]:
    """Verify your new phone."""
    return Call(method="POST", path="/api/users/me/verify-phone", answer=models.UsersProfile, body=body)


def post_verify(body: models.VerifyRequest) -> Call[models.ScanDecision]:
    """Scan a ticket's code for check-in."""
    return Call(method="POST", path="/api/verify", answer=models.ScanDecision, body=body, takes_key=True)


def post_verify_otp(
    body: models.VerifyOtpRequest,
) -> Call[models.OrchestratorVerified | models.TransferPending | models.TransferCompleted]:
    """Verify a one-time code."""
    return Call(
        method="POST",
        path="/api/verify-otp",
        answer=models.OrchestratorVerified | models.TransferPending | models.TransferCompleted,
        body=body,
        takes_key=True,
        may_be_pending=True,
    )


def post_verify_undo(body: models.UndoRequest) -> Call[models.UndoneCheckIn]:
    """Undo an admission."""
    return Call(method="POST", path="/api/verify/undo", answer=models.UndoneCheckIn, body=body, takes_key=True)
