"""Changes that users make to their own accounts."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from common.auth.principal import Principal
from common.errors import TooManyRequests
from users.account_changes.repository import PHONE_CHANGE, AccountChangeRepository, Proof
from users.account_changes.schemas import ChangeProfile
from users.accounts.credentials import Credentials
from users.accounts.passwords import Passwords
from users.accounts.repository import User
from users.accounts.service import AccountService
from users.email_links.errors import LinkExpired
from users.email_links.repository import LINK_LIFETIME
from users.email_links.service import EmailLinkService
from users.email_links.tokens import LinkTokens
from users.limits.service import AttemptLimits, Limit, Tried
from users.one_time_codes.errors import OtpUnavailable
from users.one_time_codes.notification_api import NotificationApi
from users.registration_codes.service import RegistrationCodeService

__all__ = ["AccountChangeService"]

EMAIL_TAKEN: Final = (
    "TicketRemaster: the owner of the email address of your account has proven it, so your account has none now. "
    "Set another in your profile, or ask the organiser to."
)
PHONE_ENDINGS: Final = Limit("reset-phone-ending", 3, int(LINK_LIFETIME.total_seconds()))  # per link
PHONE_REPLACED: Final = "TicketRemaster: your account has another phone now. If it was not you, change your password."


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChangeService:
    """Changes of accounts.

    Attributes:
        wake_relay: called when a message was committed to the outbox.
    """

    repository: AccountChangeRepository
    accounts: AccountService
    credentials: Credentials
    passwords: Passwords
    codes: RegistrationCodeService
    links: EmailLinkService
    tokens: LinkTokens
    limits: AttemptLimits
    provider: NotificationApi
    wake_relay: Callable[[], None]

    async def forgot_password(self, *, email: str, address: str) -> None:
        """Have a link sent that sets a new password; see `EmailLinkService.request_reset`."""
        await self.links.request_reset(email=email, address=address)

    async def reset_password(self, *, token: str, password: str, phone_ending: str | None, address: str) -> None:
        """Set the password of the account with the link's address, and end its sessions. That proves the address.

        Args:
            phone_ending: the last digits of the account's phone, needed if several can log in by the address.

        Raises:
            LinkExpired: the link is forged, used or too old, or no account has the address any more; or three endings
                were tried.
            PhoneEndingRequired: it is missing, or wrong.
            Unavailable: too many passwords are being hashed.
        """
        link_id = self.tokens.link_id_of(token)
        password_hash = await self.passwords.hash(password)
        if phone_ending is not None:
            await self._count_ending(link_id)
        proof = await self.repository.reset_password(link_id, password_hash=password_hash, phone_ending=phone_ending)
        await self.credentials.forget_failures(proof.email, address=address)
        await self._announce(proof)

    async def verify_email(self, *, token: str, password: str | None) -> str:
        """Return the address that the link has proven.

        Args:
            password: of the link's account, needed if other accounts can log in by the address.

        Raises:
            LinkExpired: the link is forged, used or too old, or the account no longer asks for the address.
            EmailAlreadyExists: another account has proven the address.
            WrongPassword, TooManyRequests, Unavailable: see `Credentials.confirm`; or the password is needed.
        """
        link_id, checked_hash = self.tokens.link_id_of(token), None
        if password is not None:
            user = await self.accounts.facts(await self.repository.account_of(link_id))
            await self.credentials.confirm(user, password=password)
            checked_hash = user.password_hash
        proof = await self.repository.verify_email(link_id, checked_hash=checked_hash)
        await self._announce(proof)
        return proof.email

    async def resend_link(self, user_id: UUID, *, address: str) -> None:
        """Send a link to the address that the user has not proven, if there is one.

        Raises:
            TooManyRequests: too many links were requested.
        """
        user = await self.accounts.facts(user_id)
        if email := user.unproven_email:
            await self.links.request_verification(user_id=user_id, email=email, address=address)

    async def change_password(self, caller: Principal, *, current_password: str, new_password: str) -> None:
        """Change the password and end the other sessions.

        Raises:
            WrongPassword, TooManyRequests, Unavailable: see `Credentials.confirm`.
        """
        user = await self.accounts.facts(caller.user_id)
        await self.credentials.confirm(user, password=current_password)
        password_hash = await self.passwords.hash(new_password)
        await self.repository.change_password(user, password_hash=password_hash, except_session_id=caller.session_id)
        self.wake_relay()

    async def change_profile(self, user_id: UUID, change: ChangeProfile, *, address: str) -> User:
        """Change the name; have a link sent to a new email address and a code to a new phone, which count once proven.

        Raises:
            WrongPassword, Unavailable: see `Credentials.confirm`.
            TooManyRequests: too many wrong passwords, links or codes.
            OtpUnavailable: the code could not be sent; the other changes are made.
        """
        user = await self.accounts.facts(user_id)
        if change.needs_password:
            await self.credentials.confirm(user, password=change.current_password or "")
        if change.name is not None:
            await self.repository.rename(user_id, change.name)
        if change.email is not None:
            await self._ask_for_email(user, change.email, address=address)
        if change.phone is not None and change.phone != user.phone:
            await self.codes.send(user_id=user_id, phone=change.phone, context=PHONE_CHANGE, address=address)
        return await self.accounts.facts(user_id)

    async def verify_phone(self, user_id: UUID, *, code: str) -> User:
        """Give the account the phone that the code was sent to.

        Raises:
            OtpInvalid, OtpExpired, OtpMaxRetries, OtpUnavailable.
            PhoneAlreadyExists: another account has verified the phone.
        """
        phone = await self.codes.verify(user_id=user_id, code=code, context=PHONE_CHANGE)
        if old_phone := await self.repository.change_phone(user_id, phone):
            self.wake_relay()
            await self._text(old_phone, PHONE_REPLACED)
        return await self.accounts.facts(user_id)

    async def _ask_for_email(self, user: User, email: str, *, address: str) -> None:
        is_present = email == user.email
        await self.repository.ask_for_email(user.user_id, None if is_present else email)
        if not (is_present and user.is_email_verified):
            await self.links.request_verification(user_id=user.user_id, email=email, address=address)

    async def _announce(self, proof: Proof) -> None:
        self.wake_relay()
        for phone in proof.taken_from_phones:
            await self._text(phone, EMAIL_TAKEN)

    async def _count_ending(self, link_id: UUID) -> None:
        try:
            await self.limits.count([Tried(PHONE_ENDINGS, str(link_id))])
        except TooManyRequests as error:
            raise LinkExpired from error

    async def _text(self, phone: str, text: str) -> None:
        """Send a text message. The change stands without it."""
        with suppress(OtpUnavailable):
            await self.provider.send_sms(mobile=phone, message=text)
