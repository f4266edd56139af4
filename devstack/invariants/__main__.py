"""`python -m devstack.invariants`: check the running platform."""

import asyncio
import sys

from devstack.home import Home, default_home
from devstack.invariants import check, settle
from devstack.services import Urls


async def check_running_stack() -> int:
    state = Home(default_home()).read_state()
    if state is None:
        print("The platform is not running. Start it with: make up", file=sys.stderr)
        return 2
    urls = Urls(**state.urls)
    await settle(urls)
    violations = await check(urls)
    print("\n".join(violations) or "All invariants hold.")
    return 1 if violations else 0


sys.exit(asyncio.run(check_running_stack()))
