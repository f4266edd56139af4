"""`python -m orchestrator.reconcile`: compares payments with the providers' own records now, and says what differed.

Ends with 1 when a person has to look: a payment contradicts our record, is none of ours, is credited and not confirmed,
could not be asked about, or is told of in a way that the ledger refuses.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

from common.auth.service_tokens import ServiceTokens
from common.errors import ServiceError
from common.http.client import ServiceClient
from common.telemetry.logs import configure_logs
from orchestrator.clients.payments import ReportOutcome
from orchestrator.service.reconciliation import UNCONFIRMED, Reconciled
from orchestrator.settings import Settings
from orchestrator.tills import Tills
from orchestrator.wiring import SERVICE

__all__ = ["reconcile"]

FOR_PEOPLE: Final = {ReportOutcome.MISMATCH, ReportOutcome.UNKNOWN, None}


async def reconcile(settings: Settings) -> Reconciled:
    """Compare the payments of the last `RECONCILE_DAYS`.

    Raises:
        Unavailable: the users service cannot be asked.
    """
    tokens = ServiceTokens(service=SERVICE, secret=settings.service_token_secret)
    users = ServiceClient(callee="users", base_url=settings.users_url, tokens=tokens)
    tills = Tills.connect(settings, users)
    try:
        return await tills.reconciliation().run(datetime.now(UTC) - timedelta(days=settings.reconcile_days))
    finally:
        await tills.close()
        await users.close()


def told(done: Reconciled) -> str:
    """Return the report: a line for each difference, and the count."""
    lines = [
        f"{found.provider} {found.provider_payment_id} {found.payment_id or 'none of ours'}: "
        f"{found.ours or 'unknown'} here, {found.theirs or 'unknown'} there -> {found.outcome or UNCONFIRMED}"
        for found in done.differences
    ]
    asked = (
        f"{done.compared} compared, {len(done.differences)} differed, {done.refused} refused, "
        f"{done.unasked} could not be asked about"
    )
    silent = [f"{provider} could not be asked" for provider in done.silent]
    return "\n".join([*lines, *silent, asked]) + "\n"


def needs_people(done: Reconciled) -> bool:
    unanswered = done.unasked or done.refused or done.silent
    return bool(unanswered) or any(found.outcome in FOR_PEOPLE for found in done.differences)


def main() -> None:
    settings = Settings()
    configure_logs(service="reconcile", level="ERROR", log_format=settings.log_format)
    try:
        done = asyncio.run(reconcile(settings))
    except ServiceError as error:
        sys.exit(f"Nobody could be asked: {error.code} {error.private}")
    sys.stdout.write(told(done))
    sys.exit(needs_people(done))


if __name__ == "__main__":
    main()
