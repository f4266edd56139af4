"""``python -m devstack.testing.part NAME ARGUMENT…``: run pytest as a part of `make test`, with a record."""

import sys

from devstack.testing.flaky import RECORDS
from devstack.testing.running import run_recorded


def main(name: str, *arguments: str) -> int:
    """Return pytest's exit code; 1 if a signal ended the process."""
    try:
        code = run_recorded(name, arguments, folder=RECORDS).exit_code
    except KeyboardInterrupt:
        return 130
    return code if code is not None and code >= 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
