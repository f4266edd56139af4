"""What admins see live of digital goods (F5): every order's moves, incoming webhooks, and the ends of fulfilment jobs."""

from typing import Any, Final

from common.messaging.message import Message

__all__ = ["GOODS", "admin_facts"]

GOODS: Final = "fulfillment."
JOB_KIND: Final = "fulfillment"
_JOBS: Final = {"job.completed": "job_completed", "job.failed": "job_failed"}
_USERS_ID: Final = "user_id"


def admin_facts(message: Message) -> tuple[str, dict[str, Any]] | None:
    """Return the type and the data of the entry that a message adds to the admins' feed. No entry has a user's id."""
    data = message.data
    if message.type.startswith(GOODS):
        return message.type, {name: value for name, value in data.items() if name != _USERS_ID}
    if message.type == "webhook.received":
        return "webhook_received", data
    if message.type in _JOBS and data.get("kind") == JOB_KIND:
        facts = {name: data.get(name) for name in ("job_id", "kind", "duration_seconds")}
        error = {"error": data["error"]} if data.get("error") else {}
        return _JOBS[message.type], facts | {"order_id": data.get("lane")} | error
    return None
