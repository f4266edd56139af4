"""Tokens of links: the link's id and a tag that only this service can make."""

import base64
import binascii
import hashlib
import hmac
from typing import Final
from uuid import UUID

from users.email_links.errors import LinkExpired

__all__ = ["LinkTokens"]

ID_BYTES: Final = 16


class LinkTokens:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, link_id: UUID) -> str:
        return base64.urlsafe_b64encode(link_id.bytes + self._tag(link_id.bytes)).decode()  # 64 characters, unpadded

    def link_id_of(self, token: str) -> UUID:
        """Return the id of the token's link.

        Raises:
            LinkExpired: it is not a token of ours.
        """
        try:
            content = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise LinkExpired from error
        link_id, tag = content[:ID_BYTES], content[ID_BYTES:]
        if not hmac.compare_digest(tag, self._tag(link_id)):
            raise LinkExpired
        return UUID(bytes=link_id)

    def _tag(self, link_id: bytes) -> bytes:
        return hmac.digest(self._key, link_id, hashlib.sha256)
