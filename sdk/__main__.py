"""``python -m sdk [--check]``: write what the clients know of the API from its merged OpenAPI document."""

import asyncio
import sys
from typing import Final

from devstack.home import ROOT
from sdk.operations import module_of
from tests.support.openapi import describe

OPERATIONS: Final = ROOT / "sdk/python/ticketremaster_client/operations.py"


def main(*arguments: str) -> int:
    """Return 1 if `--check` finds a stale file."""
    written = module_of(asyncio.run(describe()))
    if "--check" not in arguments:
        OPERATIONS.write_text(written)
        return 0
    if OPERATIONS.read_text() == written:
        return 0
    print(f"{OPERATIONS.relative_to(ROOT)} is stale: run 'make sdk'.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
