"""``python -m devstack.testing.warm ARGUMENT…``: run pytest on test servers that keep running between runs.

The arguments, or those in the environment variable ``T``, are pytest's: folders, files, test ids, options. If
``DATABASE_URL`` or ``RABBITMQ_URL`` is set, the run uses that existing server, as `make test` does.
"""

import os
import shlex
import sys
from collections.abc import Sequence

from devstack.errors import DevstackError
from devstack.servers import Existing
from devstack.testing.servers import addresses, running_servers, servers_home

__all__ = ["warm_environment"]


def warm_environment() -> dict[str, str]:
    """Return the environment of a test run that uses the servers and keeps its migrated templates for the next run."""
    existing = Existing.from_environment()
    if existing.postgres_url or existing.rabbitmq_url:
        return dict(os.environ)
    return os.environ | addresses(running_servers(servers_home())) | {"KEEP_TEMPLATES": "1"}


def main(arguments: Sequence[str]) -> None:
    """Replace this process by pytest: databases and virtual hosts are named after the process id."""
    tests = arguments or shlex.split(os.environ.get("T", ""))
    try:
        environment = warm_environment()
    except DevstackError as error:
        sys.exit(str(error))
    os.execve(sys.executable, [sys.executable, "-m", "pytest", "-q", *tests], environment)  # noqa: S606 - our own command


if __name__ == "__main__":
    main(sys.argv[1:])
