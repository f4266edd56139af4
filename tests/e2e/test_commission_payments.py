"""Orders of texts: who may order what, and how Stripe's checkout pays them."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from devstack.stack import Stack
from tests.e2e.commissions import ARTICLE, order_text, publish, status_of, until
from tests.e2e.conftest import MakeConcert, MakeFan
from tests.e2e.in_process import InProcessServices
from tests.e2e.test_notifications import Inbox
from tests.e2e.user_client import SANDBOX_OTP, Concert, UserClient
from tests.support.http_client import http_client

Control = Callable[..., Awaitable[Any]]
BACKLINK: Final = {name: ARTICLE[name] for name in ("brief", "target_url", "anchor_text")} | {"type": "BACKLINK"}


@pytest.fixture
async def control(platform: Stack) -> Control:
    """Calls a route with which the sandbox's checkout sessions are paid, declined and expired."""

    async def call(session_id: str, action: str, **how: Any) -> None:
        async with http_client(platform.urls.sandbox) as http:
            answer = await http.post(f"/control/stripe/checkout/{session_id}/{action}", json=how)
            assert answer.is_success, answer.text

    return call


@pytest.fixture
async def sponsor(new_fan: MakeFan) -> UserClient:
    return await new_fan(balance="0")


async def open_checkout(sponsor: UserClient, concert: Concert, **more: Any) -> tuple[str, str]:
    """Order an article by card, and return the ids of the order and of its checkout session."""
    ordered = await order_text(sponsor, concert.event_id, pay_with="stripe", **more)
    assert (ordered.status, ordered.data["status"]) == (201, "AWAITING_PAYMENT"), ordered.body
    return ordered.data["order_id"], ordered.data["checkout_url"].rpartition("/")[2]


class TestCheckout:
    @pytest.mark.parametrize("first", ["intent", "session"])
    async def test_webhooks_in_any_order_and_number_pay_once(
        self, sponsor: UserClient, concert: Concert, control: Control, first: str
    ) -> None:
        order_id, session_id = await open_checkout(sponsor, concert, key="once")
        assert await open_checkout(sponsor, concert, key="once") == (order_id, session_id)
        # The customer returns before the webhook.
        shown = (await sponsor.get(f"/commissions/by-checkout/{session_id}")).data
        assert (shown["order_id"], shown["status"]) == (order_id, "AWAITING_PAYMENT")
        await control(session_id, "decline")
        await control(session_id, "pay", first=first, copies=3)
        await until(sponsor, order_id, "QUALITY_CHECK")
        assert await sponsor.balance() == "0.00"
        [payment] = (await sponsor.get("/payments")).data
        assert (payment["purpose"], payment["status"], payment["reference"]) == ("commission", "SUCCEEDED", order_id)
        entries = (await sponsor.get("/credits/statement")).data["entries"]
        assert sorted(entry["amount"] for entry in entries) == ["-40.00", "40.00"]

    async def test_payment_without_a_webhook_is_found_by_reconciliation(
        self, sponsor: UserClient, concert: Concert, control: Control, in_process: InProcessServices
    ) -> None:
        order_id, session_id = await open_checkout(sponsor, concert)
        unpaid_id, _ = await open_checkout(sponsor, concert)
        await control(session_id, "pay", copies=0)
        await in_process.reconcile()
        await until(sponsor, order_id, "QUALITY_CHECK")
        assert (await status_of(sponsor, unpaid_id))["status"] == "AWAITING_PAYMENT"

    async def test_expired_checkout_ends_its_order(
        self, sponsor: UserClient, concert: Concert, control: Control
    ) -> None:
        order_id, session_id = await open_checkout(sponsor, concert)
        await control(session_id, "decline")
        await control(session_id, "expire")
        ended = await until(sponsor, order_id, "CANCELLED")
        assert "checkout_url" not in ended
        assert ended["failure"] == {"code": "CHECKOUT_EXPIRED", "message": "The order was not paid in time."}
        assert await sponsor.balance() == "0.00"

    async def test_cancelled_order_cannot_be_paid(
        self, *, platform: Stack, sponsor: UserClient, concert: Concert, fan: UserClient
    ) -> None:
        order_id, session_id = await open_checkout(sponsor, concert)
        assert (await fan.post(f"/commissions/{order_id}/cancel")).refused() == (403, "FORBIDDEN")
        for _ in range(2):
            assert (await sponsor.post(f"/commissions/{order_id}/cancel")).data["status"] == "CANCELLED"
        async with http_client(platform.urls.sandbox) as http:
            paid = await http.post(f"/checkout/{session_id}/pay")
        assert paid.status_code == 400
        ended = await status_of(sponsor, order_id)
        assert ended["status"] == "CANCELLED"
        assert ended["failure"] == {"code": "ORDER_CANCELLED", "message": "The order was cancelled."}


