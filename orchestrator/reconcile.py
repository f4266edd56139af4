"""`python -m orchestrator.reconcile`: compares payments with the providers' records now, and prints the differences.

The exit status is 1 if an admin must look: a payment contradicts the record, is unknown, was credited although its
provider does not call it paid, could not be checked, or has a report that the ledger refuses; or a provider did not
respond. The other provider's payments are compared even then.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from common.errors import ServiceError
from common.telemetry.logs import configure_logs
from orchestrator.clients import Clients
from orchestrator.features.payments.adapters.providers import PaymentProviders
from orchestrator.features.payments.service.reconciliation import Reconciliation
from orchestrator.features.payments.service.reconciliation_report import Reconciled
from orchestrator.settings import Settings

__all__ = ["reconcile"]


async def reconcile(settings: Settings) -> Reconciled:
    """Compare the payments of the last `RECONCILE_DAYS` and all open ones.

    Raises:
        Unavailable: the users service does not respond.
    """
    clients, providers = Clients.connect(settings), PaymentProviders.connect(settings)
    reconciliation = Reconciliation(
        stripe=providers.stripe, nowpayments=providers.nowpayments, payments=clients.payments
    )
    try:
        return await reconciliation.run(datetime.now(UTC) - timedelta(days=settings.reconcile_days))
    finally:
        await providers.close()
        await clients.close()


def report(done: Reconciled) -> str:
    """Return a line for each difference, and the counts."""
    lines = [
        f"{each.provider} {each.provider_payment_id} {each.payment_id or 'no payment of this platform'}: "
        f"{each.ours or 'unknown'} here, {' '.join(filter(None, (each.subject, each.theirs)))} there -> {each.outcome}"
        for each in done.differences
    ]
    lines += [
        f"{each.provider} {each.provider_payment_id} {each.payment_id}: "
        f"SUCCEEDED here, {each.theirs or 'unknown'} there -> UNFOUNDED"
        for each in done.unfounded
    ]
    lines += [f"{provider} did not answer" for provider in done.unreachable]
    counts = (
        f"{done.compared} compared, {len(done.differences)} differed, {len(done.unfounded)} unfounded, "
        f"{done.refused} refused, {done.unasked} could not be checked"
    )
    return "\n".join([*lines, counts]) + "\n"


def main() -> None:
    settings = Settings()
    configure_logs(service="reconcile", level="ERROR", log_format=settings.log_format)
    try:
        done = asyncio.run(reconcile(settings))
    except ServiceError as error:
        sys.exit(f"The users service did not respond: {error.code} {error.private}")
    sys.stdout.write(report(done))
    sys.exit(done.needs_admin)


if __name__ == "__main__":
    main()
