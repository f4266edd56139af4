"""Sends and checks codes that confirm an action. The provider is called outside of transactions."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from common.db.idempotency import ParticipantRequest
from common.errors import Busy, ServiceError
from users.accounts.errors import UserNotFound
from users.confirmation_codes.repository import CodeAttempt, CodePurpose, ConfirmationCodeRepository
from users.confirmation_codes.schemas import CodeSent
from users.one_time_codes.errors import OtpExpired, OtpInvalid, OtpMaxRetries, OtpUnavailable, OtpUsedUp
from users.one_time_codes.provider import OtpProvider, VerificationStatus
from users.one_time_codes.sending import MAX_WRONG_CODES, NEW_CODE_AFTER_SECONDS, CodeSender

__all__ = ["ConfirmationCodeService"]

RETRY_AFTER_SECONDS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationCodeService:
    """One challenge for each purpose. Once verified, it stays as the proof."""

    sender: CodeSender
    provider: OtpProvider
    repository: ConfirmationCodeRepository

    async def send(
        self, *, request_id: UUID, purpose: CodePurpose, requested_by_user_id: UUID, address: str
    ) -> CodeSent:
        """Send a code to the user's phone, unless the last one is recent and can still be tried, or was right.

        Repeatable: a request that has sent a code sends no second one. A new code replaces the one before; wrong
        attempts stay counted, unless all are used up, which restarts the count.

        Args:
            requested_by_user_id: the user who caused it; codes that other users cause do not count as the user's own.
            address: the network address of that user.

        Raises:
            UserNotFound.
            OtpUnavailable, TooManyRequests: nothing was sent. Not stored.
            OtpUsedUp: three wrong codes have ended the challenge. Not stored.
            Busy: another call is sending a code. Not stored.
            RequestUndone: the request was withdrawn.
        """
        request = ParticipantRequest.of(request_id, "otp_send", **purpose.parameters)
        claim = await self.repository.claim_sending(request, purpose)
        if claim.answered is not None:
            return CodeSent(**claim.answered)
        if claim.phone is None:
            return CodeSent(**await self.repository.refuse(request, UserNotFound()))
        if not claim.is_granted:
            return await self._answer_not_sent(request, purpose)
        return await self._send(
            request, purpose, phone=claim.phone, requested_by_user_id=requested_by_user_id, address=address
        )

    async def withdraw(self, *, request_id: UUID, undoes_request_id: UUID, purpose: CodePurpose) -> None:
        """Undo a send: close the challenge. If the send arrives later, it is refused."""
        request = ParticipantRequest.of(
            request_id, "otp_withdraw", undoes_request_id=undoes_request_id, **purpose.parameters
        )
        await self.repository.withdraw(request, purpose, undoes_request_id=undoes_request_id)

    async def verify(self, *, purpose: CodePurpose, code: str) -> None:
        """Check a code. A verified challenge accepts any code.

        Raises:
            OtpInvalid: it is wrong.
            OtpMaxRetries: it was the third wrong one, or came after it. `OtpUsedUp` if no other code will be sent.
            OtpExpired: it has expired, was replaced or withdrawn, or there is none.
            OtpUnavailable: the provider did not answer; the attempt does not count.
            Busy: another call is checking a code of this challenge; the attempt does not count.
        """
        attempt = await self.repository.count_attempt(purpose)
        if attempt is None:
            await self._check_is_verified(purpose)
            return
        match await self._check(purpose, attempt, code):
            case VerificationStatus.APPROVED:
                if not await self.repository.mark_verified(purpose, attempt):
                    raise OtpExpired
            case VerificationStatus.PENDING:
                await self.repository.mark_wrong(purpose, attempt)
                if attempt.attempts >= MAX_WRONG_CODES:
                    raise _used_up(purpose)
                raise OtpInvalid
            case VerificationStatus.EXPIRED:
                await self.repository.mark_expired(purpose, attempt)
                raise OtpExpired

    async def _send(
        self,
        request: ParticipantRequest,
        purpose: CodePurpose,
        *,
        phone: str,
        requested_by_user_id: UUID,
        address: str,
    ) -> CodeSent:
        try:
            verification_sid = await self.sender.send(
                user_id=purpose.user_id,
                phone=phone,
                context=purpose.context,
                reference=purpose.reference,
                requested_by_user_id=requested_by_user_id,
                address=address,
            )
            answer = await self.repository.open(request, purpose, verification_sid=verification_sid, phone=phone)
            if answer is None:
                raise OtpUnavailable(reason="the challenge was closed, or taken over, meanwhile")
        except ServiceError:
            await self.repository.abandon_sending(request, purpose)
            raise
        return CodeSent(**answer)

    async def _answer_not_sent(self, request: ParticipantRequest, purpose: CodePurpose) -> CodeSent:
        status = await self.repository.status_of(purpose)
        if status is not None and status.is_verified:
            return CodeSent(**await self.repository.store_not_sent(request, retry_after_seconds=None))
        if status is not None and status.is_used_up and not status.is_trying and purpose.ends_when_used_up:
            raise _used_up(purpose)
        # Without a code: the call that was sending one could not, and has released its claim.
        if status is None or status.is_sending or not status.has_code or status.wait_seconds <= 0:
            raise Busy(retry_after_seconds=RETRY_AFTER_SECONDS)
        return CodeSent(**await self.repository.store_not_sent(request, retry_after_seconds=status.wait_seconds))

    async def _check_is_verified(self, purpose: CodePurpose) -> None:
        status = await self.repository.status_of(purpose)
        if status is not None and status.is_verified:
            return
        if status is not None and status.is_trying:
            raise Busy(retry_after_seconds=RETRY_AFTER_SECONDS)
        if status is not None and status.is_used_up:
            raise _used_up(purpose)
        if status is None or not status.has_code:
            raise OtpExpired
        raise Busy(retry_after_seconds=RETRY_AFTER_SECONDS)

    async def _check(self, purpose: CodePurpose, attempt: CodeAttempt, code: str) -> VerificationStatus:
        try:
            return await self.provider.verify(verification_sid=attempt.verification_sid, code=code)
        except OtpUnavailable:
            await self.repository.uncount_attempt(purpose, attempt)
            raise


def _used_up(purpose: CodePurpose) -> OtpMaxRetries:
    kind = OtpUsedUp if purpose.ends_when_used_up else OtpMaxRetries
    return kind(retry_after_seconds=NEW_CODE_AFTER_SECONDS)
