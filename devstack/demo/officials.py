"""Those who work for the venue: an admin, and staff at the door. Their accounts are seeded."""

from typing import Any, Final

from devstack.demo.caller import Caller
from devstack.seed import PASSWORD

__all__ = ["ADMIN", "STAFF", "Official"]

ADMIN: Final = "admin@example.com"
STAFF: Final = "staff@example.com"


class Official(Caller):
    def log_in(self, email: str) -> None:
        self.sign_in(self.post("/auth/login", {"email": email, "password": PASSWORD})["access_token"])

    def flag(self, user_id: str) -> None:
        """Call for a code at each of the user's payments."""
        self.patch(f"/admin/users/{user_id}", {"is_flagged": True})

    def scan(self, qr_payload: str, *, hall_id: str) -> dict[str, Any]:
        """Return what the scanner shows."""
        return self.post("/verify", {"qr_payload": qr_payload, "hall_id": hall_id})
