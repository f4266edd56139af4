"""Envelope encryption: each object has a data key of its own, wrapped by a key-encryption key (KEK) that can be rotated.

Envelope: magic and version (4 bytes) ∥ length of the KEK's id (1) ∥ id ∥ nonce (12) ∥ wrapped data key (48) ∥ nonce (12) ∥
ciphertext and tag. Both ciphers are AES-256-GCM. What precedes the wrapped key is authenticated with it; magic and context
are authenticated with the content, so an envelope cannot be opened in place of another.
"""

import os
from collections.abc import Mapping
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.errors import Internal
from common.settings import AES_KEY_BYTES, SealingSettings, key_encryption_keys

__all__ = ["SealBroken", "Sealer", "is_sealed"]

MAGIC: Final = b"SEL\x01"
NONCE_BYTES: Final = 12  # NIST SP 800-38D §8.2
WRAPPED_BYTES: Final = AES_KEY_BYTES + 16  # and GCM's tag


class SealBroken(Internal):
    """The envelope was tampered with, belongs to another context, or its key is retired."""

    public_message = "Stored data cannot be decrypted."


def is_sealed(stored: bytes) -> bool:
    return stored.startswith(MAGIC)


class Sealer:
    """Seals under the first key, and opens what any key has sealed.

    Args:
        keys: 32 bytes each, by id, the current one first. Rewrap everything before a key is dropped.

    Raises:
        ValueError: there is no key, or one has another length.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {_encoded(key_id): AESGCM(_checked(key)) for key_id, key in keys.items()}
        if not self._ciphers:
            raise ValueError("A sealer needs a key.")
        self._current = next(iter(self._ciphers))

    @classmethod
    def of(cls, settings: SealingSettings) -> Self:
        return cls(key_encryption_keys(settings.key_encryption_keys))

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Return an envelope that opens in the same context only."""
        data_key = AESGCM.generate_key(AES_KEY_BYTES * 8)
        nonce = os.urandom(NONCE_BYTES)
        content = AESGCM(data_key).encrypt(nonce, plaintext, MAGIC + context.encode())
        return self._wrap(data_key) + nonce + content

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Return the content.

        Raises:
            SealBroken.
        """
        data_key, rest = self._unwrap(sealed)
        try:
            return AESGCM(data_key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], MAGIC + context.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error

    def rewrap(self, sealed: bytes) -> bytes | None:
        """Return the envelope with its data key under the current key; None if it is that already.

        Raises:
            SealBroken.
        """
        if sealed.startswith(MAGIC + self._current):
            return None
        data_key, rest = self._unwrap(sealed)
        return self._wrap(data_key) + rest

    def _wrap(self, data_key: bytes) -> bytes:
        header = MAGIC + self._current
        nonce = os.urandom(NONCE_BYTES)
        return header + nonce + self._ciphers[self._current].encrypt(nonce, data_key, header)

    def _unwrap(self, sealed: bytes) -> tuple[bytes, bytes]:
        """Return the data key, and the rest of the envelope: nonce and ciphertext."""
        start = len(MAGIC)
        end = start + 1 + sealed[start] if is_sealed(sealed) and len(sealed) > start else 0
        cipher = self._ciphers.get(sealed[start:end])
        if cipher is None:
            raise SealBroken(key_id=sealed[start + 1 : end].decode(errors="replace"))
        nonce, wrapped = end + NONCE_BYTES, end + NONCE_BYTES + WRAPPED_BYTES
        try:
            return cipher.decrypt(sealed[end:nonce], sealed[nonce:wrapped], sealed[:end]), sealed[wrapped:]
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error


def _encoded(key_id: str) -> bytes:
    """Return a key's id with its length before it, as it stands in envelopes."""
    encoded = key_id.encode()
    return bytes([len(encoded)]) + encoded


def _checked(key: bytes) -> bytes:
    if len(key) != AES_KEY_BYTES:
        raise ValueError(f"A key-encryption key has {AES_KEY_BYTES} bytes.")
    return key
