"""A deliberate bug, the tests that must catch it, and the claims of the docs that it breaks."""

from dataclasses import dataclass
from pathlib import Path


class MutationDoesNotFit(Exception):
    """The source has changed: the text to replace is missing, or occurs more than once."""


@dataclass(frozen=True, kw_only=True)
class Mutation:
    name: str
    file: str
    """Relative to the root of the repository."""
    before: str
    after: str
    caught_by: tuple[str, ...]
    """Test ids for pytest. Each test must fail by an assertion."""
    breaks: tuple[str, ...] = ()
    """Rows of docs/threat-model.md (``threat: mitigation``) and of the table of faults in docs/testing.md (the fault)."""

    def apply(self, root: Path) -> None:
        """Apply the bug to a copy of the source.

        Raises:
            MutationDoesNotFit: the mutation needs an update to the current source.
        """
        path = root / self.file
        path.write_text(self.applied_to(path.read_text()))

    def applied_to(self, source: str) -> str:
        """Return a file's text with the bug in it.

        Raises:
            MutationDoesNotFit: the text to replace does not occur exactly once.
        """
        if (times := source.count(self.before)) != 1:
            raise MutationDoesNotFit(f"{self.name}: the text before is {times} times in {self.file}")
        return source.replace(self.before, self.after)
