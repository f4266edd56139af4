"""What must be true of the whole platform, whatever happened to it (`python -m devstack.invariants`).

Used by the tests, the bench and the demo. The checks read every database, so they look at it *at rest*: with no saga in
hand and no message unsent; `settle` waits for that. `books` reads, and each other module has the rules of one subject.
"""

from devstack.invariants.inspector import Inspector, InvariantsBroken, PlatformUrls, check, require, settle

__all__ = ["Inspector", "InvariantsBroken", "PlatformUrls", "check", "require", "settle"]
