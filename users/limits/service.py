"""Limits on attempts in a window of time.

They are counted in PostgreSQL rather than in the process: a count holds for all copies of the service and over a restart,
and one small statement costs little compared with the password hash or the text message that it guards.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.errors import TooManyRequests
from users.limits.repository import AttemptCount, AttemptsRepository


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `allowed` attempts in a window; 0 is no limit. `scope` keeps its counts apart from other limits'."""

    scope: str
    allowed: int
    window_seconds: int


class Tried(NamedTuple):
    """A limit and the subject it is counted for: an email address, a network, an account."""

    limit: Limit
    subject: str


class AttemptLimits:
    def __init__(self, repository: AttemptsRepository) -> None:
        self._repository = repository

    async def check(self, tried: Sequence[Tried]) -> None:
        """Check the limits without counting an attempt.

        Raises:
            TooManyRequests: one of the limits is used up.
        """
        counted = _switched_on(tried)
        if counted:
            _refuse_when(counted, await self._repository.read(**_keys(counted)), spent=True)

    async def count(self, tried: Sequence[Tried]) -> None:
        """Count an attempt against each limit.

        Raises:
            TooManyRequests: it exceeds one of them.
        """
        counted = _switched_on(tried)
        if counted:
            windows = [one.limit.window_seconds for one in counted]
            _refuse_when(counted, await self._repository.count(**_keys(counted), windows_seconds=windows), spent=False)

    async def uncount(self, tried: Tried) -> None:
        """Uncount an attempt that did not take place."""
        await self._repository.uncount(scope=tried.limit.scope, subject_hash=_digest(tried.subject))

    async def reset(self, tried: Tried) -> None:
        """Delete the count."""
        await self._repository.reset(scope=tried.limit.scope, subject_hash=_digest(tried.subject))


def _switched_on(tried: Sequence[Tried]) -> list[Tried]:
    return [one for one in tried if one.limit.allowed > 0]


def _keys(tried: Sequence[Tried]) -> dict[str, list[str]]:
    return {
        "scopes": [one.limit.scope for one in tried],
        "subject_hashes": [_digest(one.subject) for one in tried],
    }


def _refuse_when(tried: Sequence[Tried], counts: Sequence[AttemptCount], *, spent: bool) -> None:
    """Refuse if a limit is exceeded; with `spent`, also if it is exactly reached."""
    allowed = {one.limit.scope: one.limit.allowed - int(spent) for one in tried}
    waits = [count.seconds_left for count in counts if count.attempts > allowed[count.scope]]
    if waits:
        raise TooManyRequests("Too many attempts. Please try again later.", retry_after_seconds=max(waits))


def _digest(subject: str) -> str:
    return hashlib.blake2b(subject.encode(), digest_size=16).hexdigest()
