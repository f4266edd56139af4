"""Timeouts and limits of tests and of the services they start: a machine with a load average of 16 can keep the timeouts.

A passing test waits for none of them. Tests of a timeout or a limit set a short one themselves.
"""

import os
from typing import Final

ANSWER_SECONDS: Final = 90.0
"""For a response to a test's own request."""
CONDITION_SECONDS: Final = float(os.environ.get("TEST_CONDITION_SECONDS", "60"))
"""For a condition that becomes true without further action. `make mutants` has many that never do, and waits less."""

TOKEN_SECONDS: Final = 86_400
"""For the access tokens of a platform: a module's users log in once."""

GENEROUS: Final = {
    "CALL_TIMEOUT_SECONDS": "30",
    "DATABASE_POOL_TIMEOUT_SECONDS": "60",
    # All users of the tests have one address, and some tests send many codes.
    "OTP_SENDS_BY_OTHERS": "0",
    "OTP_SENDS_PER_ACCOUNT": "0",
    "OTP_SENDS_PER_ADDRESS": "0",
    "OTP_SENDS_PER_PHONE": "0",
    "OTP_TIMEOUT_SECONDS": "30",
    "PROVIDER_TIMEOUT_SECONDS": "30",
    "PUBLISH_TIMEOUT_SECONDS": "30",
    "REQUEST_BUDGET_SECONDS": "45",
    "SAGA_STEP_TIMEOUT_SECONDS": "30",
    "SMTP_TIMEOUT_SECONDS": "30",
    "STATEMENT_TIMEOUT_SECONDS": "60",
    "UPSTREAM_TIMEOUT_SECONDS": "60",
}
"""Settings of every service that a test starts, in this process or in another one."""


def be_generous() -> None:
    """Put the settings into this process's environment, which its children inherit."""
    os.environ.update(GENEROUS)
