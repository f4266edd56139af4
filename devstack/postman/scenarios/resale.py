"""A resale on the marketplace: the buyer's credits are in escrow until the seller approves."""

from typing import Final

from devstack.postman.scenarios.common import buy, show_balance, sign_up
from devstack.postman.scripts import Variable
from devstack.postman.steps import Scenario, Step

__all__ = ["RESALE"]

CREDITS: Final = "1000.00"
CAP: Final = "216.00"  # 120 % of face value
ABOVE_CAP: Final = "216.01"
ASKING_PRICE: Final = "200.00"
SELLER_BEFORE: Final = "820.00"
SELLER_AFTER: Final = "1020.00"
BUYER_AFTER: Final = "800.00"


def _list(name: str, asking_price: str, *, status: int, expected: dict[str, object], saved: dict[str, str]) -> Step:
    return Step(
        name=name,
        path="/api/marketplace/list",
        user="seller",
        body={"seat_id": "{{seat_id}}", "asking_price": asking_price},
        status=status,
        expected=expected,
        saved=saved,
    )


SALE: Final = (
    _list(
        "The asking price is above the cap",
        ABOVE_CAP,
        status=400,
        expected={"success": False, "error_code": "PRICE_ABOVE_CAP", "details.highest_price": CAP},
        saved={},
    ),
    _list(
        "The seller lists the ticket",
        ASKING_PRICE,
        status=201,
        expected={"data.status": "ACTIVE", "data.asking_price": ASKING_PRICE},
        saved={"listing_id": "data.listing_id"},
    ),
    Step(
        name="The buyer lists the offers",
        method="GET",
        path="/api/marketplace/listings",
        user="buyer",
        query={"event_id": "{{event_id}}"},
        expected={"success": True},
        present=["data[0].listing_id"],
    ),
    Step(
        name="The buyer buys the ticket",
        path="/api/marketplace/buy",
        user="buyer",
        key="{{listing_id}}-buy",
        body={"listing_id": "{{listing_id}}"},
        expected={"data.status": "PENDING_TRANSFER", "data.credits_held": ASKING_PRICE},
        present=["data.expires_at"],
    ),
    show_balance("buyer", BUYER_AFTER),
    show_balance("seller", SELLER_BEFORE),
    Step(
        name="The seller approves with a code",
        path="/api/marketplace/approve",
        user="seller",
        key="{{listing_id}}-approve",
        body={"listing_id": "{{listing_id}}", "otp_code": "{{otp_code}}"},
        expected={
            "data.status": "COMPLETED",
            "data.new_owner_user_id": Variable("buyer_id"),
            "data.credits_received": ASKING_PRICE,
        },
    ),
    show_balance("seller", SELLER_AFTER),
    Step(
        name="The buyer has the ticket",
        method="GET",
        path="/api/tickets",
        user="buyer",
        expected={"data[0].seat_id": Variable("seat_id"), "data[0].price_paid": ASKING_PRICE},
    ),
)

RESALE: Final = Scenario(
    name="Scenario: resale",
    description="A seller lists a ticket, at most at the event's cap; the buyer's credits are in escrow until the seller approves.",
    steps=[
        *sign_up("seller", phone="+6584", credits_=CREDITS),
        *sign_up("buyer", phone="+6585", credits_=CREDITS),
        *buy("seller"),
        *SALE,
    ],
)
