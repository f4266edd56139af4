"""Checks passwords, without revealing to a caller whether an account exists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from common.addresses import network_of
from users.accounts.errors import WrongCredentials, WrongPassword
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
        """Return the account with that email address and password. Of several, none of which has proven it, the first.

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
        user = await self._find(await self.accounts.by_login(email), password)
        if user is None:
            await self.limits.count([account, network])
            raise WrongCredentials
        await self.limits.check([account, network])
        await self.limits.reset(account)
        return user

    async def confirm(self, user: User, *, password: str) -> None:
        """Check the password of a user who is logged in and changes the account.

        Failures are counted apart from those of logins: a stolen access token must not keep its owner out.

        Raises:
            WrongPassword.
            TooManyRequests: too many failures.
            Unavailable: too many passwords are being checked.
        """
        tried = Tried(replace(self.failures.per_account, scope="password-confirmation"), str(user.user_id))
        await self.limits.check([tried])
        if not await self.passwords.matches(password, stored_hash=user.password_hash):
            await self.limits.count([tried])
            raise WrongPassword
        await self.limits.reset(tried)

    async def forget_failures(self, email: str) -> None:
        """Reset the count of an account whose owner has proven the address and set a new password."""
        account, _ = self.failures.tried(email=email, address="")
        await self.limits.reset(account)

    async def _find(self, candidates: Sequence[User], password: str) -> User | None:
        """Return the first with that password. Without candidates the usual time passes, too."""
        for user in candidates:
            if await self.passwords.matches(password, stored_hash=user.password_hash):
                return user
        if not candidates:
            await self.passwords.matches(password, stored_hash=None)
        return None
