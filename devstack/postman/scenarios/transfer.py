"""A transfer of a ticket: both confirm with a code, and only the new owner is admitted."""

from typing import Final

from devstack.postman.scenarios.common import buy, log_in, show_balance, sign_up
from devstack.postman.scripts import Variable
from devstack.postman.steps import Scenario, Step

__all__ = ["TRANSFER"]

CREDITS: Final = "1000.00"
AMOUNT: Final = "100.00"
SELLER_LEFT: Final = "920.00"
BUYER_LEFT: Final = "900.00"


def _show_code(user: str, *, saved_as: str) -> Step:
    return Step(
        name=f"The {user}'s QR code of the ticket",
        method="GET",
        path="/api/tickets/{{seat_id}}/qr",
        user=user,
        saved={saved_as: "data.qr_payload"},
    )


def _scan(name: str, payload: str, result: str) -> Step:
    return Step(
        name=name,
        path="/api/verify",
        user="staff",
        body={"qr_payload": f"{{{{{payload}}}}}", "hall_id": "{{hall_id}}"},
        expected={"data.result": result, "data.seat_id": Variable("seat_id")},
        present=["data.message"],
    )


TRANSFER_STEPS: Final = (
    Step(
        name="The seller offers the ticket",
        path="/api/transfer/initiate",
        user="seller",
        key="{{order_id}}-offer",
        body={"seat_id": "{{seat_id}}", "buyer_user_id": "{{buyer_id}}", "credits_amount": AMOUNT},
        status=201,
        expected={"data.status": "PENDING_OTP"},
        saved={"transfer_id": "data.transfer_id"},
    ),
    Step(
        name="The seller confirms with a code",
        path="/api/transfer/confirm",
        user="seller",
        body={"transfer_id": "{{transfer_id}}", "otp_code": "{{otp_code}}"},
        expected={"data.status": "PENDING_OTP", "data.waiting_for": ["buyer"]},
    ),
    Step(
        name="The buyer confirms with a code",
        path="/api/transfer/confirm",
        user="buyer",
        body={"transfer_id": "{{transfer_id}}", "otp_code": "{{otp_code}}"},
        expected={
            "data.status": "COMPLETED",
            "data.new_owner_user_id": Variable("buyer_id"),
            "data.credits_transferred": AMOUNT,
        },
    ),
    show_balance("seller", SELLER_LEFT),
    show_balance("buyer", BUYER_LEFT),
    Step(
        name="The seller no longer gets a QR code",
        method="GET",
        path="/api/tickets/{{seat_id}}/qr",
        user="seller",
        status=403,
        expected={"success": False, "error_code": "NOT_SEAT_OWNER"},
    ),
)
CHECK_IN: Final = (
    Step(
        name="The event's hall",
        method="GET",
        path="/api/events/{{event_id}}",
        query={"include_seats": "false"},
        saved={"hall_id": "data.hall_id"},
    ),
    log_in("staff"),
    _scan("The seller's old QR code is not admitted", "old_qr_payload", "NOT_OWNER"),
    _scan("The buyer is admitted", "qr_payload", "SUCCESS"),
    _scan("The second scan is a duplicate", "qr_payload", "DUPLICATE"),
)

TRANSFER: Final = Scenario(
    name="Scenario: transfer",
    description="A seller transfers a ticket to a buyer for credits. The old QR code is then invalid.",
    steps=[
        *sign_up("seller", phone="+6582", credits_=CREDITS),
        *sign_up("buyer", phone="+6583", credits_=CREDITS),
        *buy("seller"),
        _show_code("seller", saved_as="old_qr_payload"),
        *TRANSFER_STEPS,
        _show_code("buyer", saved_as="qr_payload"),
        *CHECK_IN,
    ],
)
