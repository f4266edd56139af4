"""The platform's invariants, which hold after any fault (`python -m devstack.invariants`).

The tests, the benchmarks and the demo check them. The checks read all databases, so the platform must be idle: no saga
unfinished, no message unsent; `settle` waits for that. `snapshot` has the queries, each other module the rules of one
subject.
"""

from devstack.invariants.checker import InvariantChecker, InvariantsBroken, PlatformUrls, check, require, settle

__all__ = ["InvariantChecker", "InvariantsBroken", "PlatformUrls", "check", "require", "settle"]
