"""`python -m devstack.check`: check the invariants of the running platform once it is idle."""

import asyncio
import sys

from devstack.home import Home, default_home
from devstack.services import Urls
from invariants import InvariantChecker


async def check_running_stack() -> int:
    """Print what does not fit; return 0 if everything does, 2 if the platform is not running."""
    state = Home(default_home()).read_state()
    if state is None:
        print("The platform is not running. Start it with: make up", file=sys.stderr)
        return 2
    async with InvariantChecker(Urls(**state.urls)) as checker:
        await checker.settle()
        report = await checker.report()
    print("\n".join(report.lines()))
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(check_running_stack()))
