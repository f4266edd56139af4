"""Loads what an email says about a purchase from a performer, a subscription or a payout."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import NotFound
from orchestrator.clients.performers import PerformersClient
from orchestrator.clients.users.directory import DELETED_USER
from orchestrator.features.notifications.models.notifications import PurchaseFacts


@dataclass(frozen=True, slots=True)
class PurchaseLoader:
    performers: PerformersClient

    async def load(self, data: Mapping[str, Any]) -> PurchaseFacts | None:
        """Return what a message tells, with the performer's name and time zone of now; None if it names no performer.

        Raises:
            Unavailable: the events service does not respond.
        """
        if not data.get("performer_id"):
            return None
        told = {name: data[name] for name in PurchaseFacts.model_fields if data.get(name) is not None}
        told["is_refunded"] = data.get("settlement_status") == "refunded"
        try:
            performer = await self.performers.find(uuid.UUID(data["performer_id"]))
        except NotFound:
            return PurchaseFacts(**told | {"performer": DELETED_USER})
        name = performer.display_name or DELETED_USER
        return PurchaseFacts(**told | {"performer": name, "time_zone": performer.time_zone})


def safe_link(data: Mapping[str, Any]) -> str:
    """Return the link to what the performer delivers, if it is an https URL."""
    url = str(data.get("file_url") or "")
    return url if url.startswith("https://") else ""
