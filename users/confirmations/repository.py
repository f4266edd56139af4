"""Challenges in PostgreSQL. One statement each, so that the provider is never asked with a lock in hand.

Who sends a code, or tries one, takes a claim on the challenge's row before asking the provider, and gives it up with the
outcome. A claim has an end, so that one who died does not hold it for ever.

Lock order: the memory of requests, then the user's row, then the challenge's. So an undo, which buries the request it
undoes first, never waits for somebody who waits for it.
"""

# ruff: noqa: S608 - the statements are put together from constants of this module; values are bound

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import SELECT_ANSWER, Attempt, IdempotencyStore, ParticipantRequest

__all__ = ["Claim", "ConfirmationRepository", "Matter", "Standing", "Try"]

_PRIOR: Final = "WITH prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)"
_MINE: Final = "user_id = CAST(:user_id AS uuid) AND context = :context AND reference = :reference"

# The right to send: nobody else is sending, it is not verified, it did not end with wrong codes, and the last code is
# not to be waited for.
_CLAIM: Final = text(
    f"""
    {_PRIOR},
    fan AS MATERIALIZED (
        SELECT user_id, phone FROM users WHERE user_id = CAST(:user_id AS uuid) AND NOT EXISTS (SELECT FROM prior)
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
# The code was sent. Remembered before the row is touched: see the lock order above. If the code before was wrong for
# the third time meanwhile, that counts where it is the end.
_OPEN: Final = text(
    f"""
    {_PRIOR},
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint,
               jsonb_build_object('done', jsonb_build_object('sent', true, 'retry_after_seconds', NULL))
        FROM otp_challenges
        WHERE {_MINE} AND sending_request_id = CAST(:request_id AS uuid) AND NOT EXISTS (SELECT FROM prior)
        RETURNING result),
    opened AS (
        UPDATE otp_challenges SET
            verification_sid = :verification_sid, phone = :phone, sent_at = now(),
            attempts = CASE WHEN attempts >= :most_tries AND NOT CAST(:ends_when_used_up AS boolean) THEN 0
                ELSE attempts END,
            sending_request_id = NULL, sending_until = NULL, trying_until = NULL
        WHERE {_MINE} AND sending_request_id = CAST(:request_id AS uuid) AND EXISTS (SELECT FROM remembered))
    {SELECT_ANSWER}
    """
)
# It was not. A row that nothing is to be remembered in goes.
_GIVE_UP_SENDING: Final = text(
    f"""
    WITH dropped AS (
        DELETE FROM otp_challenges
        WHERE {_MINE} AND sending_request_id = CAST(:request_id AS uuid) AND verification_sid IS NULL AND attempts = 0)
    UPDATE otp_challenges SET sending_request_id = NULL, sending_until = NULL
    WHERE {_MINE} AND sending_request_id = CAST(:request_id AS uuid) AND (verification_sid IS NOT NULL OR attempts > 0)
    """
)
_WITHDRAW: Final = text(
    f"""
    {_PRIOR},
    closed AS (DELETE FROM otp_challenges WHERE {_MINE} AND NOT EXISTS (SELECT FROM prior)),
    remembered AS (
        INSERT INTO requests (request_id, fingerprint, result)
        SELECT :request_id, :fingerprint, jsonb_build_object('done', jsonb_build_object())
        WHERE NOT EXISTS (SELECT FROM prior)
        RETURNING result)
    {SELECT_ANSWER}
    """
)

# The right to try a code, counted before the provider is asked. One at a time: the provider would call a code that
# another call has just used up too old.
_TAKE_TRY: Final = text(
    f"""
    UPDATE otp_challenges SET attempts = attempts + 1, trying_until = now() + make_interval(secs => :lease_seconds)
    WHERE {_MINE} AND verified_at IS NULL AND verification_sid IS NOT NULL AND attempts < :most_tries
      AND (trying_until IS NULL OR trying_until < now())
    RETURNING verification_sid, attempts
    """
)
# What came of it; of no effect when the code was replaced or withdrawn meanwhile.
_NOTE_RIGHT: Final = text(
    f"""
    UPDATE otp_challenges SET verified_at = now(), trying_until = NULL
    WHERE {_MINE} AND verification_sid = :verification_sid
    """
)
_NOTE_WRONG: Final = text(
    f"UPDATE otp_challenges SET trying_until = NULL WHERE {_MINE} AND verification_sid = :verification_sid"
)
_NOTE_EXPIRED: Final = text(
    f"""
    UPDATE otp_challenges SET verification_sid = NULL, attempts = greatest(attempts - 1, 0), trying_until = NULL
    WHERE {_MINE} AND verification_sid = :verification_sid
    """
)
_NOTE_UNANSWERED: Final = text(
    f"""
    UPDATE otp_challenges SET attempts = greatest(attempts - 1, 0), trying_until = NULL
    WHERE {_MINE} AND verification_sid = :verification_sid
    """
)

_STANDING: Final = text(
    f"""
    SELECT verified_at IS NOT NULL AS is_verified, coalesce(sending_until >= now(), false) AS is_sending,
           coalesce(trying_until >= now(), false) AS is_trying, verification_sid IS NOT NULL AS has_code,
           attempts >= :most_tries AS is_used_up,
           ceil(extract(epoch FROM sent_at + make_interval(secs => :resend_seconds) - now())) AS wait_seconds
    FROM otp_challenges WHERE {_MINE}
    """
)
# Registering keeps its own: they go with an account that nobody verifies.
_CLEAN: Final = text(
    """
    DELETE FROM otp_challenges WHERE (user_id, context, reference) IN (
        SELECT user_id, context, reference FROM otp_challenges
        WHERE sent_at < now() - interval '1 day' AND context <> 'registration'
        LIMIT :batch FOR UPDATE SKIP LOCKED)
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Who is to confirm what: `context` is the kind of thing, `reference` names it."""

    user_id: UUID
    context: str
    reference: str

    @property
    def parameters(self) -> dict[str, object]:
        return {"user_id": self.user_id, "context": self.context, "reference": self.reference}

    @property
    def ends_when_used_up(self) -> bool:
        """Whether the third wrong code is the end of it (T8); other matters begin anew with another code."""
        return self.context == "transfer"


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of wanting to send. `phone` is None when there is no such user."""

    answered: dict[str, Any] | None  # the same request's answer, from the first time
    phone: str | None
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Try:
    """The right to try a code once. `attempts` counts it."""

    verification_sid: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a challenge stands. `wait_seconds`: until another code may be sent; 0 or less when it may."""

    is_verified: bool
    is_sending: bool
    is_trying: bool
    has_code: bool
    is_used_up: bool
    wait_seconds: int


class ConfirmationRepository:
    """Challenges.

    Args:
        lease_seconds: how long a claim holds; longer than the provider may take.
        resend_seconds: how long after a code no other is sent, while it can still be tried.
        most_tries: wrong codes in all.
    """

    def __init__(self, database: Database, *, lease_seconds: float, resend_seconds: float, most_tries: int) -> None:
        self._database = database
        self._memory = IdempotencyStore(database)
        self._lease = {"lease_seconds": lease_seconds}
        self._resend = {"resend_seconds": resend_seconds}
        self._tries = {"most_tries": most_tries}

    async def claim_sending(self, request: ParticipantRequest, matter: Matter) -> Claim:
        """Take the right to send a code, or find what the same request answered.

        Raises:
            ServiceError: the refusal that was remembered, such as `RequestUndone`.
        """
        parameters = {**_to_send(matter), **self._lease, **self._resend, **self._tries}
        attempt = await self._memory.attempt(request, _CLAIM, parameters)
        return Claim(answered=attempt.done, phone=attempt.row["phone"], is_mine=attempt.row["is_claimed"])

    async def open(
        self, request: ParticipantRequest, matter: Matter, *, verification_sid: str, phone: str
    ) -> dict[str, Any] | None:
        """Note that the code was sent, and remember the answer; None when the claim is lost.

        Raises:
            RequestUndone: the request was withdrawn meanwhile.
        """
        parameters = {**_to_send(matter), **self._tries, "verification_sid": verification_sid, "phone": phone}
        return (await self._memory.attempt(request, _OPEN, parameters)).done

    async def give_up_sending(self, request: ParticipantRequest, matter: Matter) -> None:
        await self._database.execute(_GIVE_UP_SENDING, {**matter.parameters, "request_id": request.request_id})

    async def remember_not_sent(
        self, request: ParticipantRequest, *, retry_after_seconds: int | None
    ) -> dict[str, Any]:
        return await self._memory.store_done(request, {"sent": False, "retry_after_seconds": retry_after_seconds})

    async def withdraw(self, request: ParticipantRequest, matter: Matter, *, undoes_request_id: UUID) -> Attempt:
        """Close the challenge, whoever sent the code, and bury the request."""
        return await self._memory.attempt(request, _WITHDRAW, matter.parameters, undoes_request_id=undoes_request_id)

    async def standing_of(self, matter: Matter) -> Standing | None:
        row = await self._database.fetch_one(_STANDING, {**matter.parameters, **self._resend, **self._tries})
        return None if row is None else Standing(**{**row, "wait_seconds": int(row["wait_seconds"])})

    async def take_try(self, matter: Matter) -> Try | None:
        """Count a try at the open code; None when it cannot be tried now."""
        row = await self._database.fetch_one(_TAKE_TRY, {**matter.parameters, **self._lease, **self._tries})
        return None if row is None else Try(row["verification_sid"], row["attempts"])

    async def note_right(self, matter: Matter, tried: Try) -> bool:
        """The challenge is verified; False when the code was replaced or withdrawn meanwhile."""
        return await self._database.execute(_NOTE_RIGHT, _of(matter, tried)) == 1

    async def note_wrong(self, matter: Matter, tried: Try) -> None:
        await self._database.execute(_NOTE_WRONG, _of(matter, tried))

    async def note_expired(self, matter: Matter, tried: Try) -> None:
        """Nobody can be right about that code any more; it was no wrong one."""
        await self._database.execute(_NOTE_EXPIRED, _of(matter, tried))

    async def note_unanswered(self, matter: Matter, tried: Try) -> None:
        """The try does not count."""
        await self._database.execute(_NOTE_UNANSWERED, _of(matter, tried))

    async def clean(self, *, batch: int) -> int:
        """Drop challenges a day after their last code, `batch` at most; returns how many."""
        return await self._database.execute(_CLEAN, {"batch": batch})


def _to_send(matter: Matter) -> dict[str, object]:
    return {**matter.parameters, "ends_when_used_up": matter.ends_when_used_up}


def _of(matter: Matter, tried: Try) -> dict[str, object]:
    return {**matter.parameters, "verification_sid": tried.verification_sid}
