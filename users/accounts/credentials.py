"""Checks passwords, without revealing to a caller whether an account exists."""

from dataclasses import dataclass

from common.addresses import network_of
from users.accounts.errors import WrongCredentials
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository, User
from users.limits.service import AttemptLimits, Limit, Tried


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """The limits on wrong passwords in a window, per account and per network address."""

    per_account: Limit
    per_address: Limit

    def tried(self, *, email: str, address: str) -> tuple[Tried, Tried]:
        return Tried(self.per_account, email), Tried(self.per_address, network_of(address))


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    accounts: AccountRepository
    passwords: Passwords
    limits: AttemptLimits
    failures: FailureLimits

    async def check(self, *, email: str, password: str, address: str) -> User:
        """Return the account with that email address and password.

        Only failures count, so that frequent logins are not refused. A failure is counted before it is answered, and
        the limit is checked again before a success is answered: of a burst of guesses, no more than the limit get an
        answer.

        Args:
            address: the caller's network address.

        Raises:
            WrongCredentials: wrong password, or no such account; neither the answer nor its time tells which.
            TooManyRequests: too many failures, for this account or from this address.
            Unavailable: too many passwords are being checked.
        """
        account, network = self.failures.tried(email=email, address=address)
        await self.limits.check([account, network])
        user = await self.accounts.by_email(email)
        is_right = await self.passwords.matches(password, stored_hash=user.password_hash if user else None)
        if user is None or not is_right:
            await self.limits.count([account, network])
            raise WrongCredentials
        await self.limits.check([account, network])
        await self.limits.reset(account)
        await self._renew_hash(user, password)
        return user

    async def _renew_hash(self, user: User, password: str) -> None:
        renewed = await self.passwords.renewed(password, stored_hash=user.password_hash)
        if renewed is not None:
            await self.accounts.replace_password_hash(user.user_id, old=user.password_hash, new=renewed)
