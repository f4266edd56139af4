"""A performer's client. The seed data contains the account, a tip grid and menus."""

from typing import Any, Final

from devstack.demo.staff_client import StaffClient

PERFORMER: Final = "performer@example.com"


class PerformerClient(StaffClient):
    @property
    def performer_id(self) -> str:
        return str(self.get_object("/performer/profile")["performer_id"])

    def set_paused(self, *, is_paused: bool) -> None:
        """Pause the queue, or resume it."""
        self.post(f"/performance-queue/{'pause' if is_paused else 'resume'}", {})

    def queue(self) -> list[dict[str, Any]]:
        """Return the items in progress, then those that wait, in order."""
        items: list[dict[str, Any]] = self.get("/performance-queue")["items"]
        return items

    def act(self, item_id: str, act: str, **body: str) -> str:
        """Start, complete or decline an item, and return its status."""
        return str(self.post(f"/performance-queue/{item_id}/{act}", body)["status"])
