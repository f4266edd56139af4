"""`python -m tests.integration.devstack.child_process CODE`: prints its identity and exits with that code, or waits."""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    facts = {
        "name": __name__,
        "arguments": sys.argv[1:],
        "env": dict(os.environ),
        "cwd": str(Path.cwd()),
        "pid": os.getpid(),
        "session": os.getsid(0),
        "has_input": bool(sys.stdin.read()),
    }
    sys.stdout.write(json.dumps(facts))
    sys.stdout.flush()
    if sys.argv[1] == "wait":
        time.sleep(60)
    sys.exit(int(sys.argv[1]))


if __name__ == "__main__":
    main()
