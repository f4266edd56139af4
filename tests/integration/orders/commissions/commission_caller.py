"""Commissions as the orchestrator's own client calls them."""

import asyncio
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import orjson

from common.errors import ServiceError
from common.http.client import ServiceClient
from common.http.error_mapping import error_from_response
from orchestrator.clients.orders.commissions import (
    CommissionFacts,
    CommissionsClient,
    CommissionType,
    NewCommission,
    NewVersion,
    PayWith,
    QualityReport,
)
from orchestrator.saga_engine.plan import Call
from tests.support.callers import Caller

PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "OPENING": (),
    "AWAITING_PAYMENT": ("await_payment",),
    "PROCESSING": ("accept",),
    "QUALITY_CHECK": ("accept", "add_version"),
    "ADMIN_REVIEW": ("accept", "add_version", "submit"),
    "PUBLISHING": ("accept", "add_version", "submit", "begin_publication"),
    "COMPLETED": ("accept", "add_version", "submit", "begin_publication", "complete"),
    "FAILED": ("accept", "fail"),
    "REFUNDED": ("accept", "end"),
    "CANCELLED": ("await_payment", "end"),
}
"""The actions that bring an order to a status."""


class InProcessService(ServiceClient):
    """Calls an app in this process as `ServiceClient` calls a process."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, params: dict[str, Any] | None = None
    ) -> Any:
        content = None if body is None else orjson.dumps(body, default=str)
        headers = {"content-type": "application/json"}
        answer = await self._caller.request(method, path, content=content, params=params, headers=headers)
        if answer.is_error:
            raise error_from_response(answer.status_code, answer.headers, answer.content)
        return answer.json()["data"]


def version_of(title: str = "A night to remember", content: str = "<p>The doors open at seven.</p>") -> NewVersion:
    quality = QualityReport(passed=True, words=5, readability=70.5, likeness=0.25, findings=())
    return NewVersion(
        title=title,
        content=content,
        provider="built-in",
        model="facts-1",
        input_tokens=120,
        output_tokens=480,
        cost_usd="0.012345",
        quality=quality,
    )


def commission(**changes: Any) -> NewCommission:
    """Return an article for 40 credits."""
    facts: dict[str, Any] = {
        "order_id": uuid.uuid4(),
        "customer_user_id": uuid.uuid4(),
        "type": CommissionType.ARTICLE,
        "price": Decimal("40.00"),
        "pay_with": PayWith.CREDITS,
        "event_id": uuid.uuid4(),
        "brief": "A look ahead at the concert.",
        "keywords": ("concert", "Singapore"),
    }
    return NewCommission(**facts | changes)


def backlink(article_id: uuid.UUID | None = None, **changes: Any) -> NewCommission:
    link = {"target_url": "https://tea.example.com/", "anchor_text": "a cup of tea"}
    article_id = article_id or uuid.uuid4()
    return commission(type=CommissionType.BACKLINK, event_id=None, article_id=article_id, **link, **changes)


@dataclass(frozen=True)
class Order:
    """An order, and the call of each action, so that an action can be repeated."""

    facts: NewCommission
    calls: dict[str, Call] = field(default_factory=dict)

    @property
    def key(self) -> uuid.UUID:
        return self.facts.order_id

    def call(self, name: str) -> Call:
        undone = {"end": "open", "abandon_publication": "begin_publication"}.get(name)
        undoes_request_id = self.call(undone).request_id if undone else None
        return self.calls.setdefault(
            name, Call(uuid.uuid4(), undoes_request_id, "COMMISSION_REFUNDED" if undone else "")
        )

    def renew(self, *names: str) -> "Order":
        """Return the order without the calls of some actions: their next ones are new."""
        return Order(self.facts, {name: call for name, call in self.calls.items() if name not in names})


class CommissionCaller:
    def __init__(self, orchestrator: Caller) -> None:
        self.client = CommissionsClient(InProcessService(orchestrator))

    async def perform(self, order: Order, name: str, **arguments: Any) -> Any:
        """Perform an action by its name in the client, again under the same id."""
        call, facts = order.call(name), self._arguments(order, name) | arguments
        if name == "open":
            return await self.client.open(call, order.facts)
        return await getattr(self.client, name)(call, order.key, **facts)

    @staticmethod
    def _arguments(order: Order, name: str) -> dict[str, Any]:
        arguments: dict[str, dict[str, Any]] = {
            "await_payment": {
                "session_id": f"cs_{order.key}",
                "url": f"https://checkout.example.com/{order.key}",
                "expires_at": datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=1),
            },
            "revise": {"notes": "A livelier opening, please."},
            "add_version": {"round_number": 1, "version": version_of()},
            "fail": {"round_number": 1, "code": "TEXT_REFUSED", "message": "The text did not pass the checks."},
            "send_back": {"notes": "Name the venue."},
            "end": {"explanation": "The order was refunded."},
            "complete": {"slug": "a-night-to-remember"},
        }
        return arguments.get(name, {})

    async def at(self, status: str, facts: NewCommission | None = None) -> Order:
        """Open an order and bring it to `status`."""
        order = Order(facts or commission())
        for name in ("open", *PATHS[status]):
            await self.perform(order, name)
        return order

    async def find(self, order: Order) -> CommissionFacts:
        return await self.client.find(order.key)

    async def status(self, order: Order) -> str:
        return (await self.find(order)).status


async def outcome(action: Awaitable[Any]) -> Any:
    """Return the action's answer, or the code of its refusal."""
    try:
        return await action
    except ServiceError as refusal:
        return refusal.code


async def at_once(*actions: Awaitable[Any]) -> list[Any]:
    """Return the outcomes of concurrent actions."""
    return list(await asyncio.gather(*map(outcome, actions)))
