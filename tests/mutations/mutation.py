"""A deliberate bug, and the tests that must see it."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Mutation", "MutationDoesNotFit"]


class MutationDoesNotFit(Exception):
    """The source has changed: the text before is not there, or more than once."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    name: str
    file: str
    """From the root of the repository."""
    before: str
    after: str
    caught_by: tuple[str, ...]
    """Tests as pytest names them. Each one must fail, by an assertion."""

    def apply(self, root: Path) -> None:
        """Put the bug into a copy of the source.

        Raises:
            MutationDoesNotFit: what to do then is to write the mutation anew, for the source as it is.
        """
        path = root / self.file
        path.write_text(self.applied_to(path.read_text()))

    def applied_to(self, source: str) -> str:
        """Return a file's text with the bug in it.

        Raises:
            MutationDoesNotFit: the text before is not there exactly once.
        """
        if (times := source.count(self.before)) != 1:
            raise MutationDoesNotFit(f"{self.name}: the text before is {times} times in {self.file}")
        return source.replace(self.before, self.after)
