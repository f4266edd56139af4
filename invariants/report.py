"""Sorts violations by what an operator does about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from invariants import idle
from invariants.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Report:
    """What does not fit.

    Attributes:
        contradictions: what no running service will change.
        unfinished: unfinished sagas, unsent messages, and what does not fit because of such a saga. The services finish
            them once they run; a stuck saga needs a retry.
    """

    contradictions: tuple[str, ...]
    unfinished: tuple[str, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, violations: list[str]) -> Self:
        """Return the report on a snapshot's violations. A saga's order, transfer or sale has its id."""
        unfinished_ids = {str(saga["saga_id"]) for saga in snapshot.unfinished_sagas}
        in_progress = {*idle.violations(snapshot)}
        unfinished = [
            line for line in violations if line in in_progress or any(saga_id in line for saga_id in unfinished_ids)
        ]
        return cls(tuple(line for line in violations if line not in {*unfinished}), tuple(unfinished))

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
