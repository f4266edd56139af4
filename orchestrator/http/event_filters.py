"""The filters of lists of events, as query parameters of the events service."""

from typing import Annotated, Any

from fastapi import Depends, Query

from common.fields import Instant, PlainText

__all__ = ["EventFilters"]


async def event_filters(
    q: Annotated[PlainText | None, Query(max_length=100, description="Part of the event's name.")] = None,
    from_: Annotated[Instant | None, Query(alias="from", description="The earliest event date (RFC 3339).")] = None,
    to: Annotated[
        Instant | None, Query(description="Only events before this time, which is not included (RFC 3339).")
    ] = None,
    *,
    past: Annotated[bool, Query(description="Include events that have ended.")] = False,
) -> dict[str, Any]:
    filters = {"q": q, "from": from_ and from_.isoformat(), "to": to and to.isoformat(), "past": past and "true"}
    return {name: value for name, value in filters.items() if value}


EventFilters = Annotated[dict[str, Any], Depends(event_filters)]
