"""The platform's invariants, which hold after any fault (`python -m invariants`, with five database URLs).

The tests, the benchmarks and the demo check them. The checks read all databases, so the platform must be idle: no saga
unfinished, no message unsent; `settle` waits for that. `snapshot` has the queries, each other module the rules of one
subject. `report` sorts what does not fit for operators, who run the command after a restore (docs/operations.md#backups).
"""

from invariants.checker import InvariantChecker, InvariantsBroken, PlatformUrls, check, require, settle

__all__ = ["InvariantChecker", "InvariantsBroken", "PlatformUrls", "check", "require", "settle"]