class TestRefusals:
    async def test_article_is_about_a_published_event(
        self, fan: UserClient, admin: UserClient, concert: Concert
    ) -> None:
        unknown = await order_text(fan, str(uuid.uuid4()))
        assert unknown.refused() == (404, "EVENT_NOT_FOUND")
        assert (await admin.post(f"/admin/events/{concert.event_id}/cancel")).status in {200, 202}
        assert (await order_text(fan, concert.event_id)).refused() == (404, "EVENT_NOT_FOUND")
        assert await fan.balance() == "1000.00"

    async def test_event_that_has_ended_is_refused(self, fan: UserClient, new_concert: MakeConcert) -> None:
        now = datetime.now(UTC)
        running = await new_concert(event_date=(now - timedelta(hours=1)).isoformat())
        hours_ago = {"doors_open_at": 4, "event_date": 3, "ends_at": 1}
        ended = await new_concert(**{name: (now - timedelta(hours=ago)).isoformat() for name, ago in hours_ago.items()})
        assert (await order_text(fan, running.event_id)).status == 201
        assert (await order_text(fan, ended.event_id)).refused() == (410, "EVENT_ENDED")

    @pytest.mark.parametrize(
        "changes",
        [
            {"event_id": None},
            {"type": "BACKLINK"},
            {"anchor_text": None},
            {"target_url": "javascript:alert(1)"},
            {"target_url": "https://user:secret@example.com"},
            {"brief": ""},
            {"keywords": ["word"] * 11},
            {"price": "1.00"},
        ],
    )
    async def test_contradictions_are_refused(self, fan: UserClient, concert: Concert, changes: dict[str, Any]) -> None:
        wanted = ARTICLE | {"event_id": concert.event_id} | changes
        assert (await fan.post("/commissions", wanted)).refused() == (400, "VALIDATION_ERROR")

    async def test_too_few_credits_leave_no_order_and_the_request_can_be_repeated(
        self, sponsor: UserClient, concert: Concert
    ) -> None:
        refused = await order_text(sponsor, concert.event_id, key="k")
        assert refused.refused() == (402, "INSUFFICIENT_CREDITS")
        assert (await sponsor.get("/commissions")).data == []
        await sponsor.top_up("40.00")
        assert (await order_text(sponsor, concert.event_id, key="k")).status == 201
        assert await sponsor.balance() == "0.00"

    @pytest.mark.parametrize("pay_with", ["credits", "stripe"])
    async def test_code_of_a_flagged_customer_permits_one_order(
        self, *, fan: UserClient, admin: UserClient, concert: Concert, pay_with: str
    ) -> None:
        assert (await admin.patch(f"/admin/users/{fan.user_id}", {"is_flagged": True})).status == 200
        refused = await order_text(fan, concert.event_id, pay_with=pay_with)
        assert refused.refused() == (428, "OTP_REQUIRED")
        key = refused.body["details"].pop("idempotency_key")
        proof = refused.body["details"] | {"otp_code": SANDBOX_OTP}
        assert (await fan.post("/verify-otp", proof)).data["context"] == "commission"
        ordered = await order_text(fan, concert.event_id, pay_with=pay_with, key=key)
        assert ordered.status == 201
        assert (await order_text(fan, concert.event_id, pay_with=pay_with)).refused() == (428, "OTP_REQUIRED")

    async def test_backlink_needs_an_own_article_or_its_owners_consent(
        self, *, platform: Stack, fan: UserClient, admin: UserClient, new_fan: MakeFan, concert: Concert
    ) -> None:
        ordered = (await order_text(fan, concert.event_id, target_url=None, anchor_text=None)).data
        await until(fan, ordered["order_id"], "QUALITY_CHECK")
        slug = (await publish(fan, admin, ordered["order_id"]))["slug"]
        article_id = (await fan.get(f"/articles/{slug}")).data["article_id"]
        other = await new_fan()
        wanted = BACKLINK | {"article_id": article_id}
        assert (await other.post("/commissions", wanted)).refused() == (403, "FORBIDDEN")
        assert (await other.post("/commissions", wanted | {"article_id": str(uuid.uuid4())})).refused() == (
            404,
            "NOT_FOUND",
        )
        assert (await fan.patch(f"/articles/{slug}", {"links_allowed": True})).status == 200
        linked = (await other.post("/commissions", wanted)).data["order_id"]
        second = await fan.post("/commissions", wanted)
        assert second.refused() == (409, "ORDER_INVALID_STATE")
        assert second.body["details"]["article_id"] == article_id
        await until(other, linked, "QUALITY_CHECK")
        await Inbox(platform, other).email_about("Your backlink is integrated")
        await publish(other, admin, linked)
        content = (await fan.get(f"/articles/{slug}")).data["content"]
        assert content.count(f'href="{BACKLINK["target_url"]}"') == 1


