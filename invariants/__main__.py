"""`python -m invariants`: compare five databases, which it only reads, and list what does not fit.

Exits with 0 if everything fits, with 1 if the list has an entry, and with 2 if a database cannot be read.
"""

import asyncio
import sys

import asyncpg
from pydantic import ValidationError

from invariants.checker import InvariantChecker
from invariants.settings import Settings


async def _report(settings: Settings) -> int:
    async with InvariantChecker(settings) as checker:
        report = await checker.report()
    print("\n".join(report.lines()))
    return 0 if report.is_clean else 1


def main() -> int:
    try:
        return asyncio.run(_report(Settings()))
    except ValidationError as error:
        missing = sorted(str(problem["loc"][0]).upper() for problem in error.errors())
        print(f"Set the URLs of the databases: {', '.join(missing)}", file=sys.stderr)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"A database cannot be read: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
