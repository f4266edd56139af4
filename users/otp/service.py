"""Codes that verify a phone when somebody registers. The provider is asked outside of transactions."""

from typing import Final
from uuid import UUID

from users.otp.errors import OtpExpired, OtpInvalid, OtpMaxRetries, OtpUnavailable
from users.otp.provider import OtpProvider, OtpVerdict
from users.otp.repository import Challenge, ChallengeRepository
from users.otp.sending import CodeSender

__all__ = ["NEW_CODE_AFTER_SECONDS", "WRONG_CODES", "OneTimeCodes"]

WRONG_CODES: Final = 3  # T6: "Three wrong codes end the attempt"
NEW_CODE_AFTER_SECONDS: Final = 1


class OneTimeCodes:
    """Sends and checks codes that are used up by being right. Each user has one open code for each context."""

    def __init__(self, *, sender: CodeSender, provider: OtpProvider, repository: ChallengeRepository) -> None:
        self._sender = sender
        self._provider = provider
        self._repository = repository

    async def check_address(self, address: str) -> None:
        """Send nothing; only ask whether more may be sent for callers from there.

        Raises:
            TooManyRequests: too many were sent within the hour.
        """
        await self._sender.check_address(address)

    async def send(self, *, user_id: UUID, phone: str, context: str, address: str) -> None:
        """Send a new code; it replaces the one before.

        Args:
            address: where the caller is.

        Raises:
            TooManyRequests: too many were sent within the hour.
            OtpUnavailable: the provider did not take it, or the account was dropped meanwhile.
        """
        verification_sid = await self._sender.send(
            user_id=user_id, phone=phone, context=context, requested_by_user_id=user_id, address=address
        )
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

    async def _ask(self, challenge: Challenge, code: str) -> OtpVerdict:
        try:
            return await self._provider.verify(verification_sid=challenge.verification_sid, code=code)
        except OtpUnavailable:
            await self._repository.give_back_attempt(challenge)
            raise
