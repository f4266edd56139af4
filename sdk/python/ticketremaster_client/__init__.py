"""A client of TicketRemaster's API, sync and async."""

from ticketremaster_client.calls import Operation, Tokens
from ticketremaster_client.client import AsyncClient, Client
from ticketremaster_client.errors import ApiError, NoAnswer, RateLimited, Unauthenticated, Unavailable

__all__ = [
    "ApiError", "AsyncClient", "Client", "NoAnswer", "Operation", "RateLimited", "Tokens", "Unauthenticated", "Unavailable",
]  # fmt: skip
