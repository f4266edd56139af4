"""Commissions through the gateway, from the order to the published article or the refund."""

import re
from typing import Final

import httpx
import pytest

from devstack.stack import Stack
from tests.e2e.commissions import ARTICLE, ARTICLE_PRICE, REFUSED_KEYWORD, order_text, publish, revise, status_of, until
from tests.e2e.conftest import MakeFan
from tests.e2e.performer import change
from tests.e2e.test_notifications import Inbox
from tests.e2e.user_client import Concert, UserClient
from tests.support.http_client import http_client
from tests.support.waiting import eventually

LIVELIER: Final = "Please make the introduction more engaging."
MORE_ABOUT_THE_VENUE: Final = "Please say more about the venue."


async def open_link(platform: Stack, email: dict[str, str], path: str) -> httpx.Response:
    """Open the link to a page that an email has, as its reader does."""
    links = re.findall(rf'href="({re.escape(platform.urls.gateway)}{path}[^"]*)"', email["html"])
    assert links, email["text"]
    async with http_client(platform.urls.gateway) as http:
        return await http.get(links[0])


async def test_sponsor_gets_an_article_revised_reviewed_and_published(
    *, platform: Stack, admin: UserClient, anonymous: UserClient, new_fan: MakeFan, concert: Concert
) -> None:
    sponsor = await new_fan(balance="100.00")
    inbox = Inbox(platform, sponsor)

    ordered = await order_text(sponsor, concert.event_id, key="tea")
    assert (ordered.status, ordered.data["status"]) == (201, "PROCESSING")
    order_id = str(ordered.data["order_id"])
    assert (await order_text(sponsor, concert.event_id, key="tea")).data["order_id"] == order_id
    assert await sponsor.balance() == "60.00"
    [job] = (await status_of(sponsor, order_id))["queue"]["jobs"]
    assert job["type"] == "commission"
    received = await inbox.email_about("We have your request for an article")
    assert (await open_link(platform, received, f"/order-status/{order_id}")).status_code == 200

    first = await until(sponsor, order_id, "QUALITY_CHECK", number=1)
    assert first["progress"] | {"description": ""} == {"step": 5, "total": 5, "description": ""}
    assert (first["can_request_revision"], first["can_submit_for_review"]) == (True, True)
    assert (first["version"]["qc_status"], first["queue"]["has_active_job"]) == ("passed", False)
    content = first["version"]["content"]
    assert content.count("<a ") == 1
    assert ARTICLE["target_url"] in content
    assert "family evening" in content.lower()
    ready = await inbox.email_about(f"Your article is ready: {first['version']['title']}")
    assert (await open_link(platform, ready, f"/order-status/{order_id}")).status_code == 200

    second = await revise(sponsor, order_id, LIVELIER, number=2)
    assert second["version"]["content"] != content
    assert second["versions"][1]["changes"]
    await inbox.email_about("Your revision is ready")

    assert (await sponsor.post(f"/commissions/{order_id}/submit")).status == 200
    refused = await sponsor.post(f"/commissions/{order_id}/revisions", {"revision_notes": LIVELIER})
    assert refused.refused() == (409, "ORDER_INVALID_STATE")
    waiting = (await admin.get("/admin/commissions", status="ADMIN_REVIEW")).data
    assert order_id in {order["order_id"] for order in waiting}
    notes = {"notes": "Please mention when the doors open."}
    assert (await admin.post(f"/admin/commissions/{order_id}/send-back", notes)).status == 200
    assert (await until(sponsor, order_id, "QUALITY_CHECK"))["review_notes"] == notes["notes"]
    assert notes["notes"] in (await inbox.email_about("Please look at your text again"))["text"]

    third = await revise(sponsor, order_id, MORE_ABOUT_THE_VENUE, number=3)
    assert [version["notes"] for version in third["versions"]] == ["", LIVELIER, MORE_ABOUT_THE_VENUE]

    slug = (await publish(sponsor, admin, order_id))["slug"]
    article = (await anonymous.get(f"/articles/{slug}")).data
    assert article["content"] == third["version"]["content"]

    async def is_on_its_event() -> bool:  # within the seconds for which the orchestrator remembers an event
        event = (await anonymous.get(f"/events/{concert.event_id}")).data
        return {"slug": slug, "title": article["title"]} in event["articles"]

    await eventually(is_on_its_event)
    published = await inbox.email_about("Your article is published")
    assert (await open_link(platform, published, f"/order-status/{order_id}")).status_code == 200
    assert f"{platform.urls.gateway}/articles/{slug}" in published["text"]
    refund = await admin.post(f"/admin/commissions/{order_id}/refund", {"reason": "Too late"})
    assert refund.refused() == (409, "ORDER_INVALID_STATE")
    assert await sponsor.balance() == "60.00"


