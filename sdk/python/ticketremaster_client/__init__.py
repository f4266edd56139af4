"""A client of TicketRemaster's API, sync and async."""

from ticketremaster_client.calls import Call, Page, PageCall
from ticketremaster_client.client import AsyncClient, Client
from ticketremaster_client.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    NoAnswer,
    NotFound,
    PaymentRequired,
    RateLimited,
    StillProcessing,
    Unauthenticated,
    Unavailable,
)
from ticketremaster_client.generated import codes, models, operations
from ticketremaster_client.login import Tokens
from ticketremaster_client.repeats import Repeats

__all__ = [
    "ApiError", "AsyncClient", "Call", "Client", "Conflict", "Forbidden", "Gone", "NoAnswer", "NotFound", "Page",
    "PageCall", "PaymentRequired", "RateLimited", "Repeats", "StillProcessing", "Tokens", "Unauthenticated", "Unavailable",
    "codes", "models", "operations",
]  # fmt: skip
