"""The orders service's commissions: articles and backlinks that customers order, and the versions of their text (C1 to C6)."""

import enum
import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from common.http.client import ServiceClient
from common.money import Money
from common.rows import readable
from orchestrator.clients.calls import post
from orchestrator.saga_engine.plan import Call

__all__ = [
    "CommissionFacts",
    "CommissionStatus",
    "CommissionType",
    "CommissionsClient",
    "NewCommission",
    "NewVersion",
    "PayWith",
    "QualityReport",
    "VersionFacts",
]

PATH = "/internal/commissions"


class CommissionType(enum.StrEnum):
    ARTICLE = "ARTICLE"
    BACKLINK = "BACKLINK"


class PayWith(enum.StrEnum):
    CREDITS = "credits"
    STRIPE = "stripe"


class CommissionStatus(enum.StrEnum):
    OPENING = "OPENING"  # not visible yet: the order may still be refused
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    PROCESSING = "PROCESSING"
    QUALITY_CHECK = "QUALITY_CHECK"  # the customer reads it, asks for revisions, or submits it
    ADMIN_REVIEW = "ADMIN_REVIEW"
    PUBLISHING = "PUBLISHING"  # approved; shown as ADMIN_REVIEW
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"  # its credits stay in escrow until an admin retries it, or it is refunded
    REFUNDED = "REFUNDED"
    CANCELLED = "CANCELLED"  # never paid


class NewCommission(BaseModel):
    """An order to be opened, as a saga stores it. `order_id` is the id of the saga."""

    model_config = ConfigDict(frozen=True)

    order_id: uuid.UUID
    customer_user_id: uuid.UUID
    type: CommissionType
    price: Money
    pay_with: PayWith
    event_id: uuid.UUID | None = None
    """The event that an article is about; None for a backlink."""
    article_id: uuid.UUID | None = None
    """The published article that a backlink goes into; None for an article."""
    brief: str
    keywords: tuple[str, ...] = ()
    target_url: str | None = None
    anchor_text: str | None = None
    """An article has a link if both are set; a backlink always has both."""
    links_allowed: bool = False
    """Whether other customers may order backlinks into the published article."""


class QualityReport(BaseModel):
    """The outcome of the quality checks, stored with a version: `findings` is empty if all have passed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    passed: bool
    words: int
    readability: float
    """Flesch reading ease."""
    likeness: float
    """To the most similar other text, 0 to 1."""
    regenerations: int = 0
    findings: tuple[str, ...] = ()


class NewVersion(BaseModel):
    """A generated text. `content` is clean HTML. `cost_usd` and the tokens are None for the built-in provider."""

    model_config = ConfigDict(frozen=True)

    title: str
    content: str
    provider: str
    model: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: str | None = None
    """With six decimal places, over all regenerations."""
    quality: QualityReport


class VersionFacts(BaseModel):
    """A version. `changes` is a unified diff of its plain text to the version before; empty for the first."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version_id: uuid.UUID
    number: int
    title: str
    content: str
    notes: str  # the revision that was asked for
    changes: str
    qc_status: str  # passed or failed
    quality: QualityReport
    provider: str
    model: str
    created_at: datetime


