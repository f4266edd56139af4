"""How long tests wait, and how long the services they start wait: what a machine with a load average of 16 can keep.

A test that passes waits for none of these times. Tests of a time that runs out set a short one of their own.
"""

import os
from typing import Final

__all__ = ["ANSWER_SECONDS", "CONDITION_SECONDS", "GENEROUS", "be_generous"]

ANSWER_SECONDS: Final = 90.0
"""For an answer to a test's own request."""
CONDITION_SECONDS: Final = 60.0
"""For a condition that comes true by itself."""

GENEROUS: Final = {
    "CALL_TIMEOUT_SECONDS": "30",
    "DATABASE_POOL_TIMEOUT_SECONDS": "60",
    "OTP_TIMEOUT_SECONDS": "30",
    "PROVIDER_TIMEOUT_SECONDS": "30",
    "PUBLISH_TIMEOUT_SECONDS": "30",
    "REQUEST_BUDGET_SECONDS": "45",
    "SAGA_STEP_TIMEOUT_SECONDS": "30",
    "SMTP_TIMEOUT_SECONDS": "30",
    "STATEMENT_TIMEOUT_SECONDS": "60",
    "UPSTREAM_TIMEOUT_SECONDS": "60",
}
"""Settings of every service that a test starts, in this process or as a process of its own."""


def be_generous() -> None:
    """Put the settings into this process's environment, which its children inherit."""
    os.environ.update(GENEROUS)
