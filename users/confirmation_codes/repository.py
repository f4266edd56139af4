"""Challenges in PostgreSQL. Each change is one statement, so that the provider is never called while a lock is held.

A caller that sends or tries a code takes a claim on the challenge's row before it calls the provider, and releases it when
it stores the outcome. A claim expires, so that the claim of a crashed process does not last for ever.

Lock order: the store of requests, then the user's row, then the challenge's. So an undo, which first writes the tombstone
of the request that it undoes, never deadlocks with that request.
"""

# ruff: noqa: S608 - the statements are composed of constants of this module; values are bound

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import (
    PRIOR,
    SELECT_ANSWER,
    Attempt,
    IdempotencyStore,
    ParticipantRequest,
    stored_answer,
)
from common.db.retention import Retention
from common.errors import ServiceError

_OF_PURPOSE: Final = "user_id = CAST(:user_id AS uuid) AND context = :context AND reference = :reference"
_IS_CLAIMED: Final = "sending_request_id = CAST(:request_id AS uuid)"
_STORED_SENT: Final = stored_answer(
    "jsonb_build_object('sent', true, 'retry_after_seconds', NULL)",
    rows=f"otp_challenges WHERE {_OF_PURPOSE} AND {_IS_CLAIMED} AND NOT EXISTS (SELECT FROM prior)",
)

# The claim to send: no other call is sending, the challenge is not verified, it did not end with wrong codes, and the
# last code can no longer be tried or is older than `resend_seconds`.
_CLAIM: Final = text(
    f"""
    WITH {PRIOR},
    fan AS MATERIALIZED (
        SELECT user_id, phone FROM users
        WHERE user_id = CAST(:user_id AS uuid) AND deleted_at IS NULL AND NOT EXISTS (SELECT FROM prior)
        FOR KEY SHARE),
    claimed AS (
        INSERT INTO otp_challenges AS c (user_id, context, reference, sending_request_id, sending_until)
        SELECT user_id, :context, :reference, CAST(:request_id AS uuid), now() + make_interval(secs => :lease_seconds)
        FROM fan
        ON CONFLICT (user_id, context, reference) DO UPDATE SET
            sending_request_id = excluded.sending_request_id, sending_until = excluded.sending_until
        WHERE c.verified_at IS NULL
          AND NOT (CAST(:ends_when_used_up AS boolean) AND c.attempts >= :most_tries)
          AND (c.sending_until IS NULL OR c.sending_until < now())
          AND (c.verification_sid IS NULL OR c.attempts >= :most_tries
               OR c.sent_at <= now() - make_interval(secs => :resend_seconds))
        RETURNING 1)
    SELECT (SELECT fingerprint FROM prior) AS prior_fingerprint, (SELECT result FROM prior) AS result,
           (SELECT phone FROM fan) AS phone, EXISTS (SELECT FROM claimed) AS is_claimed
    """
)
# The code was sent. The answer is stored before the row is updated: see the lock order above. If the previous code failed
# for the third time meanwhile, and the third wrong code ends challenges of this context, the challenge ends.
_OPEN: Final = text(
    f"""
    WITH {PRIOR},
    {_STORED_SENT},
    opened AS (
        UPDATE otp_challenges SET
            verification_sid = :verification_sid, phone = :phone, sent_at = now(),
            attempts = CASE WHEN attempts >= :most_tries AND NOT CAST(:ends_when_used_up AS boolean) THEN 0
                ELSE attempts END,
            sending_request_id = NULL, sending_until = NULL, trying_until = NULL
        WHERE {_OF_PURPOSE} AND {_IS_CLAIMED} AND EXISTS (SELECT FROM remembered))
    {SELECT_ANSWER}
    """
)
# The code was not sent. A row without a code and without attempts is deleted.
_ABANDON_SENDING: Final = text(
    f"""
    WITH dropped AS (
        DELETE FROM otp_challenges
        WHERE {_OF_PURPOSE} AND {_IS_CLAIMED} AND verification_sid IS NULL AND attempts = 0)
    UPDATE otp_challenges SET sending_request_id = NULL, sending_until = NULL
    WHERE {_OF_PURPOSE} AND {_IS_CLAIMED} AND (verification_sid IS NOT NULL OR attempts > 0)
    """
)
_WITHDRAW: Final = text(
    f"""
    WITH {PRIOR},
    closed AS (DELETE FROM otp_challenges WHERE {_OF_PURPOSE} AND NOT EXISTS (SELECT FROM prior)),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object())
        WHERE NOT EXISTS (SELECT FROM prior)
        RETURNING result)
    {SELECT_ANSWER}
    """
)

