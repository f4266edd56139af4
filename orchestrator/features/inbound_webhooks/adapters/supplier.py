"""Webhooks of the supplier of digital goods (Kinguin-style)."""

import hashlib
from typing import Final

from pydantic import AliasChoices, ConfigDict, Field, SecretStr, ValidationError

from orchestrator.clients.users.payments import Provider, ProviderReport
from orchestrator.features.digital_goods.adapters.interfaces import Reservation, ReservationStatus, SupplierNotice
from orchestrator.features.digital_goods.adapters.supplier import Codes
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.features.payments.adapters.provider_models import Label, ProviderModel
from orchestrator.features.payments.adapters.signatures import is_signed
from orchestrator.features.payments.errors import SignatureInvalid, WebhookUnreadable


class _Notice(ProviderModel):
    # An error that shows its input would put codes into logs.
    model_config = ConfigDict(validate_by_name=True, hide_input_in_errors=True)

    event_id: Label | None = Field(None, validation_alias=AliasChoices("event_id", "eventId", "id"))
    event_type: Label = Field("unknown", validation_alias=AliasChoices("event_type", "eventType", "type", "event"))

    reservation_id: Label | None = Field(
        None, validation_alias=AliasChoices("reservation_id", "reservationId", "order_id", "orderId")
    )
    codes: Codes = ()

    @property
    def status(self) -> ReservationStatus | None:
        """What `order.ready` and the like say; None for another type."""
        _, _, status = self.event_type.rpartition(".")
        return next((known for known in ReservationStatus if known == status), None)


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

    def read_notice(self, body: bytes) -> SupplierNotice | None:
        """Return what a verified webhook says of a reservation; None if its type is unused.

        Raises:
            WebhookUnreadable: it names no reservation, or cannot be parsed.
        """
        notice = _notice_of(body)
        if notice.status is None:
            return None
        if notice.reservation_id is None:
            raise WebhookUnreadable(reason="no reservation_id")
        reservation = Reservation(reservation_id=notice.reservation_id, status=notice.status, codes=notice.codes)
        return SupplierNotice(event_id=notice.event_id or "", reservation=reservation)


def without_codes(body: bytes) -> bytes:
    """Return a webhook without its codes: a replay then asks the supplier for them."""
    try:
        notice = _notice_of(body)
    except WebhookUnreadable:
        return b"{}"
    return notice.model_dump_json(exclude={"codes"}, exclude_none=True).encode()


def _notice_of(body: bytes) -> _Notice:
    try:
        return _Notice.model_validate_json(body)
    except ValidationError as error:
        raise WebhookUnreadable(problems=error.error_count()) from None
