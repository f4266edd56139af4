"""Sending codes that confirm something, and checking them. The provider is asked outside of transactions."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from common.db.idempotency import ParticipantRequest
from common.errors import Busy, ServiceError
from users.accounts.errors import UserNotFound
from users.confirmations.repository import ConfirmationRepository, Matter, Try
from users.otp.errors import OtpExpired, OtpInvalid, OtpMaxRetries, OtpUnavailable, OtpUsedUp
from users.otp.provider import OtpProvider, OtpVerdict
from users.otp.sending import CodeSender
from users.otp.service import NEW_CODE_AFTER_SECONDS, WRONG_CODES

__all__ = ["Confirmations", "SendOutcome"]

ASK_AGAIN_AFTER_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """`retry_after_seconds` is None when a code was sent, or none is needed any more."""

    sent: bool
    retry_after_seconds: int | None

    @classmethod
    def from_answer(cls, answer: dict[str, Any]) -> "SendOutcome":
        return cls(answer["sent"], answer["retry_after_seconds"])


class Confirmations:
    """One challenge for each matter. Verified, it stays, and whoever needs the proof finds it."""

    def __init__(self, *, sender: CodeSender, provider: OtpProvider, repository: ConfirmationRepository) -> None:
        self._sender = sender
        self._provider = provider
        self._repository = repository

    async def send(self, *, request_id: UUID, matter: Matter, requested_by_user_id: UUID, address: str) -> SendOutcome:
        """Send a code to the user's phone, unless the last one is young and can still be tried, or it was right.

        Repeatable: a request that has sent a code sends no second one. A new code replaces the one before; wrong tries
        stay counted, unless all are used up, which begins anew.

        Args:
            requested_by_user_id: who caused it; codes that others caused do not count as one's own.
            address: where that one is.

        Raises:
            OtpUnavailable, TooManyRequests, UserNotFound: nothing was sent, and nothing is remembered.
            OtpUsedUp: three wrong codes were the end of the matter. Not remembered either.
            Busy: a code is being sent right now. Not remembered either.
            RequestUndone: it was withdrawn.
        """
        request = ParticipantRequest.of(request_id, "otp_send", **matter.parameters)
        claim = await self._repository.claim_sending(request, matter)
        if claim.answered is not None:
            return SendOutcome.from_answer(claim.answered)
        if claim.phone is None:
            raise UserNotFound
        if not claim.is_mine:
            return await self._do_not_send(request, matter)
        return await self._send(
            request, matter, phone=claim.phone, requested_by_user_id=requested_by_user_id, address=address
        )

    async def withdraw(self, *, request_id: UUID, undoes_request_id: UUID, matter: Matter) -> None:
        """Undo a send: close the challenge. The send that comes after it is refused."""
        request = ParticipantRequest.of(
            request_id, "otp_withdraw", undoes_request_id=undoes_request_id, **matter.parameters
        )
        await self._repository.withdraw(request, matter, undoes_request_id=undoes_request_id)

    async def verify(self, *, matter: Matter, code: str) -> None:
        """Check a code. A challenge that is verified says so again, whatever the code.

        Raises:
            OtpInvalid: it is wrong.
            OtpMaxRetries: it was the third wrong one, or comes after it. `OtpUsedUp` when no other code follows.
            OtpExpired: it is too old, was replaced or withdrawn, or there is none.
            OtpUnavailable: the provider gave no answer; the try does not count.
            Busy: a code of this challenge is being checked right now; the try does not count.
        """
        tried = await self._repository.take_try(matter)
        if tried is None:
            await self._check_is_verified(matter)
            return
        match await self._ask(matter, tried, code):
            case OtpVerdict.APPROVED:
                if not await self._repository.note_right(matter, tried):
                    raise OtpExpired
            case OtpVerdict.PENDING:
                await self._repository.note_wrong(matter, tried)
                if tried.attempts >= WRONG_CODES:
                    raise _used_up(matter)
                raise OtpInvalid
            case OtpVerdict.EXPIRED:
                await self._repository.note_expired(matter, tried)
                raise OtpExpired

    async def _send(
        self,
        request: ParticipantRequest,
        matter: Matter,
        *,
        phone: str,
        requested_by_user_id: UUID,
        address: str,
    ) -> SendOutcome:
        try:
            verification_sid = await self._sender.send(
                user_id=matter.user_id,
                phone=phone,
                context=matter.context,
                requested_by_user_id=requested_by_user_id,
                address=address,
            )
            answer = await self._repository.open(request, matter, verification_sid=verification_sid, phone=phone)
            if answer is None:
                raise OtpUnavailable(reason="the challenge was closed, or taken over, meanwhile")
        except ServiceError:
            await self._repository.give_up_sending(request, matter)
            raise
        return SendOutcome.from_answer(answer)

    async def _do_not_send(self, request: ParticipantRequest, matter: Matter) -> SendOutcome:
        standing = await self._repository.standing_of(matter)
        if standing is not None and standing.is_verified:
            return SendOutcome.from_answer(await self._repository.remember_not_sent(request, retry_after_seconds=None))
        if standing is not None and standing.is_used_up and not standing.is_trying and matter.ends_when_used_up:
            raise _used_up(matter)
        # Without a code: whoever was sending has just lost the right to it, and sent none.
        if standing is None or standing.is_sending or not standing.has_code or standing.wait_seconds <= 0:
            raise Busy(retry_after_seconds=ASK_AGAIN_AFTER_SECONDS)
        return SendOutcome.from_answer(
            await self._repository.remember_not_sent(request, retry_after_seconds=standing.wait_seconds)
        )

    async def _check_is_verified(self, matter: Matter) -> None:
        standing = await self._repository.standing_of(matter)
        if standing is not None and standing.is_verified:
            return
        if standing is not None and standing.is_trying:
            raise Busy(retry_after_seconds=ASK_AGAIN_AFTER_SECONDS)
        if standing is not None and standing.is_used_up:
            raise _used_up(matter)
        if standing is None or not standing.has_code:
            raise OtpExpired
        raise Busy(retry_after_seconds=ASK_AGAIN_AFTER_SECONDS)

    async def _ask(self, matter: Matter, tried: Try, code: str) -> OtpVerdict:
        try:
            return await self._provider.verify(verification_sid=tried.verification_sid, code=code)
        except OtpUnavailable:
            await self._repository.note_unanswered(matter, tried)
            raise


def _used_up(matter: Matter) -> OtpMaxRetries:
    kind = OtpUsedUp if matter.ends_when_used_up else OtpMaxRetries
    return kind(retry_after_seconds=NEW_CODE_AFTER_SECONDS)
