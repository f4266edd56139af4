"""`python -m devstack.audit`: ask pip-audit about vulnerabilities in what is locked for production.

A known one fails. That nobody could be asked does not, as nothing would be known then either way; it is said.
"""

import json
import subprocess
import sys
from typing import Any, Final

from devstack.home import ROOT

LOCK: Final = ROOT / "requirements.txt"
# Read from the lock alone: nothing is installed, nothing resolved.
COMMAND: Final = (
    "-m",
    "pip_audit",
    "--requirement",
    str(LOCK),
    "--no-deps",
    "--disable-pip",
    "--require-hashes",
    "--progress-spinner=off",
    "--format=json",
)
# What it says of a service that gives no answer.
UNREACHABLE: Final = ("ConnectionError", "ServiceError", "Could not connect", "Max retries exceeded", "timed out")
MOST_SECONDS: Final = 120
# Vulnerabilities that do not concern us: id → why not, and until when that was looked at.
IGNORED: Final[dict[str, str]] = {}


def main() -> int:
    """Return 1 when something locked is known to be vulnerable."""
    packages = _asked()
    if packages is None:
        print("No vulnerability service could be reached: nothing was audited.", file=sys.stderr)
        return 0
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown:
        print(f"{len(unknown)} of {len(packages)} packages are unknown to the vulnerability service.", file=sys.stderr)
    found = [line for package in packages for line in _findings(package)]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def _asked() -> list[dict[str, Any]] | None:
    """Return what is known of each package, None when nobody could be asked.

    Raises:
        SystemExit: pip-audit failed for another reason, such as a lock that it cannot read.
    """
    try:
        audit = subprocess.run(
            [sys.executable, *COMMAND], capture_output=True, text=True, check=False, timeout=MOST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    if audit.stdout.startswith("{"):
        return list(json.loads(audit.stdout)["dependencies"])
    if any(sign in audit.stderr for sign in UNREACHABLE):
        return None
    sys.exit(audit.stderr)


def _findings(package: dict[str, Any]) -> list[str]:
    """Return a line for each vulnerability that is not ignored."""
    return [
        f"{package['name']} {package['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
        for found in package.get("vulns", [])
        if found["id"] not in IGNORED and not IGNORED.keys() & set(found.get("aliases", []))
    ]


if __name__ == "__main__":
    sys.exit(main())