# The claim to try a code, counted before the provider is called. One at a time: the provider reports a code that another
# call has just used up as expired.
_COUNT_ATTEMPT: Final = text(
    f"""
    UPDATE otp_challenges SET attempts = attempts + 1, trying_until = now() + make_interval(secs => :lease_seconds)
    WHERE {_OF_PURPOSE} AND verified_at IS NULL AND verification_sid IS NOT NULL AND attempts < :most_tries
      AND (trying_until IS NULL OR trying_until < now())
    RETURNING verification_sid, attempts
    """
)
# The outcome of an attempt; no effect if the code was replaced or withdrawn meanwhile.
_MARK_VERIFIED: Final = text(
    f"""
    UPDATE otp_challenges SET verified_at = now(), trying_until = NULL, verification_sid = NULL
    WHERE {_OF_PURPOSE} AND verification_sid = :verification_sid
    """
)
_MARK_WRONG: Final = text(
    f"UPDATE otp_challenges SET trying_until = NULL WHERE {_OF_PURPOSE} AND verification_sid = :verification_sid"
)
_MARK_EXPIRED: Final = text(
    f"""
    UPDATE otp_challenges SET verification_sid = NULL, attempts = greatest(attempts - 1, 0), trying_until = NULL
    WHERE {_OF_PURPOSE} AND verification_sid = :verification_sid
    """
)
_UNCOUNT_ATTEMPT: Final = text(
    f"""
    UPDATE otp_challenges SET attempts = greatest(attempts - 1, 0), trying_until = NULL
    WHERE {_OF_PURPOSE} AND verification_sid = :verification_sid
    """
)

