"""`python -m devstack.audit`: check the locked production dependencies for known vulnerabilities, with pip-audit.

A known vulnerability fails the check. An unreachable vulnerability service does not, but is reported.
"""

import json
import subprocess
import sys
from typing import Any, Final

from devstack.home import ROOT

LOCK: Final = ROOT / "requirements.txt"
# pip-audit reads the lock alone: it installs and resolves nothing.
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
# pip-audit's messages about an unreachable service.
UNREACHABLE: Final = ("ConnectionError", "ServiceError", "Could not connect", "Max retries exceeded", "timed out")
MAX_SECONDS: Final = 120
# Vulnerabilities that do not affect this platform: id → reason and date of the assessment.
IGNORED: Final[dict[str, str]] = {}


def main() -> int:
    """Return 1 if a locked package has a known vulnerability."""
    packages = _audited_packages()
    if packages is None:
        print("No vulnerability service is reachable: nothing was audited.", file=sys.stderr)
        return 0
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown:
        print(f"{len(unknown)} of {len(packages)} packages are unknown to the vulnerability service.", file=sys.stderr)
    vulnerabilities = [line for package in packages for line in _vulnerabilities(package)]
    for line in vulnerabilities:
        print(line, file=sys.stderr)
    return 1 if vulnerabilities else 0


def _audited_packages() -> list[dict[str, Any]] | None:
    """Return pip-audit's report on each package; None if the vulnerability service is unreachable.

    Raises:
        SystemExit: pip-audit failed for another reason, such as an unreadable lock.
    """
    try:
        audit = subprocess.run(
            [sys.executable, *COMMAND], capture_output=True, text=True, check=False, timeout=MAX_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    if audit.stdout.startswith("{"):
        return list(json.loads(audit.stdout)["dependencies"])
    if any(sign in audit.stderr for sign in UNREACHABLE):
        return None
    sys.exit(audit.stderr)


def _vulnerabilities(package: dict[str, Any]) -> list[str]:
    """Return a line for each vulnerability that is not ignored."""
    return [
        f"{package['name']} {package['version']}: {known['id']}, fixed in {', '.join(known['fix_versions']) or 'none'}"
        for known in package.get("vulns", [])
        if known["id"] not in IGNORED and not IGNORED.keys() & set(known.get("aliases", []))
    ]


if __name__ == "__main__":
    sys.exit(main())
