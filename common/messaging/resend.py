"""`python -m SERVICE.resend`: sends messages again that the broker had confirmed and then lost.

The outbox keeps sent messages for a while. The command marks them as unsent, and the relay of the running service sends
them with the same ids, by which consumers recognise what they have handled. So a message that was not lost has no second
effect, and the command may be repeated.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from common.messaging.declarations import MESSAGES_EXCHANGE
from common.settings import DatabaseSettings

__all__ = ["parse_since", "resend", "run"]

BATCH: Final = 1_000
# Facts, and messages that an admin replayed to their queue. What goes to other exchanges is sent again, or made good, by
# the rows it is about.
EXCHANGES: Final = (MESSAGES_EXCHANGE, "")
# Far less than `INBOX_RETENTION`: consumers recognise every message that is sent again.
MAX_AGE: Final = timedelta(days=7)
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
DURATION: Final = re.compile(r"(\d{1,6})([smhd])")

_LOST: Final = """
    sent_at >= CAST(:since AS timestamptz) AND sent_at < CAST(:until AS timestamptz)
    AND created_at > CAST(:oldest AS timestamptz)
    AND exchange = ANY(CAST(:exchanges AS text[])) AND routing_key <> ALL(CAST(:skipped AS text[]))
    AND (CAST(:only AS text[]) IS NULL OR routing_key = ANY(CAST(:only AS text[])))
"""
_NOW: Final = text("SELECT clock_timestamp() AS now")
_COUNT: Final = text(f"SELECT routing_key, count(*) AS messages FROM outbox WHERE {_LOST} GROUP BY routing_key")  # noqa: S608
_MARK: Final = text(
    f"""
    UPDATE outbox SET sent_at = NULL
    WHERE message_id IN (SELECT message_id FROM outbox WHERE {_LOST} LIMIT :batch FOR UPDATE SKIP LOCKED)
    RETURNING routing_key
    """  # noqa: S608 - constants only
)


async def resend(
    database: Database,
    *,
    since: datetime,
    only: Sequence[str] = (),
    skipped: Sequence[str] = (),
    is_dry_run: bool = False,
) -> Mapping[str, int]:
    """Mark the messages that were sent since then as unsent; return their number by routing key.

    Args:
        only: the routing keys of these messages; all when empty. A fact's routing key is its type.
        skipped: routing keys of messages that need not be sent again.
        is_dry_run: count only.
    """
    row = await database.fetch_one(_NOW)
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    parameters = {
        "since": since,
        "until": row["now"],  # what the relay sends from now on is not sent again
        "oldest": row["now"] - MAX_AGE,
        "exchanges": list(EXCHANGES),
        "skipped": list(skipped),
        "only": list(only) or None,
    }
    if is_dry_run:
        rows = await database.fetch_all(_COUNT, parameters)
        return {row["routing_key"]: row["messages"] for row in rows}
    marked: Counter[str] = Counter()
    while rows := await database.fetch_all(_MARK, {**parameters, "batch": BATCH}):
        marked.update(row["routing_key"] for row in rows)
    return marked


def parse_since(value: str, *, now: datetime) -> datetime:
    """Read ``90m``, ``2h`` or ``3d`` before now, or an RFC 3339 time.

    Raises:
        ValueError: the text is neither, or the time has no offset.
    """
    if match := DURATION.fullmatch(value):
        return now - timedelta(**{UNITS[match[2]]: int(match[1])})
    since = datetime.fromisoformat(value)
    if since.tzinfo is None:
        raise ValueError("the time needs an offset, such as Z")
    return since


def run(service: str, *, skipped: Sequence[str] = ()) -> None:
    """Run the command that the command line gives, on the service's database."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {service}.resend", description="Sends messages again that the broker lost."
    )
    parser.add_argument(
        "--since",
        required=True,
        type=lambda value: parse_since(value, now=datetime.now(UTC)),
        help="when the first lost message may have been sent: a time (RFC 3339) or a duration such as 90m, 2h, 3d",
    )
    parser.add_argument("--only", action="append", default=[], metavar="TYPE", help="this type only; may be repeated")
    parser.add_argument("--dry-run", action="store_true", help="count the messages, and send none")
    arguments = parser.parse_args()
    numbers = asyncio.run(_resend(service, arguments, skipped))
    verb = "would be sent" if arguments.dry_run else "will be sent"
    lines = [f"{routing_key}: {number} {verb} again" for routing_key, number in sorted(numbers.items())]
    sys.stdout.write("\n".join([*lines, f"{service}: {sum(numbers.values())} messages"]) + "\n")


async def _resend(service: str, arguments: argparse.Namespace, skipped: Sequence[str]) -> Mapping[str, int]:
    database = Database(DatabaseSettings(), application_name=f"{service} resend")
    try:
        return await resend(
            database,
            since=arguments.since,
            only=arguments.only,
            skipped=skipped,
            is_dry_run=arguments.dry_run,
        )
    finally:
        await database.close()
