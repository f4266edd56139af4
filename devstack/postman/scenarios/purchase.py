"""From registration to the QR code of a ticket."""

from typing import Final

from devstack.postman.scenarios.common import PRICE, buy, pay, show_balance, sign_up
from devstack.postman.scripts import Variable
from devstack.postman.steps import Scenario, Step

__all__ = ["PURCHASE"]

CREDITS: Final = "1000.00"
LEFT: Final = "820.00"

BROWSE: Final = (
    Step(
        name="Events on sale",
        method="GET",
        path="/api/events",
        query={"per_page": "5"},
        expected={"success": True, "pagination.per_page": 5},
        present=["data[0].event_id"],
    ),
    Step(
        name="The event",
        method="GET",
        path="/api/events/{{event_id}}",
        query={"include_seats": "false"},
        expected={"data.pricing_tiers.CAT3": PRICE},
        present=["data.venue.address"],
    ),
)
TICKET: Final = (
    Step(
        name="The order is confirmed",
        method="GET",
        path="/api/orders/{{order_id}}",
        user="fan",
        expected={"data.status": "CONFIRMED", "data.seats[0].seat_id": Variable("seat_id")},
    ),
    Step(
        name="The fan's tickets",
        method="GET",
        path="/api/tickets",
        user="fan",
        expected={"data[0].seat_id": Variable("seat_id"), "data[0].price_paid": PRICE, "pagination.total": 1},
    ),
    Step(
        name="A new QR code for check-in",
        method="GET",
        path="/api/tickets/{{seat_id}}/qr",
        user="fan",
        present=["data.expires_at"],
        saved={"qr_payload": "data.qr_payload"},
    ),
)

PURCHASE: Final = Scenario(
    name="Scenario: purchase",
    description="A fan registers, gets credits, holds a seat, is charged once even if the payment is repeated, and has a ticket.",
    steps=[
        *sign_up("fan", phone="+6581", credits_=CREDITS),
        *BROWSE,
        *buy("fan"),
        pay("fan", name="The repeated payment charges nothing"),
        show_balance("fan", LEFT),
        *TICKET,
    ],
)
