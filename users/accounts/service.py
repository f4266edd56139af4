"""Registering, verifying, profiles, and what admins change."""

import uuid
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from common.auth.principal import Principal, Role
from common.errors import Forbidden
from users.accounts.credentials import Credentials
from users.accounts.errors import EmailAlreadyExists, UserNotFound, WrongCredentials
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository, Changes, NewUser, User
from users.otp.service import OneTimeCodes
from users.sessions.service import Sessions, TokenPair

__all__ = ["Accounts"]

REGISTRATION: Final = "registration"


class Accounts:
    """People and what is known of them.

    Args:
        on_message: told when a message was committed to the outbox.
    """

    def __init__(
        self,
        *,
        repository: AccountRepository,
        passwords: Passwords,
        credentials: Credentials,
        codes: OneTimeCodes,
        sessions: Sessions,
        on_message: Callable[[], None],
    ) -> None:
        self._repository = repository
        self._passwords = passwords
        self._credentials = credentials
        self._codes = codes
        self._sessions = sessions
        self._on_message = on_message

    async def register(self, *, email: str, phone: str, password: str, name: str, address: str) -> UUID:
        """Store a user whose phone is not verified yet, then send a code to it.

        When no code could be sent nothing is lost: registering again with the same e-mail address and password, while
        the phone is not verified, sends another (to the number given now, which becomes theirs with that code).

        Args:
            name: what to call them; may be empty. The first one given stays.
            address: where the caller is. Who may have no more codes sent from there opens no account either.

        Raises:
            EmailAlreadyExists: the e-mail address is taken.
            OtpUnavailable: the code could not be sent; try again.
            TooManyRequests: too many codes were sent, or too many passwords tried.
        """
        await self._codes.check_address(address)
        user_id = uuid.uuid4()
        new = NewUser(
            user_id=user_id,
            email=email,
            phone=phone,
            password_hash=await self._passwords.hash(password),
            roles=[Role.CUSTOMER],
            name=name,
        )
        if not await self._repository.add(new):
            user_id = await self._resume(email=email, password=password, address=address)
        await self._codes.send(user_id=user_id, phone=phone, context=REGISTRATION, address=address)
        return user_id

    async def verify_registration(self, *, user_id: UUID, code: str) -> tuple[User, TokenPair]:
        """Take the code that was sent, and log the user in.

        Raises:
            UserNotFound, OtpInvalid, OtpExpired, OtpMaxRetries, OtpUnavailable.
        """
        user = await self._existing(user_id)
        phone = await self._codes.verify(user_id=user_id, code=code, context=REGISTRATION)
        await self._repository.mark_verified(user_id, phone=phone)
        self._on_message()
        return await self._sessions.open(user)

    async def profile(self, user_id: UUID, *, asked_by: Principal) -> User:
        """Return a user to themselves or to an admin.

        Raises:
            Forbidden: somebody else asks. Whether the user exists is not told to them.
            UserNotFound.
        """
        if not asked_by.may_act_for(user_id):
            raise Forbidden
        return await self._existing(user_id)

    async def facts(self, user_id: UUID) -> User:
        """Return a user to another service.

        Raises:
            UserNotFound.
        """
        return await self._existing(user_id)

    async def find(self, email: str) -> User:
        """Return the user with an e-mail address (normalised) to another service.

        Raises:
            UserNotFound.
        """
        user = await self._repository.by_email(email)
        if user is None:
            raise UserNotFound
        return user

    async def look_up(self, user_ids: Sequence[UUID]) -> list[User]:
        """Return those that exist, in no particular order."""
        return await self._repository.by_ids(user_ids)

    async def change(self, user_id: UUID, changes: Changes) -> User:
        """Flag a user, set their roles, or give them a hall. Losing a role ends their sessions, whose tokens still name it.

        Raises:
            UserNotFound.
        """
        if not await self._repository.update(user_id, changes):
            raise UserNotFound
        self._on_message()
        return await self._existing(user_id)

    async def _resume(self, *, email: str, password: str, address: str) -> UUID:
        taken_by = await self._repository.by_email(email)
        if taken_by is None or taken_by.is_verified:
            raise EmailAlreadyExists
        try:
            user = await self._credentials.check(email=email, password=password, address=address)
        except WrongCredentials as error:
            raise EmailAlreadyExists from error
        return user.user_id

    async def _existing(self, user_id: UUID) -> User:
        user = await self._repository.by_id(user_id)
        if user is None:
            raise UserNotFound
        return user
