"""Checks passwords, without revealing to a caller whether an account exists."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from common.addresses import network_of
from common.errors import TooManyRequests
from users.accounts.errors import WrongCredentials, WrongPassword
from users.accounts.passwords import Passwords
from users.accounts.repository import AccountRepository, User
from users.known_devices.service import KnownDeviceService
from users.limits.service import AttemptLimits, Limit, Tried


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """The limits on logins.

    Attributes:
        per_account: wrong passwords of one account from one network, or from one known device.
        per_account_in_all: wrong passwords of one account from all other devices, or from one known device; slower.
        per_address: wrong passwords from one network, of all accounts.
        successes: right passwords of one account, counted by its id: several accounts may log in by one address.
    """

    per_account: Limit
    per_account_in_all: Limit
    per_address: Limit
    successes: Limit

    def failures(self, *, email: str, address: str, device: str | None) -> Sequence[Tried]:
        """Return what a wrong password counts against, `per_account` first.

        A known device is counted as itself, wherever it is. Other devices cannot use its attempts up, even from its own
        network, and a stolen device token gains no attempts by changing networks.
        """
        if device is not None:
            subject = f"{email} device {device}"
            return Tried(self.per_account, subject), Tried(self.per_account_in_all, subject)
        network = network_of(address)
        return (
            Tried(self.per_account, f"{email} network {network}"),
            Tried(self.per_account_in_all, email),
            Tried(self.per_address, network),
        )

    def registrations(self, *, email: str, address: str) -> Sequence[Tried]:
        """Return what a wrong password of a registration counts against.

        Its slow limit is apart from that of logins: a new user with a password of their own must not use up the logins
        of an account that has the address.
        """
        of_account, in_all, of_network = self.failures(email=email, address=address, device=None)
        return of_account, in_all._replace(limit=replace(in_all.limit, scope="registration-in-all")), of_network


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    accounts: AccountRepository
    passwords: Passwords
    devices: KnownDeviceService
    limits: AttemptLimits
    login_limits: LoginLimits

    async def check(self, *, email: str, password: str, address: str, device_token: str | None = None) -> User:
        """Return the account with that email address and password. Of several, none of which has proven it, the first.

        A failure is counted before it is answered, and the limits are checked again before a success is answered: of a
        burst of guesses, no more than the limit get an answer. A success resets the failures from its network or device,
        unless other accounts can log in by the address: their owners must not gain guesses at each other's passwords.

        Args:
            address: the caller's network address.
            device_token: what an earlier login gave to the device, if any.

        Raises:
            WrongCredentials: wrong password, or no such account; neither the answer nor its time tells which.
            TooManyRequests: too many failures, for this account or from this address; or too many successes.
            Unavailable: too many passwords are being checked.
        """
        device = await self.devices.known_as(device_token, email=email)
        failures = self.login_limits.failures(email=email, address=address, device=device)
        candidates = await self.accounts.by_login(email)
        is_alone = len(candidates) == 1
        # Spares the hash that a further login of the account would cost.
        await self.limits.check([*failures, *(self._success(user) for user in candidates if is_alone)])
        user = await self._find(candidates, password)
        if user is None:
            await self.limits.count(failures)
            raise WrongCredentials
        await self.limits.check(failures)
        await self.limits.count([self._success(user)])
        if is_alone:
            await self.limits.reset(failures[0])
        return await self._renew_hash(user, password)

    async def find_own(self, *, email: str, password: str, address: str) -> User | None:
        """Return the account that a registration continues: the one with that email address and password.

        Wrong passwords are limited; beyond the limit none is tried, and None is returned: the accounts of others must not
        keep a new user out.

        Args:
            address: the caller's network address.

        Raises:
            Unavailable: too many passwords are being checked.
        """
        tried = self.login_limits.registrations(email=email, address=address)
        with suppress(TooManyRequests):
            await self.limits.check(tried)
            user = await self._find(await self.accounts.by_login(email), password)
            if user is not None:
                await self.limits.check(tried)
                return user
            await self.limits.count(tried)
        return None

    async def confirm(self, user: User, *, password: str) -> None:
        """Check the password of a user who is logged in and changes the account.

        Failures are counted apart from those of logins: a stolen access token must not keep its owner out. The limit is
        checked again before a success is answered, as for logins.

        Raises:
            WrongPassword.
            TooManyRequests: too many failures.
            Unavailable: too many passwords are being checked.
        """
        tried = Tried(replace(self.login_limits.per_account, scope="password-confirmation"), str(user.user_id))
        await self.limits.check([tried])
        if not await self.passwords.matches(password, stored_hash=user.password_hash):
            await self.limits.count([tried])
            raise WrongPassword
        await self.limits.check([tried])
        await self.limits.reset(tried)

    async def forget_failures(self, email: str, *, address: str) -> None:
        """Reset the counts of an account whose owner, at that address, has proven the email address and set a new password."""
        of_account, in_all, _ = self.login_limits.failures(email=email, address=address, device=None)
        await self.limits.reset(of_account)
        await self.limits.reset(in_all)

    def _success(self, user: User) -> Tried:
        return Tried(self.login_limits.successes, str(user.user_id))

    async def _find(self, candidates: Sequence[User], password: str) -> User | None:
        """Return the first with that password. Without candidates the usual time passes, too."""
        for user in candidates:
            if await self.passwords.matches(password, stored_hash=user.password_hash):
                return user
        if not candidates:
            await self.passwords.matches(password, stored_hash=None)
        return None

    async def _renew_hash(self, user: User, password: str) -> User:
        """Return the user with the hash of the password that is stored from now on."""
        renewed = await self.passwords.renewed(password, stored_hash=user.password_hash)
        if renewed is None:
            return user
        if await self.accounts.replace_password_hash(user.user_id, old=user.password_hash, new=renewed):
            return replace(user, password_hash=renewed)
        # Another login has renewed it, or the password was changed.
        current = await self.accounts.by_id(user.user_id)
        if current is None or not await self.passwords.matches(password, stored_hash=current.password_hash):
            raise WrongCredentials
        return current