async def test_sponsor_without_credits_pays_at_the_checkout(
    platform: Stack, new_fan: MakeFan, concert: Concert
) -> None:
    sponsor = await new_fan(balance="0")
    ordered = await order_text(sponsor, concert.event_id, pay_with="stripe")
    assert (ordered.status, ordered.data["status"]) == (201, "AWAITING_PAYMENT")
    order_id = ordered.data["order_id"]
    checkout = ordered.data["checkout_url"]
    session_id = checkout.rstrip("/").rpartition("/")[2]
    found = (await sponsor.get(f"/commissions/by-checkout/{session_id}")).data
    assert (found["order_id"], found["checkout_url"]) == (order_id, checkout)
    async with http_client(platform.urls.sandbox) as sandbox:
        paid = await sandbox.post(f"/control/stripe/checkout/{session_id}/pay")
        assert paid.is_success, paid.text
    ready = await until(sponsor, order_id, "QUALITY_CHECK")
    assert "checkout_url" not in ready
    assert await sponsor.balance() == "0.00"


async def test_admin_refunds_an_order_and_nobody_publishes_it_then(
    platform: Stack, admin: UserClient, new_fan: MakeFan, concert: Concert
) -> None:
    sponsor = await new_fan(balance=ARTICLE_PRICE)
    order_id = (await order_text(sponsor, concert.event_id)).data["order_id"]
    await until(sponsor, order_id, "QUALITY_CHECK")
    assert (await sponsor.post(f"/commissions/{order_id}/submit")).status == 200
    reason = {"reason": "The sponsor has withdrawn."}
    other_id = (await order_text(await new_fan(), concert.event_id)).data["order_id"]
    for _ in range(2):
        refunded = await admin.post(f"/admin/commissions/{order_id}/refund", reason, key="refund")
        assert (refunded.status, refunded.data["status"]) == (200, "REFUNDED")
    reused = await admin.post(f"/admin/commissions/{other_id}/refund", reason, key="refund")
    assert reused.refused() == (422, "IDEMPOTENCY_KEY_REUSED")
    await until(sponsor, order_id, "REFUNDED")
    assert await sponsor.balance() == ARTICLE_PRICE
    await Inbox(platform, sponsor).email_about("Your order for an article is refunded")
    approved = await admin.post(f"/admin/commissions/{order_id}/approve")
    assert approved.refused() == (409, "ORDER_INVALID_STATE")
    stats = (await admin.get("/admin/commissions/stats")).data
    assert stats["orders"]["REFUNDED"] >= 1
    assert stats["success_rate"] < 1
    assert stats["median_seconds_to_first_version"] > 0
    assert (stats["jobs"]["kind"], stats["jobs"]["completed"] > 0) == ("commission", True)


@pytest.fixture
async def sponsor(new_fan: MakeFan) -> UserClient:
    return await new_fan(balance=ARTICLE_PRICE)


@pytest.fixture
async def failed_order_id(sponsor: UserClient, concert: Concert) -> str:
    """An order whose text does not pass the checks. Its credits stay in escrow."""
    order_id = str((await order_text(sponsor, concert.event_id, keywords=[REFUSED_KEYWORD])).data["order_id"])
    failed = await until(sponsor, order_id, "FAILED")
    assert failed["failure"]["code"] == "TEXT_REFUSED"
    assert await sponsor.balance() == "0.00"
    return order_id


async def test_failed_order_is_retried_by_an_admin(
    platform: Stack, admin: UserClient, sponsor: UserClient, failed_order_id: str
) -> None:
    email = await Inbox(platform, sponsor).email_about("Your article could not be written yet")
    assert "did not pass the quality checks" in email["text"]
    assert "escrow" in email["text"]
    await change(platform, "orders", "UPDATE commissions SET keywords = '{}' WHERE order_id = $1", failed_order_id)
    assert (await admin.post(f"/admin/commissions/{failed_order_id}/retry")).status == 200
    await until(sponsor, failed_order_id, "QUALITY_CHECK", number=1)
    assert await sponsor.balance() == "0.00"


async def test_failed_order_that_nobody_retries_is_refunded(
    platform: Stack, sponsor: UserClient, failed_order_id: str
) -> None:
    age = "UPDATE commissions SET failed_at = failed_at - interval '73 hours', status_at = status_at - interval '73 hours' WHERE order_id = $1"
    await change(platform, "orders", age, failed_order_id)
    await until(sponsor, failed_order_id, "REFUNDED")
    email = await Inbox(platform, sponsor).email_about("Your order for an article is refunded")
    assert "The text did not pass the quality checks." in email["text"]
    assert "escrow" not in email["text"]

    async def is_back() -> bool:
        return await sponsor.balance() == ARTICLE_PRICE

    await eventually(is_back)
