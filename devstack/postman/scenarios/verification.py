"""Check-in: staff scan tickets."""

from typing import Final

from devstack.postman.scenarios.common import buy, log_in, scan, show_hall, show_qr_code, sign_up
from devstack.postman.steps import Scenario, Step

VERIFICATION: Final = Scenario(
    name="Verification",
    description="A visitor's ticket is admitted once, and a forged one never.",
    steps=[
        *sign_up("visitor", phone="+6586", credits_="1000.00"),
        *buy("visitor"),
        show_qr_code("visitor"),
        show_hall(),
        log_in("staff"),
        scan("The visitor is admitted", "SUCCESS"),
        scan("The second scan is a duplicate", "DUPLICATE"),
        Step(
            name="A forged QR code is not admitted",
            path="/api/verify",
            user="staff",
            body={"qr_payload": "forged", "hall_id": "{{hall_id}}"},
            status=400,
            expected={"success": False, "error_code": "QR_INVALID"},
        ),
    ],
)
