"""`python -m orchestrator.reconcile`: compares payments with the providers' own records now, and says what differed.

Ends with 1 when a person has to look: a payment contradicts our record, is none of ours, was credited though its
provider does not call it paid, could not be asked about, or is told of in a way that the ledger refuses; or a provider
did not answer. The other one's payments are compared all the same.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from common.auth.service_tokens import ServiceTokens
from common.errors import ServiceError
from common.http.client import ServiceClient
from common.telemetry.logs import configure_logs
from orchestrator.service.reconciled import Reconciled
from orchestrator.settings import Settings
from orchestrator.tills import Tills
from orchestrator.wiring import SERVICE

__all__ = ["reconcile"]


async def reconcile(settings: Settings) -> Reconciled:
    """Compare the payments of the last `RECONCILE_DAYS`, and all that are still open.

    Raises:
        Unavailable: the users service cannot be asked.
    """
    tokens = ServiceTokens(service=SERVICE, secret=settings.service_token_secret)
    users = ServiceClient(
        callee="users", base_url=settings.users_url, tokens=tokens, deadline_seconds=settings.call_timeout_seconds
    )
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
        f"{found.ours or 'unknown'} here, {found.theirs} there -> {found.outcome}"
        for found in done.differences
    ]
    lines += [
        f"{found.provider} {found.provider_payment_id} {found.payment_id}: "
        f"SUCCEEDED here, {found.theirs or 'unknown'} there -> UNFOUNDED"
        for found in done.unfounded
    ]
    lines += [f"{provider} did not answer" for provider in done.unreachable]
    asked = (
        f"{done.compared} compared, {len(done.differences)} differed, {len(done.unfounded)} unfounded, "
        f"{done.refused} refused, {done.unasked} could not be asked about"
    )
    return "\n".join([*lines, asked]) + "\n"


def main() -> None:
    settings = Settings()
    configure_logs(service="reconcile", level="ERROR", log_format=settings.log_format)
    try:
        done = asyncio.run(reconcile(settings))
    except ServiceError as error:
        sys.exit(f"Nobody could be asked: {error.code} {error.private}")
    sys.stdout.write(told(done))
    sys.exit(done.is_for_people)


if __name__ == "__main__":
    main()
