"""Whether somebody knows the password of an account, without telling guessers anything."""

from dataclasses import dataclass

from common.addresses import network_of
from users.accounts.errors import WrongCredentials
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository, User
from users.limits.service import AttemptLimits, Limit, Tried

__all__ = ["Credentials", "FailureLimits"]


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """How many wrong passwords an account, and a network address, may have in a window."""

    per_account: Limit
    per_address: Limit

    def tried(self, *, email: str, address: str) -> tuple[Tried, Tried]:
        return Tried(self.per_account, email), Tried(self.per_address, network_of(address))


class Credentials:
    def __init__(
        self,
        *,
        accounts: AccountRepository,
        passwords: Passwords,
        limits: AttemptLimits,
        failures: FailureLimits,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._limits = limits
        self._failures = failures

    async def check(self, *, email: str, password: str, address: str) -> User:
        """Return the account whose password it is.

        Only failures count, so that nobody is refused for logging in often. They are counted before they are
        answered, and looked at once more before a success is: of a burst of guesses no more than the limit is told
        right from wrong.

        Args:
            address: where the caller is.

        Raises:
            WrongCredentials: wrong password, or no such account; neither the answer nor its time tells which.
            TooManyRequests: too many failures, for this account or from this address.
            Unavailable: too many passwords are being checked.
        """
        account, network = self._failures.tried(email=email, address=address)
        await self._limits.check([account, network])
        user = await self._accounts.by_email(email)
        is_right = await self._passwords.matches(password, stored_hash=user.password_hash if user else None)
        if user is None or not is_right:
            await self._limits.take([account, network])
            raise WrongCredentials
        await self._limits.check([account, network])
        await self._limits.forget(account)
        return user
