"""The ticket's QR code (T11): AES-256-GCM, a fresh nonce for each code, a key id for rotation.

Payload: base64url of key id (2 bytes) ∥ nonce (12) ∥ ciphertext ∥ tag (16). The key id is also authenticated, as
associated data. The plain text is JSON with seat, user, event, hall and the time of issue.
"""

import base64
import binascii
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AwareDatetime, BaseModel, SecretStr, ValidationError

from orchestrator.errors import QrInvalid
from orchestrator.features.tickets.settings import TicketSettings

__all__ = ["IssuedQr", "QrCodec", "QrTicket"]

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 2
NONCE_BYTES: Final = 12  # NIST SP 800-38D §8.2
LONGEST_PAYLOAD: Final = 2_048


class QrTicket(BaseModel):
    """The content of a QR code. It proves that the platform issued it at that time, not that it still holds."""

    seat_id: uuid.UUID
    user_id: uuid.UUID
    event_id: uuid.UUID
    hall_id: str
    generated_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class IssuedQr:
    payload: str
    generated_at: datetime
    expires_at: datetime
    ttl_seconds: int


class QrCodec:
    """Issues payloads under the first key, and reads those of every key.

    Args:
        keys: ``"k2:base64url,k1:base64url"``, 32 bytes each, the active one first. Drop a key to retire it.
        ttl_seconds: how long a payload is valid.

    Raises:
        ValueError: the keys do not have that form.
    """

    def __init__(self, keys: SecretStr, *, ttl_seconds: int) -> None:
        pairs = [_parse_key(part) for part in keys.get_secret_value().split(",")]
        self._ciphers = {key_id: AESGCM(key) for key_id, key in pairs}
        self._active_key_id = pairs[0][0]
        self.time_to_live = timedelta(seconds=ttl_seconds)

    @classmethod
    def of(cls, settings: TicketSettings) -> Self:
        return cls(settings.qr_keys, ttl_seconds=settings.qr_ttl_seconds)

    def issue(self, *, seat_id: uuid.UUID, user_id: uuid.UUID, event_id: uuid.UUID, hall_id: str) -> IssuedQr:
        """Return a fresh payload, valid from now for the codec's time to live."""
        now = datetime.now(UTC)
        ticket = QrTicket(seat_id=seat_id, user_id=user_id, event_id=event_id, hall_id=hall_id, generated_at=now)
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._active_key_id].encrypt(
            nonce, ticket.model_dump_json().encode(), self._active_key_id
        )
        payload = base64.urlsafe_b64encode(self._active_key_id + nonce + sealed).rstrip(b"=").decode()
        return IssuedQr(payload, now, now + self.time_to_live, round(self.time_to_live.total_seconds()))

    def read(self, payload: str) -> QrTicket:
        """Return the payload's content, however old it is. White space around it, which hardware scanners add, is ignored.

        Raises:
            QrInvalid: the platform did not issue it, it was tampered with, or its key is retired.
        """
        raw = _decode(payload.strip())
        key_id, nonce = raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise QrInvalid(key_id=key_id.hex())
        try:
            plain = cipher.decrypt(nonce, raw[KEY_ID_BYTES + NONCE_BYTES :], key_id)
            return QrTicket.model_validate_json(plain)
        except (InvalidTag, ValidationError, ValueError) as error:
            raise QrInvalid from error


def _parse_key(part: str) -> tuple[bytes, bytes]:
    key_id, _, encoded = part.strip().partition(":")
    key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if len(key_id.encode()) != KEY_ID_BYTES or len(key) != KEY_BYTES:
        raise ValueError(f"QR_KEYS needs two-character ids and {KEY_BYTES}-byte keys: id:base64url,id:base64url")
    return key_id.encode(), key


def _decode(payload: str) -> bytes:
    if len(payload) > LONGEST_PAYLOAD:
        raise QrInvalid
    try:
        return base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise QrInvalid from error
