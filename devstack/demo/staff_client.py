"""The venue's users: an admin, and staff who scan tickets. The seed data contains their accounts."""

from typing import Any, Final

from devstack.demo.api_client import ApiClient
from devstack.seed import PASSWORD

ADMIN: Final = "admin@example.com"
STAFF: Final = "staff@example.com"


class StaffClient(ApiClient):
    """An admin or a staff member."""

    def log_in(self, email: str) -> None:
        self.sign_in(self.post("/auth/login", {"email": email, "password": PASSWORD})["access_token"])

    def flag(self, user_id: str) -> None:
        """Require a code for each payment of the user."""
        self.patch(f"/admin/users/{user_id}", {"is_flagged": True})

    def scan(self, qr_payload: str, *, hall_id: str) -> dict[str, Any]:
        """Return the scan's result."""
        return self.post("/verify", {"qr_payload": qr_payload, "hall_id": hall_id})
