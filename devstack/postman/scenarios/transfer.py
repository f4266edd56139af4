"""A transfer of a ticket: both confirm with a code, and only the new owner is admitted."""

from typing import Final

from devstack.postman.scenarios.common import buy, log_in, scan, show_balance, show_hall, show_qr_code, sign_up
from devstack.postman.scripts import Variable
from devstack.postman.steps import Scenario, Step

__all__ = ["TRANSFER"]

CREDITS: Final = "1000.00"
AMOUNT: Final = "100.00"
SELLER_LEFT: Final = "920.00"
BUYER_LEFT: Final = "900.00"


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
    show_hall(),
    log_in("staff"),
    scan("The seller's old QR code is not admitted", "NOT_OWNER", payload="old_qr_payload"),
    scan("The buyer is admitted", "SUCCESS"),
    scan("The second scan is a duplicate", "DUPLICATE"),
)

TRANSFER: Final = Scenario(
    name="Scenario: transfer",
    description="A seller transfers a ticket to a buyer for credits. The old QR code is then invalid.",
    steps=[
        *sign_up("seller", phone="+6582", credits_=CREDITS),
        *sign_up("buyer", phone="+6583", credits_=CREDITS),
        *buy("seller"),
        show_qr_code("seller", saved_as="old_qr_payload"),
        *TRANSFER_STEPS,
        show_qr_code("buyer"),
        *CHECK_IN,
    ],
)
