"""Has emails about accounts sent, up to limits, and says what they contain."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from common.addresses import network_of
from common.errors import TooManyRequests
from users.email_links.errors import NothingToSend
from users.email_links.models import Purpose
from users.email_links.repository import LINK_LIFETIME, EmailLinkRepository
from users.email_links.schemas import AccountEmail
from users.email_links.tokens import LinkTokens
from users.limits.service import AttemptLimits, Limit, Tried

__all__ = ["EmailLinkService", "LinkLimits"]

WEEK_SECONDS: Final = 7 * 24 * 3600
ASKED: Final = Limit("email-asked", 1, WEEK_SECONDS)


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """The limits on requested links in a window, per email address and per network address of those who ask.

    They count for unknown email addresses as for known ones. Each purpose is counted apart: anyone may ask for a new
    password, and must not use up the links that prove an address. Those are counted per account and address.
    """

    per_mailbox: Limit
    per_address: Limit

    def resets(self, *, email: str, address: str) -> Sequence[Tried]:
        return Tried(self.per_mailbox, email), Tried(self.per_address, network_of(address))

    def verifications(self, *, user_id: UUID, email: str) -> Tried:
        return Tried(replace(self.per_mailbox, scope=f"{self.per_mailbox.scope}-verification"), f"{user_id} {email}")

    def verifications_from(self, address: str) -> Tried:
        return Tried(replace(self.per_address, scope=f"{self.per_address.scope}-verification"), network_of(address))


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailLinkService:
    """Links by email.

    Attributes:
        wake_relay: called when a message was committed to the outbox.
    """

    repository: EmailLinkRepository
    tokens: LinkTokens
    limits: AttemptLimits
    links: LinkLimits
    wake_relay: Callable[[], None]

    async def request_reset(self, *, email: str, address: str) -> None:
        """Have a link sent that sets a new password. It does the same work whether an account has the address or not.

        Args:
            address: the caller's network address.

        Raises:
            TooManyRequests: too many links were requested for that email address, or from that network.
        """
        await self.limits.count(self.links.resets(email=email, address=address))
        await self._add(Purpose.RESET_PASSWORD, email=email)

    async def request_verification(self, *, user_id: UUID, email: str, address: str) -> None:
        """Have a link sent that proves an address.

        Raises:
            TooManyRequests: too many links were requested for that account and address, or from that network.
        """
        of_address = self.links.verifications(user_id=user_id, email=email)
        await self.limits.count([of_address, self.links.verifications_from(address)])
        await self._add(Purpose.VERIFY_EMAIL, email=email, user_id=user_id)

    async def ask_to_verify(self, *, user_id: UUID, email: str) -> None:
        """Have a user who logs in asked to prove an address, once a week at most."""
        asked = Tried(ASKED, f"{user_id} {email}")
        with suppress(TooManyRequests):
            await self.limits.check([asked])
            await self.limits.count([self.links.verifications(user_id=user_id, email=email)])
            await self._add(Purpose.VERIFY_EMAIL, email=email, user_id=user_id)
            # Counted last: a link that was not requested must not be missed for a week.
            await self.limits.count([asked])

    async def email_to_send(self, link_id: UUID) -> AccountEmail:
        """Return an email that is to be sent now.

        Raises:
            NothingToSend: its link was used or has expired, or no account has its address.
        """
        link = await self.repository.to_send(link_id)
        if link is None:
            raise NothingToSend
        has_token = link.purpose in {Purpose.VERIFY_EMAIL, Purpose.RESET_PASSWORD}
        return AccountEmail(
            purpose=link.purpose,
            address=link.email,
            token=self.tokens.issue(link_id) if has_token else None,
            expires_at=link.created_at + LINK_LIFETIME if has_token else None,
            phone_ending=link.phone_ending,
        )

    async def _add(self, purpose: Purpose, *, email: str, user_id: UUID | None = None) -> None:
        await self.repository.add(purpose, email=email, user_id=user_id)
        self.wake_relay()
