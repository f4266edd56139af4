"""Registration, verification, profiles, and changes by admins."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from common.auth.principal import Principal, Role
from common.errors import Forbidden
from common.pages import Total
from users.accounts.credentials import Credentials
from users.accounts.errors import EmailAlreadyExists, UserNotFound
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository, NewUser, User
from users.accounts.schemas import AdminChange, UserSearch
from users.registration_codes.service import RegistrationCodeService
from users.sessions.origin import Origin
from users.sessions.schemas import LoggedIn
from users.sessions.service import SessionService

__all__ = ["AccountService"]

REGISTRATION: Final = "registration"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountService:
    """Accounts and their users' data.

    Attributes:
        wake_relay: called when a message was committed to the outbox.
    """

    repository: AccountRepository
    passwords: Passwords
    credentials: Credentials
    codes: RegistrationCodeService
    sessions: SessionService
    wake_relay: Callable[[], None]

    async def register(self, *, email: str, phone: str, password: str, name: str, address: str) -> UUID:
        """Store a user whose phone is not verified, then send a code to it.

        If the code could not be sent, the account stays: while the phone is not verified, registering again with the
        same email address and password sends another code (to the number given now, which that code verifies).

        Args:
            name: the display name; may be empty. The first one given stays.
            address: the caller's network address. If no more codes may be sent for it, no account is opened either.

        Raises:
            EmailAlreadyExists: another account has proven the email address; or the caller's own account has it.
            OtpUnavailable: the code could not be sent; try again.
            TooManyRequests: too many codes were sent.
        """
        await self.codes.check_address(address)
        user_id = uuid.uuid4()
        new = NewUser(
            user_id=user_id,
            email=email,
            phone=phone,
            password_hash=await self.passwords.hash(password),
            roles=[Role.CUSTOMER],
            name=name,
        )
        if not await self.repository.add(new):
            user_id = await self._register_again(new, password=password, address=address)
        await self.codes.send(user_id=user_id, phone=phone, context=REGISTRATION, address=address)
        return user_id

    async def verify_registration(self, *, user_id: UUID, code: str, origin: Origin) -> LoggedIn:
        """Check the code that was sent, log the user in, and have them asked to prove the email address.

        The same code again within ten minutes logs in again: the answer may have been lost.

        Raises:
            UserNotFound, OtpInvalid, OtpExpired, OtpMaxRetries, OtpUnavailable.
            PhoneAlreadyExists: another account has verified the phone. Whether that is so is told to the phone's owner
                only, so registration does not look.
        """
        user = await self.facts(user_id)
        phone = await self.codes.verify(user_id=user_id, code=code, context=REGISTRATION)
        await self.repository.mark_verified(user_id, phone=phone)
        self.wake_relay()
        logged_in = await self.sessions.open(user, origin)
        await self.sessions.ask_to_verify(user)
        return logged_in

    async def profile(self, user_id: UUID, *, asked_by: Principal) -> User:
        """Return a user to themselves or to an admin.

        Raises:
            Forbidden: another user asks; the answer does not tell whether the user exists.
            UserNotFound.
        """
        if not asked_by.may_act_for(user_id):
            raise Forbidden
        return await self.facts(user_id)

    async def facts(self, user_id: UUID) -> User:
        """Return a user.

        Raises:
            UserNotFound.
        """
        user = await self.repository.by_id(user_id)
        if user is None:
            raise UserNotFound
        return user

    async def find(self, email: str) -> User:
        """Return the user who has proven an email address (normalised) to another service.

        Raises:
            UserNotFound.
        """
        user = await self.repository.by_proven_email(email)
        if user is None:
            raise UserNotFound("No user has proven that email address.")
        return user

    async def look_up(self, user_ids: Sequence[UUID]) -> list[User]:
        """Return the users that exist, in no particular order."""
        return await self.repository.by_ids(user_ids)

    async def search(self, search: UserSearch, *, limit: int, offset: int) -> tuple[list[User], Total]:
        """Return a page of the users that match, the newest first, and the number on all pages."""
        return await self.repository.search(search, limit=limit, offset=offset)

    async def change(self, user_id: UUID, change: AdminChange, *, admin_user_id: UUID, address: str) -> User:
        """Flag or suspend a user, set their roles or email address, or assign a hall.

        A suspension ends their sessions, and so does the loss of a role, which their tokens still name.

        Raises:
            UserNotFound.
            EmailAlreadyExists: another account has the address.
            LastAdmin: no admin who can log in would be left.
        """
        if not await self.repository.update(user_id, change, admin_user_id=admin_user_id, address=address):
            raise UserNotFound
        self.wake_relay()
        return await self.facts(user_id)

    async def _register_again(self, new: NewUser, *, password: str, address: str) -> UUID:
        """Return the caller's account that waits for its code, or store a further one that asks for the address.

        So an account that has not proven the address does not keep its owner out.
        """
        known = await self.repository.by_login(new.email)
        if any(user.is_email_verified and user.is_verified for user in known):
            raise EmailAlreadyExists
        own = await self.credentials.find_own(email=new.email, password=password, address=address)
        if own is not None and own.is_verified:
            raise EmailAlreadyExists
        if own is not None:
            return own.user_id
        if not await self.repository.add_claimant(new):
            raise EmailAlreadyExists
        return new.user_id
