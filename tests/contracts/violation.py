"""A change that violates an invariant."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A saga that succeeded, and a change of the databases that violates an invariant.

    The change is `sql` in the service's `database`, with `parameters` from the saga's data, as text. The checker reports at
    least `expected`. If `waits`, the saga stays at its wait.
    """

    saga: str
    database: str
    sql: str
    parameters: tuple[str, ...]
    expected: tuple[str, ...]
    waits: bool = False
