"""Webhooks of the supplier of digital goods (Kinguin-style)."""

import hashlib
from typing import Final

from pydantic import AliasChoices, ConfigDict, Field, SecretStr, ValidationError

from orchestrator.clients.users.payments import Provider, ProviderReport
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.features.payments.adapters.provider_models import Label, ProviderModel
from orchestrator.features.payments.adapters.signatures import is_signed
from orchestrator.features.payments.errors import SignatureInvalid, WebhookUnreadable


class _Notice(ProviderModel):
    model_config = ConfigDict(validate_by_name=True)

    event_id: Label | None = Field(None, validation_alias=AliasChoices("event_id", "eventId", "id"))
    event_type: Label = Field("unknown", validation_alias=AliasChoices("event_type", "eventType", "type", "event"))


class SupplierWebhooks:
    """Verifies and parses the supplier's notices, signed by HMAC-SHA256 over the body."""

    provider: Final = Provider.KINGUIN
    signature_header: Final = "X-Kinguin-Signature"

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def verify(self, body: bytes, signature: str) -> VerifiedWebhook:
        if not is_signed(body, signature, secret=self._secret, digest="sha256"):
            raise SignatureInvalid
        notice = _notice_of(body)
        # A notice without an id is identified by its content.
        external_id = notice.event_id or f"sha256:{hashlib.sha256(body).hexdigest()}"
        return VerifiedWebhook(external_id=external_id, event_type=notice.event_type)

    def read_report(self, body: bytes) -> ProviderReport | None:
        _notice_of(body)
        return None  # the supplier reports no payments of fans


def _notice_of(body: bytes) -> _Notice:
    try:
        return _Notice.model_validate_json(body)
    except ValidationError as error:
        raise WebhookUnreadable(problems=error.error_count()) from error
