"""Sorts violations by what an operator does about them."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Self

from invariants import idle
from invariants.snapshot import Snapshot

OUTDATED_WAIT: Final = re.compile(r"(\S+) is WAITING, its \w+ is (?!FAILED$|None$)")
"""A saga's id in the lines of `orders` and `resales`, if its participant knows more than the saga: what the saga waits for
has happened. The saga can end its wait if nothing came of it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What does not fit.

    Attributes:
        contradictions: what no running service will change. A saga that waits for what has happened is one of them: it would
            try to undo what was done.
        unfinished: unfinished sagas, unsent messages, and what does not fit because of such a saga. The services finish
            them once they run; a stuck saga needs a retry.
    """

    contradictions: tuple[str, ...]
    unfinished: tuple[str, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, violations: list[str]) -> Self:
        """Return the report on a snapshot's violations.

        A saga's order, transfer, sale or purchased item has its id; a refund names its order, a payout its performer.
        """
        outdated = {match[1] for line in violations if (match := OUTDATED_WAIT.search(line))}
        sagas = {str(saga["saga_id"]) for saga in snapshot.unfinished_sagas}
        objects = {saga["object_id"] for saga in snapshot.unfinished_sagas if saga["object_id"]}
        unfinished_ids = (sagas - outdated) | objects
        in_progress = {line for line in idle.violations(snapshot) if not _names(line, outdated)}
        unfinished = {line for line in violations if line in in_progress or _names(line, unfinished_ids)}
        return cls(
            tuple(line for line in violations if line not in unfinished),
            tuple(line for line in violations if line in unfinished),
        )

    @property
    def is_clean(self) -> bool:
        return not self.contradictions and not self.unfinished

    def lines(self) -> Iterator[str]:
        """Return the report as text."""
        if self.is_clean:
            yield "All invariants hold: the five databases fit each other, and nothing is unfinished."
        if self.contradictions:
            yield f"{len(self.contradictions)} contradictions, which need a decision:"
            yield from (f"  {line}" for line in self.contradictions)
        if self.unfinished:
            yield f"{len(self.unfinished)} unfinished, which running services complete; stuck sagas need a retry:"
            yield from (f"  {line}" for line in self.unfinished)


def _names(line: str, ids: Collection[str]) -> bool:
    return any(each in line for each in ids)
