"""Codes that verify a phone. The provider is called outside of transactions."""

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from users.one_time_codes.errors import OtpExpired, OtpInvalid, OtpMaxRetries, OtpUnavailable
from users.one_time_codes.provider import OtpProvider, VerificationStatus
from users.one_time_codes.sending import MAX_WRONG_CODES, NEW_CODE_AFTER_SECONDS, CodeSender
from users.registration_codes.repository import Challenge, RegistrationCodeRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationCodeService:
    """Sends and checks the codes. Each user has one open code for each context.

    Attributes:
        key: of the digests by which a repeated code is recognised.
    """

    key: bytes
    sender: CodeSender
    provider: OtpProvider
    repository: RegistrationCodeRepository

    async def check_address(self, address: str) -> None:
        """Check whether more codes may be sent for callers from that network; see `CodeSender.check_address`."""
        await self.sender.check_address(address)

    async def send(self, *, user_id: UUID, phone: str, context: str, address: str) -> None:
        """Send a new code; it replaces the one before.

        Args:
            address: the caller's network address.

        Raises:
            TooManyRequests: too many were sent within the hour.
            OtpUnavailable: the provider did not accept it, or the account was deleted meanwhile.
        """
        verification_sid = await self.sender.send(
            user_id=user_id,
            phone=phone,
            context=context,
            reference=str(user_id),
            requested_by_user_id=user_id,
            address=address,
        )
        if not await self.repository.open(
            user_id=user_id, context=context, verification_sid=verification_sid, phone=phone
        ):
            raise OtpUnavailable(reason="the account was deleted meanwhile")

    async def verify(self, *, user_id: UUID, code: str, context: str) -> str:
        """Return the phone that the code was sent to, if the code is right.

        The code can be repeated for ten minutes with the same result, because the answer may have been lost.

        Raises:
            OtpInvalid: it is wrong.
            OtpMaxRetries: it was the third wrong one, or came after it.
            OtpExpired: it has expired, or there is none.
            OtpUnavailable: the provider did not answer; the attempt does not count.
        """
        challenge = await self.repository.count_attempt(user_id=user_id, context=context)
        if challenge is None:
            raise OtpExpired
        if challenge.attempts > MAX_WRONG_CODES:
            raise OtpMaxRetries(retry_after_seconds=NEW_CODE_AFTER_SECONDS)
        code_hash = hmac.digest(self.key, f"{user_id} {context} {code}".encode(), hashlib.sha256)
        match await self._check(challenge, code, code_hash):
            case VerificationStatus.APPROVED:
                if challenge.verification_sid is not None and not await self.repository.mark_verified(
                    challenge, code_hash=code_hash
                ):
                    raise OtpExpired
                return challenge.phone
            case VerificationStatus.PENDING:
                if challenge.attempts == MAX_WRONG_CODES:
                    raise OtpMaxRetries(retry_after_seconds=NEW_CODE_AFTER_SECONDS)
                raise OtpInvalid
            case VerificationStatus.EXPIRED:
                raise OtpExpired

    async def _check(self, challenge: Challenge, code: str, code_hash: bytes) -> VerificationStatus:
        if challenge.verification_sid is None:
            if challenge.code_hash is None:
                return VerificationStatus.EXPIRED
            is_right = hmac.compare_digest(challenge.code_hash, code_hash)
            return VerificationStatus.APPROVED if is_right else VerificationStatus.PENDING
        try:
            return await self.provider.verify(verification_sid=challenge.verification_sid, code=code)
        except OtpUnavailable:
            await self.repository.uncount_attempt(challenge)
            raise