class CommissionFacts(BaseModel):
    """An order in the orders service."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    order_id: uuid.UUID
    customer_user_id: uuid.UUID
    type: CommissionType
    status: CommissionStatus
    price: Money
    pay_with: PayWith
    event_id: uuid.UUID | None
    article_id: uuid.UUID | None
    brief: str
    keywords: tuple[str, ...]
    target_url: str | None
    anchor_text: str | None
    links_allowed: bool
    checkout_url: str | None
    checkout_expires_at: datetime | None
    round: int
    """The number of the text that is being written, or was written last: 1 for the first, one more for each revision or retry."""
    notes: str
    """What the customer asked for with the last revision."""
    review_notes: str
    """What an admin wrote when the order was sent back last."""
    failure_code: str | None
    failure_message: str
    """In plain words, for the customer."""
    slug: str | None
    """Of the published article."""
    versions: tuple[VersionFacts, ...] = Field(default=())
    """Oldest first."""
    created_at: datetime
    paid_at: datetime | None
    failed_at: datetime | None
    ended_at: datetime | None

    @property
    def version(self) -> VersionFacts | None:
        """The current version."""
        return self.versions[-1] if self.versions else None


class CommissionsClient:
    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    async def open(self, call: Call, order: NewCommission) -> None:
        """Open an order, OPENING.

        Refusals: ORDER_INVALID_STATE, another backlink into the same article is not finished, with `article_id` in
        `details`.
        """
        await post(self._orders, PATH, call, **order.model_dump(mode="json"))

    async def end(self, call: Call, order_id: uuid.UUID, *, explanation: str) -> None:
        """Undo `open`, in any status but COMPLETED: discard an OPENING order; CANCELLED if it was AWAITING_PAYMENT; else REFUNDED.

        The call's reason and its explanation for the customer are stored, unless the order has FAILED before.
        `commission.cancelled` or `commission.refunded` leaves with the write.
        """
        await self._post(order_id, "end", call, reason=call.reason, explanation=explanation)

    async def await_payment(
        self, call: Call, order_id: uuid.UUID, *, session_id: str, url: str, expires_at: datetime
    ) -> None:
        """Make an OPENING order AWAITING_PAYMENT, with its checkout."""
        checkout = {"session_id": session_id, "url": url, "expires_at": expires_at}
        await self._post(order_id, "await-payment", call, **checkout)

    async def accept(self, call: Call, order_id: uuid.UUID) -> None:
        """Make a paid order PROCESSING, round 1; `commission.received` leaves with the write."""
        await self._post(order_id, "accept", call)

    async def revise(self, call: Call, order_id: uuid.UUID, *, notes: str) -> int:
        """Make a QUALITY_CHECK order PROCESSING again and return the new round. Else: ORDER_INVALID_STATE."""
        return int((await self._post(order_id, "revise", call, notes=notes))["round"])

    async def retry(self, call: Call, order_id: uuid.UUID) -> int:
        """Make a FAILED order PROCESSING again and return the new round. Else: ORDER_INVALID_STATE."""
        return int((await self._post(order_id, "retry", call))["round"])

    async def resume(self, order_id: uuid.UUID, *, round_number: int) -> CommissionFacts:
        """Return the order for its job, with all its versions, and make it PROCESSING if it had FAILED in the same round.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Conflict: ORDER_INVALID_STATE; this round is written, or the order has ended.
        """
        answer = await self._orders.post(f"{PATH}/{order_id}/resume", {"round": round_number})
        return CommissionFacts.model_validate(answer)

    async def add_version(self, call: Call, order_id: uuid.UUID, *, round_number: int, version: NewVersion) -> int:
        """Store a version and make the order QUALITY_CHECK; return its number.

        `commission.ready`, or `commission.revision_ready` for a later one, leaves with the write. Refusals:
        ORDER_INVALID_STATE, the order is not PROCESSING in this round.
        """
        facts = {"round": round_number, **version.model_dump(mode="json")}
        return int((await self._post(order_id, "versions", call, **facts))["number"])

    async def fail(self, call: Call, order_id: uuid.UUID, *, round_number: int, code: str, message: str) -> None:
        """Make an order FAILED that is PROCESSING in this round; `commission.failed` leaves with the write.

        Refusals: ORDER_INVALID_STATE.
        """
        await self._post(order_id, "fail", call, round=round_number, code=code, message=message)

    async def submit(self, call: Call, order_id: uuid.UUID) -> None:
        """Make a QUALITY_CHECK order ADMIN_REVIEW; `commission.submitted` leaves with the write. Else: ORDER_INVALID_STATE."""
        await self._post(order_id, "submit", call)

    async def send_back(self, call: Call, order_id: uuid.UUID, *, notes: str) -> None:
        """Make an ADMIN_REVIEW order QUALITY_CHECK; `commission.sent_back` leaves with the write. Else: ORDER_INVALID_STATE."""
        await self._post(order_id, "send-back", call, notes=notes)

    async def begin_publication(self, call: Call, order_id: uuid.UUID, *, version_number: int | None = None) -> None:
        """Make an ADMIN_REVIEW order PUBLISHING, if this version is the current one. Else: ORDER_INVALID_STATE."""
        await self._post(order_id, "begin-publication", call, version_number=version_number)

    async def abandon_publication(self, call: Call, order_id: uuid.UUID) -> None:
        """Undo `begin_publication`: ADMIN_REVIEW again."""
        await self._post(order_id, "abandon-publication", call)

    async def complete(self, call: Call, order_id: uuid.UUID, *, slug: str) -> None:
        """Make a PUBLISHING order COMPLETED; `commission.completed` leaves with the write."""
        await self._post(order_id, "complete", call, slug=slug)

    async def find(self, order_id: uuid.UUID) -> CommissionFacts:
        """Return an order that is not OPENING, with its latest 20 versions; only the current one has its content.

        Raises:
            NotFound: ORDER_NOT_FOUND.
        """
        return CommissionFacts.model_validate(await self._orders.get(f"{PATH}/{order_id}"))

    async def find_by_checkout(self, session_id: str) -> CommissionFacts:
        """Return the order of a checkout session as `find` does.

        Raises:
            NotFound: ORDER_NOT_FOUND.
        """
        return CommissionFacts.model_validate(await self._orders.get(f"{PATH}/by-checkout/{session_id}"))

    async def stalled(
        self, status: CommissionStatus, *, before: datetime, after: uuid.UUID | None, limit: int
    ) -> list[CommissionFacts]:
        """Return orders that have been PROCESSING or FAILED since before a time, by id, those behind `after`; without versions."""
        query = {"status": status.value, "before": before.isoformat(), "limit": limit}
        rows = await self._orders.get(PATH, query | ({"after": str(after)} if after else {}))
        return readable(rows, CommissionFacts.model_validate, of="commissions", key="order_id")

    async def stats(self) -> dict[str, Any]:
        """Return the orders by status, revisions per order, the rate of success, and how long orders take (C6)."""
        answer: dict[str, Any] = await self._orders.get(f"{PATH}/stats")
        return answer

    async def _post(self, order_id: uuid.UUID, route: str, call: Call, **facts: object) -> Any:
        return await post(self._orders, f"{PATH}/{order_id}/{route}", call, **facts)
