"""Every answer in docs/commissions.md is the platform's."""

from typing import Any, Final

from devstack.home import ROOT
from tests.e2e.conftest import MakeFan
from tests.e2e.example_page import ExamplePage
from tests.e2e.user_client import Concert, UserClient

PAGE: Final = ROOT / "docs/commissions.md"
FEWEST_EXAMPLES: Final = 10
EVENT_ID: Final = "11111111-1111-4111-8111-111111111111"
SPONSOR_ID: Final = "22222222-2222-4222-8222-222222222222"
# A text differs from order to order, and so does what is measured of it.
MADE_ANEW: Final[dict[str, Any]] = {
    "title": "Jazz at the Bay: a warm night by the water",
    "content": "<p>The doors open at …</p>",
    "changes": "--- version 1\n+++ version 2\n…",
    "slug": "jazz-at-the-bay-a-warm-night-by-the-water",
    "article_url": "/api/articles/jazz-at-the-bay-a-warm-night-by-the-water",
    "checkout_url": "https://checkout.stripe.com/c/pay/cs_a1b2",
    "estimated_time": "1-2 minutes",
    "words": 412,
    "readability": 62.5,
    "likeness": 0.31,
    # The platform's statistics are those of all tests.
    "orders": {"COMPLETED": 49, "PROCESSING": 2, "REFUNDED": 1},
    "revisions_per_order": 1.5,
    "success_rate": 0.98,
    "median_seconds_to_first_version": 3.2,
    "p95_seconds_to_first_version": 9.5,
    "median_seconds_to_publication": 5400.0,
    "p95_seconds_to_publication": 86400.0,
    "failed_kept": 0,
    "completed": 49,
    "failed": 1,
    "cancelled": 0,
    "average_seconds": 2.1,
    "p95_seconds": 4.0,
    "completed_per_minute": 0.01,
}


async def test_every_answer_on_the_page_is_the_platforms(
    anonymous: UserClient, admin: UserClient, new_fan: MakeFan, concert: Concert
) -> None:
    sponsor = await new_fan(balance="100.00")
    page = ExamplePage(
        path=PAGE,
        callers={"anonymous": anonymous, "sponsor": sponsor, "admin": admin},
        ids={EVENT_ID: concert.event_id, SPONSOR_ID: sponsor.user_id},
        made_anew=MADE_ANEW,
    )
    assert await page.check() >= FEWEST_EXAMPLES
