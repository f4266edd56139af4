"""The routes of Stripe Checkout: its API, the page on which a customer pays, and what tests control."""

from html import escape
from typing import Any, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from devstack.sandbox.checkout_sessions import CheckoutSessions
from devstack.sandbox.faults import Faults
from devstack.sandbox.page import page
from devstack.sandbox.payment_control import Delivery, PaymentProviders, WebhookReport
from devstack.sandbox.stripe_routes import as_sent, key_check
from devstack.sandbox.webhooks import SentWebhook

__all__ = ["checkout_control_routes", "checkout_page_routes", "checkout_routes"]

Json = dict[str, Any]
EXPIRED = "checkout.session.expired"


class PaidDelivery(Delivery):
    """`first`: whose webhook is sent before the other's; each is sent `copies` times."""

    first: Literal["intent", "session"] = "intent"


def checkout_routes(sessions: CheckoutSessions, providers: PaymentProviders, faults: Faults) -> APIRouter:
    """Return the routes of Stripe's API. A session that is expired there sends its webhook a moment later."""
    dependencies = [Depends(faults.inject), Depends(key_check(providers.settings.stripe_secret_key))]
    router = APIRouter(prefix="/v1/checkout/sessions", tags=["Stripe"], dependencies=dependencies)

    @router.post("")
    async def create_session(request: Request) -> Json:
        given = dict(parse_qsl((await request.body()).decode()))
        key = request.headers.get("idempotency-key", "")
        return sessions.create(given, key=key, base_url=str(request.base_url))

    @router.get("/{session_id}")
    async def retrieve_session(session_id: str) -> Json:
        return sessions.find(session_id)

    @router.get("")
    async def list_sessions(payment_intent: str | None = None, limit: int = 10) -> Json:
        found = sessions.newest(payment_intent=payment_intent)
        return {"object": "list", "url": "/v1/checkout/sessions", "has_more": len(found) > limit, "data": found[:limit]}

    @router.post("/{session_id}/expire")
    async def expire_session(session_id: str, later: BackgroundTasks) -> Json:
        session = sessions.expire(session_id)
        later.add_task(providers.send_stripe, session, EXPIRED, Delivery())
        return session

    return router


def checkout_page_routes(sessions: CheckoutSessions, providers: PaymentProviders) -> APIRouter:
    """Return the page of a session: its customer pays, or returns without having paid."""
    router = APIRouter(prefix="/checkout", tags=["Stripe"])

    @router.get("/{session_id}")
    async def show_checkout(session_id: str) -> HTMLResponse:
        session = sessions.find(session_id)
        if session["status"] != "open":
            return HTMLResponse(page("Checkout", f"<p>This checkout is {escape(session['status'])}.</p>"))
        amount = f"{session['currency'].upper()} {session['amount_total'] / 100:.2f}"
        buttons = "".join(
            f'<form method="post" action="{escape(session_id)}/{action}"><button>{label}</button></form>'
            for action, label in (("pay", f"Pay {amount}"), ("cancel", "Back"))
        )
        return HTMLResponse(page("Checkout", f"<p>No money moves.</p>{buttons}"))

    @router.post("/{session_id}/pay")
    async def pay(session_id: str) -> RedirectResponse:
        session, _ = await _pay(sessions, providers, session_id, PaidDelivery())
        return RedirectResponse(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id), status_code=303)

    @router.post("/{session_id}/cancel")
    async def go_back(session_id: str) -> RedirectResponse:
        """Return to the shop. The session stays open, as at Stripe."""
        return RedirectResponse(sessions.find(session_id)["cancel_url"], status_code=303)

    return router


def checkout_control_routes(sessions: CheckoutSessions, providers: PaymentProviders) -> APIRouter:
    router = APIRouter(prefix="/control/stripe/checkout", tags=["Control"])

    @router.post("/{session_id}/pay", response_model=list[WebhookReport])
    async def pay_session(session_id: str, body: PaidDelivery | None = None) -> list[SentWebhook]:
        """Pay an open session and send the webhooks of its intent and of itself."""
        _, sent = await _pay(sessions, providers, session_id, body or PaidDelivery())
        return sent

    @router.post("/{session_id}/decline", response_model=WebhookReport)
    async def decline_card(session_id: str, body: Delivery | None = None) -> SentWebhook:
        """Decline the card and send the webhook; the session stays open."""
        intent = sessions.decline(session_id)
        return await providers.send_stripe(as_sent(intent), "payment_intent.payment_failed", body or Delivery())

    @router.post("/{session_id}/expire", response_model=WebhookReport)
    async def expire_session(session_id: str, body: Delivery | None = None) -> SentWebhook:
        """Expire an open session and send the webhook."""
        return await providers.send_stripe(sessions.expire(session_id), EXPIRED, body or Delivery())

    return router


async def _pay(
    sessions: CheckoutSessions, providers: PaymentProviders, session_id: str, delivery: PaidDelivery
) -> tuple[Json, list[SentWebhook]]:
    session, intent = sessions.pay(session_id)
    events = [(as_sent(intent), "payment_intent.succeeded"), (session, "checkout.session.completed")]
    if delivery.first == "session":
        events.reverse()
    return session, [await providers.send_stripe(subject, type_, delivery) for subject, type_ in events]
