"""Every answer in docs/digital-goods.md is the platform's."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from devstack.home import ROOT
from tests.e2e.conftest import MakeFan, Providers
from tests.e2e.digital_orders import PRODUCT_ID
from tests.e2e.example_page import ExamplePage
from tests.e2e.user_client import UserClient

PAGE: Final = ROOT / "docs/digital-goods.md"
FEWEST_EXAMPLES: Final = 10
MADE_ANEW: Final[dict[str, Any]] = {
    "code": "D59522-DFB213-B450E5",
    "url": "https://shop.example/api/downloads/eyJhbGciOi…",
    "reservation_id": "R-1a2b3c4d5e6f7081",
    "pay_address": "bc1qexample0000000000000000000000000000000",
    "pay_amount": "0.00046154",
    # Reservations are those of all tests.
    "pagination": {"page": 1, "per_page": 1, "total": 1, "total_pages": 1},
}


@pytest.fixture
async def prompt_supplier(providers: Providers) -> AsyncIterator[None]:
    """Deliver whatever is reserved meanwhile."""
    await providers("/supplier-automatic", notice={"status": "delivered"})
    yield
    await providers("/supplier-automatic", notice=None)


@pytest.mark.usefixtures("prompt_supplier")
async def test_every_answer_on_the_page_is_the_platforms(
    anonymous: UserClient, admin: UserClient, new_fan: MakeFan
) -> None:
    page = ExamplePage(
        path=PAGE,
        callers={"anonymous": anonymous, "fan": await new_fan(balance="50.00"), "admin": admin},
        ids={PRODUCT_ID: PRODUCT_ID},
        made_anew=MADE_ANEW,
    )
    assert await page.check() >= FEWEST_EXAMPLES
