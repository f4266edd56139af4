"""Our own links to codes: a signed token names the order, and expires (F4)."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import jwt
from pydantic import SecretStr

from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.digital_goods.errors import LinkExpired, LinkNotFound

__all__ = ["DownloadLink", "DownloadLinks"]

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "download"
PATH: Final = "/api/downloads"


@dataclass(frozen=True, slots=True)
class DownloadLink:
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DownloadLinks:
    key: SecretStr
    lifetime: timedelta
    public_url: str

    @classmethod
    def of(cls, settings: StorageSettings, *, public_url: str) -> Self:
        lifetime = timedelta(seconds=settings.download_link_seconds)
        return cls(settings.download_link_key, lifetime, public_url.rstrip("/"))

    def issue(self, order_id: uuid.UUID) -> DownloadLink:
        """Return a link to an order's codes. Links issued within a fifteenth of the lifetime are equal."""
        now, step = datetime.now(UTC).timestamp(), self.lifetime.total_seconds() / 15
        issued_at = datetime.fromtimestamp(now - now % step, UTC)
        expires_at = issued_at + self.lifetime
        claims = {"aud": AUDIENCE, "sub": str(order_id), "exp": expires_at}
        token = jwt.encode(claims, self.key.get_secret_value(), algorithm=ALGORITHM)
        return DownloadLink(f"{self.public_url}{PATH}/{token}", expires_at)

    def read(self, token: str) -> uuid.UUID:
        """Return the order that a token leads to.

        Raises:
            LinkNotFound: the token is not ours, or was tampered with.
            LinkExpired: OFFER_EXPIRED.
        """
        try:
            claims = jwt.decode(
                token,
                self.key.get_secret_value(),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["aud", "sub", "exp"]},
            )
            return uuid.UUID(claims["sub"])
        except jwt.ExpiredSignatureError as error:
            raise LinkExpired from error
        except (jwt.InvalidTokenError, ValueError, OverflowError) as error:
            raise LinkNotFound from error
