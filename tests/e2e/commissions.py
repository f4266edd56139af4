"""Sponsors who order texts about a concert, and what becomes of their orders."""

from typing import Any, Final

from tests.e2e.user_client import ApiResponse, UserClient
from tests.support.waiting import eventually

ARTICLE_PRICE: Final = "40.00"
ARTICLE: Final = {
    "type": "ARTICLE",
    "brief": "An evening out for families: the concert, and a cup of tea before it.",
    "keywords": ["family evening"],
    "target_url": "https://tea.example/menu",
    "anchor_text": "a pot of jasmine tea",
    "pay_with": "credits",
}
REFUSED_KEYWORD: Final = "click here"
"""No text with these words passes the checks, so an order that demands them fails."""


async def order_text(sponsor: UserClient, event_id: str, *, key: str | None = None, **changes: Any) -> ApiResponse:
    return await sponsor.post("/commissions", ARTICLE | {"event_id": event_id} | changes, key=key)


async def status_of(user: UserClient, order_id: str) -> dict[str, Any]:
    order: dict[str, Any] = (await user.get(f"/commissions/{order_id}")).data
    return order


async def until(user: UserClient, order_id: str, status: str, *, number: int | None = None) -> dict[str, Any]:
    """Wait until an order has this status, and if given this version, and return it."""

    async def look() -> dict[str, Any]:
        order = await status_of(user, order_id)
        assert order["status"] == status, order
        assert number in {None, (order["version"] or {}).get("number")}, order
        # The text is stored a moment before its job has completed.
        assert status != "QUALITY_CHECK" or not order["queue"]["has_active_job"], order
        return order

    return await eventually(look)


async def revise(sponsor: UserClient, order_id: str, notes: str, *, number: int) -> dict[str, Any]:
    """Ask for a revision, and return the order once its version of this number is there."""
    assert (await sponsor.post(f"/commissions/{order_id}/revisions", {"revision_notes": notes})).status == 200
    return await until(sponsor, order_id, "QUALITY_CHECK", number=number)


async def publish(sponsor: UserClient, admin: UserClient, order_id: str) -> dict[str, Any]:
    """Submit and approve an order whose text is ready, and return it once it is published."""
    assert (await sponsor.post(f"/commissions/{order_id}/submit")).status == 200
    assert (await admin.post(f"/admin/commissions/{order_id}/approve")).status == 200
    return await until(sponsor, order_id, "COMPLETED")
