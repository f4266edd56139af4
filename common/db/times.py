"""Reads any time that PostgreSQL can store: asyncpg fails for those that a datetime cannot represent."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from common.fields import EARLIEST, LATEST

# PostgreSQL's binary format: microseconds since 2000, and the ends of the range for -infinity and infinity.
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EARLIEST: Final = (EARLIEST - _EPOCH) // _MICROSECOND
_LATEST: Final = (LATEST - _EPOCH) // _MICROSECOND


async def set_time_codec(connection: Any) -> None:
    """Let an asyncpg connection read times beyond 1970 to 9000, which earlier releases accepted, as the nearer of them."""
    await connection.set_type_codec("timestamptz", schema="pg_catalog", encoder=_written, decoder=_read, format="tuple")


def _written(moment: datetime) -> tuple[int]:
    return ((moment - _EPOCH) // _MICROSECOND,)


def _read(stored: tuple[int]) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(stored[0], _EARLIEST), _LATEST))