class TestDecisions:
    async def test_only_the_customer_and_admins_decide_and_admins_are_recorded(
        self, *, fan: UserClient, admin: UserClient, new_fan: MakeFan, concert: Concert
    ) -> None:
        order_id = (await order_text(fan, concert.event_id)).data["order_id"]
        await until(fan, order_id, "QUALITY_CHECK")
        stranger, path = await new_fan(), f"/commissions/{order_id}"
        revision = {"revision_notes": "Mine now"}
        assert (await stranger.post(f"{path}/revisions", revision)).refused() == (403, "FORBIDDEN")
        assert (await stranger.post(f"{path}/submit")).refused() == (403, "FORBIDDEN")
        assert (await stranger.get(path)).status in {403, 404}
        # Not submitted yet: an approval leads back to the wait, and may be repeated with its key.
        approve = f"/admin{path}/approve"
        assert (await admin.post(approve, key="yes")).refused() == (409, "ORDER_INVALID_STATE")
        assert (await admin.post(f"/admin{path}/retry")).refused() == (409, "ORDER_INVALID_STATE")
        for _ in range(2):
            assert (await fan.post(f"{path}/submit", key="done")).data["status"] == "ADMIN_REVIEW"
        assert (await fan.post(f"{path}/revisions", revision)).refused() == (409, "ORDER_INVALID_STATE")
        assert (await admin.post(approve, {"version_number": 2})).refused() == (409, "ORDER_INVALID_STATE")
        approved = await admin.post(approve, {"version_number": 1}, key="yes")
        assert (approved.status, approved.data["status"]) == (200, "COMPLETED")
        assert (await admin.post(approve, {"version_number": 1}, key="yes")).data == approved.data
        refund = await admin.post(f"/admin{path}/refund", {"reason": "Late"})
        assert refund.refused() == (409, "ORDER_INVALID_STATE")
        trail = (await admin.get("/admin/audit", object=order_id)).data
        assert [(each["action"], each["outcome"]) for each in trail] == [
            ("commission.refund", "REFUSED"),
            ("commission.approve", "DONE"),
            ("commission.approve", "DONE"),
            ("commission.approve", "REFUSED"),
            ("commission.retry", "REFUSED"),
            ("commission.approve", "REFUSED"),
        ]
