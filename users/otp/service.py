"""One-time codes: at most so many sent, at most three wrong ones tried. The provider is asked outside of transactions."""

from typing import Final
from uuid import UUID

from common.addresses import network_of
from users.limits.service import AttemptLimits, Limit, Tried
from users.otp.errors import OtpExpired, OtpInvalid, OtpMaxRetries, OtpUnavailable
from users.otp.provider import OtpProvider, OtpVerdict
from users.otp.repository import Challenge, ChallengeRepository

__all__ = ["OneTimeCodes"]

WRONG_CODES: Final = 3  # T6: "Three wrong codes end the attempt"
SEND_WINDOW_SECONDS: Final = 3600
NEW_CODE_AFTER_SECONDS: Final = 1


class OneTimeCodes:
    """Sends and checks codes. `context` says what a code is for; each user has one open code for each.

    Args:
        sends_per_account, sends_per_phone: in an hour. Three tries at each code sent bound how often one can guess.
        sends_per_address: in an hour, to whatever numbers, from one network. Each message costs money.
    """

    def __init__(
        self,
        *,
        provider: OtpProvider,
        repository: ChallengeRepository,
        limits: AttemptLimits,
        sends_per_account: int,
        sends_per_phone: int,
        sends_per_address: int,
    ) -> None:
        self._provider = provider
        self._repository = repository
        self._limits = limits
        self._per_account = Limit("otp-account", sends_per_account, SEND_WINDOW_SECONDS)
        self._per_phone = Limit("otp-phone", sends_per_phone, SEND_WINDOW_SECONDS)
        self._per_address = Limit("otp-address", sends_per_address, SEND_WINDOW_SECONDS)

    async def check_address(self, address: str) -> None:
        """Send nothing; only ask whether more may be sent for callers from there.

        Raises:
            TooManyRequests: too many were sent within the hour.
        """
        await self._limits.check([self._tried_from(address)])

    async def send(self, *, user_id: UUID, phone: str, context: str, address: str) -> None:
        """Send a new code; it replaces the one before.

        Args:
            address: where the caller is.

        Raises:
            TooManyRequests: too many were sent within the hour.
            OtpUnavailable: the provider did not take it, or the account was dropped meanwhile.
        """
        tried = [
            Tried(self._per_account, f"{context} {user_id}"),
            Tried(self._per_phone, phone),
            self._tried_from(address),
        ]
        await self._limits.check(tried)  # what is refused to one account must not use up another's phone
        await self._limits.take(tried)
        try:
            verification_sid = await self._provider.send(phone)
        except OtpUnavailable:
            for one in tried:
                await self._limits.give_back(one)
            raise
        if not await self._repository.open(
            user_id=user_id, context=context, verification_sid=verification_sid, phone=phone
        ):
            raise OtpUnavailable(reason="the account was dropped meanwhile")

    async def verify(self, *, user_id: UUID, code: str, context: str) -> str:
        """Return the phone that the code was sent to, when it is right; it cannot be used again.

        Raises:
            OtpInvalid: it is wrong.
            OtpMaxRetries: it was the third wrong one, or comes after it.
            OtpExpired: it is too old, or there is none.
            OtpUnavailable: the provider gave no answer; the try does not count.
        """
        challenge = await self._repository.take_attempt(user_id=user_id, context=context)
        if challenge is None:
            raise OtpExpired
        if challenge.attempts > WRONG_CODES:
            raise OtpMaxRetries(retry_after_seconds=NEW_CODE_AFTER_SECONDS)
        match await self._ask(challenge, code):
            case OtpVerdict.APPROVED:
                if not await self._repository.close(challenge):
                    raise OtpExpired
                return challenge.phone
            case OtpVerdict.PENDING:
                if challenge.attempts == WRONG_CODES:
                    raise OtpMaxRetries(retry_after_seconds=NEW_CODE_AFTER_SECONDS)
                raise OtpInvalid
            case OtpVerdict.EXPIRED:
                raise OtpExpired

    def _tried_from(self, address: str) -> Tried:
        return Tried(self._per_address, network_of(address))

    async def _ask(self, challenge: Challenge, code: str) -> OtpVerdict:
        try:
            return await self._provider.verify(verification_sid=challenge.verification_sid, code=code)
        except OtpUnavailable:
            await self._repository.give_back_attempt(challenge)
            raise