_STATUS: Final = text(
    f"""
    SELECT verified_at IS NOT NULL AS is_verified, coalesce(sending_until >= now(), false) AS is_sending,
           coalesce(trying_until >= now(), false) AS is_trying, verification_sid IS NOT NULL AS has_code,
           attempts >= :most_tries AS is_used_up,
           ceil(extract(epoch FROM sent_at + make_interval(secs => :resend_seconds) - now())) AS wait_seconds
    FROM otp_challenges WHERE {_OF_PURPOSE}
    """
)
# What was verified for a purchase is needed until it is paid: a tip is scheduled for up to 30 days, and then has a day.
_IS_PROOF: Final = "context = 'purchase' AND verified_at IS NOT NULL"
PROOFS_RETENTION: Final = Retention(
    table="otp_challenges",
    aged_by="sent_at",
    keep_days=35,
    condition=_IS_PROOF,
    label="otp_challenges, proofs",
)
# A registration's code stays until it was right: it is deleted with an account that is not verified.
CODES_RETENTION: Final = Retention(
    table="otp_challenges",
    aged_by="sent_at",
    keep_days=1,
    condition=f"(context <> 'registration' OR verified_at IS NOT NULL) AND NOT ({_IS_PROOF})",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePurpose:
    """What a code confirms: the purchase, transfer or resale (`context`) with the id `reference`, by a user."""

    user_id: UUID
    context: str
    reference: str

    @property
    def parameters(self) -> dict[str, object]:
        return {"user_id": self.user_id, "context": self.context, "reference": self.reference}

    @property
    def ends_when_used_up(self) -> bool:
        """Whether the third wrong code ends the challenge (T8); in other contexts another code restarts it."""
        return self.context == "transfer"


@dataclass(frozen=True, slots=True)
class Claim:
    """The outcome of a claim to send. `phone` is None if there is no such user."""

    answered: dict[str, Any] | None  # the stored answer of the same request
    phone: str | None
    is_granted: bool


@dataclass(frozen=True, slots=True)
class CodeAttempt:
    """The claim to try a code once. `attempts` includes it."""

    verification_sid: str
    attempts: int


@dataclass(frozen=True, slots=True)
class ChallengeStatus:
    """The status of a challenge. `wait_seconds`: until another code may be sent; 0 or less if it may."""

    is_verified: bool
    is_sending: bool
    is_trying: bool
    has_code: bool
    is_used_up: bool
    wait_seconds: int


class ConfirmationCodeRepository:
    """Challenges.

    Args:
        lease_seconds: the lifetime of a claim; longer than the provider's timeout.
        resend_seconds: the time after a code in which no other is sent while it can still be tried.
        most_tries: the number of wrong codes allowed.
    """

    def __init__(self, database: Database, *, lease_seconds: float, resend_seconds: float, most_tries: int) -> None:
        self._database = database
        self._store = IdempotencyStore(database)
        self._lease = {"lease_seconds": lease_seconds}
        self._resend = {"resend_seconds": resend_seconds}
        self._tries = {"most_tries": most_tries}

    async def claim_sending(self, request: ParticipantRequest, purpose: CodePurpose) -> Claim:
        """Claim the sending of a code, or load the answer of the same request.

        Raises:
            ServiceError: the stored refusal, such as `RequestUndone`.
        """
        parameters = {**_to_send(purpose), **self._lease, **self._resend, **self._tries}
        attempt = await self._store.attempt(request, _CLAIM, parameters)
        return Claim(answered=attempt.done, phone=attempt.row["phone"], is_granted=attempt.row["is_claimed"])

    async def open(
        self, request: ParticipantRequest, purpose: CodePurpose, *, verification_sid: str, phone: str
    ) -> dict[str, Any] | None:
        """Store that the code was sent, and the answer; return None if the claim is lost.

        Raises:
            RequestUndone: the request was withdrawn meanwhile.
        """
        parameters = {**_to_send(purpose), **self._tries, "verification_sid": verification_sid, "phone": phone}
        return (await self._store.attempt(request, _OPEN, parameters)).done

    async def abandon_sending(self, request: ParticipantRequest, purpose: CodePurpose) -> None:
        await self._database.execute(_ABANDON_SENDING, {**purpose.parameters, "request_id": request.request_id})

    async def store_not_sent(self, request: ParticipantRequest, *, retry_after_seconds: int | None) -> dict[str, Any]:
        return await self._store.store_done(request, {"sent": False, "retry_after_seconds": retry_after_seconds})

    async def refuse(self, request: ParticipantRequest, refusal: ServiceError) -> dict[str, Any]:
        """Store the refusal and raise it; if another answer was stored meanwhile, return that one."""
        return await self._store.store_refusal(request, refusal)

    async def withdraw(self, request: ParticipantRequest, purpose: CodePurpose, *, undoes_request_id: UUID) -> Attempt:
        """Close the challenge, whichever request sent the code, and write the tombstone of the undone request."""
        return await self._store.attempt(request, _WITHDRAW, purpose.parameters, undoes_request_id=undoes_request_id)

    async def status_of(self, purpose: CodePurpose) -> ChallengeStatus | None:
        row = await self._database.fetch_one(_STATUS, {**purpose.parameters, **self._resend, **self._tries})
        return None if row is None else ChallengeStatus(**{**row, "wait_seconds": int(row["wait_seconds"])})

    async def count_attempt(self, purpose: CodePurpose) -> CodeAttempt | None:
        """Count an attempt at the open code; return None if it cannot be tried now."""
        row = await self._database.fetch_one(_COUNT_ATTEMPT, {**purpose.parameters, **self._lease, **self._tries})
        return None if row is None else CodeAttempt(row["verification_sid"], row["attempts"])

    async def mark_verified(self, purpose: CodePurpose, attempt: CodeAttempt) -> bool:
        """Mark the challenge as verified; return False if the code was replaced or withdrawn meanwhile."""
        return await self._database.execute(_MARK_VERIFIED, _of(purpose, attempt)) == 1

    async def mark_wrong(self, purpose: CodePurpose, attempt: CodeAttempt) -> None:
        await self._database.execute(_MARK_WRONG, _of(purpose, attempt))

    async def mark_expired(self, purpose: CodePurpose, attempt: CodeAttempt) -> None:
        """Remove the expired code; the attempt does not count as wrong."""
        await self._database.execute(_MARK_EXPIRED, _of(purpose, attempt))

    async def uncount_attempt(self, purpose: CodePurpose, attempt: CodeAttempt) -> None:
        """Uncount the attempt."""
        await self._database.execute(_UNCOUNT_ATTEMPT, _of(purpose, attempt))


def _to_send(purpose: CodePurpose) -> dict[str, object]:
    return {**purpose.parameters, "ends_when_used_up": purpose.ends_when_used_up}


def _of(purpose: CodePurpose, attempt: CodeAttempt) -> dict[str, object]:
    return {**purpose.parameters, "verification_sid": attempt.verification_sid}
