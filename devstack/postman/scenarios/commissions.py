"""Commissions: an article about the seeded event, which is revised, submitted, approved and read."""

from typing import Any, Final

from devstack.postman.scenarios.common import log_in, show_balance, sign_up
from devstack.postman.scripts import Variable
from devstack.postman.steps import Scenario, Step

__all__ = ["COMMISSIONS"]

CREDITS: Final = "100.00"
AFTER_ORDER: Final = "60.00"
PRICE: Final = "40.00"
ORDER: Final = "/api/commissions/{{commission_id}}"
ADMIN: Final = "/api/admin/commissions/{{commission_id}}"


def _show(name: str, *, expected: dict[str, Any], saved: dict[str, str] | None = None) -> Step:
    return Step(name=name, method="GET", path=ORDER, user="sponsor", expected=expected, saved=saved or {})


def _wait(name: str, path: str, value: Any) -> Step:
    return Step(name=name, method="GET", path=ORDER, user="sponsor", repeated_until={path: value})


ORDERED: Final = (
    Step(
        name="The prices",
        method="GET",
        path="/api/commissions/prices",
        expected={"data[0].type": "ARTICLE", "data[0].price": PRICE},
    ),
    Step(
        name="The sponsor orders an article",
        path="/api/commissions",
        user="sponsor",
        key="{{sponsor_id}}-article",
        body={
            "type": "ARTICLE",
            "event_id": "{{event_id}}",
            "brief": "A night out with friends: the concert, and dinner before it.",
            "keywords": ["night out"],
            "target_url": "https://dinner.example/menu",
            "anchor_text": "dinner by the river",
            "pay_with": "credits",
        },
        status=201,
        expected={"data.status": "PROCESSING"},
        saved={"commission_id": "data.order_id"},
    ),
    show_balance("sponsor", AFTER_ORDER),
    _wait("Wait until it is written", "data.status", "QUALITY_CHECK"),
    _show(
        "The first version",
        expected={"data.version.number": 1, "data.version.qc_status": "passed", "data.can_request_revision": True},
    ),
)
REVISED: Final = (
    Step(
        name="The sponsor asks for a revision",
        path=f"{ORDER}/revisions",
        user="sponsor",
        body={"revision_notes": "Please make the opening livelier."},
        expected={"data.order_id": Variable("commission_id")},
        present=["data.job_id", "data.estimated_time", "data.message"],
    ),
    _wait("Wait until it is revised", "data.version.number", 2),
    Step(
        name="The sponsor submits it",
        path=f"{ORDER}/submit",
        user="sponsor",
        expected={"data.status": "ADMIN_REVIEW"},
    ),
    Step(
        name="A revision is refused now",
        path=f"{ORDER}/revisions",
        user="sponsor",
        body={"revision_notes": "One more thing."},
        status=409,
        expected={"success": False, "error_code": "ORDER_INVALID_STATE"},
    ),
)
PUBLISHED: Final = (
    log_in("admin"),
    Step(
        name="An admin sends it back", path=f"{ADMIN}/send-back", user="admin", body={"notes": "Name the doors' time."}
    ),
    _show("The admin's words", expected={"data.status": "QUALITY_CHECK", "data.review_notes": "Name the doors' time."}),
    Step(name="The sponsor submits it again", path=f"{ORDER}/submit", user="sponsor"),
    Step(name="An admin approves it", path=f"{ADMIN}/approve", user="admin"),
    _wait("Wait until it is published", "data.status", "COMPLETED"),
    _show("The published order", expected={"data.status": "COMPLETED"}, saved={"article_slug": "data.slug"}),
    Step(
        name="The article",
        method="GET",
        path="/api/articles/{{article_slug}}",
        expected={"data.slug": Variable("article_slug")},
        present=["data.title", "data.content"],
    ),
    show_balance("sponsor", AFTER_ORDER),
)

COMMISSIONS: Final = Scenario(
    name="Commissions",
    description=(
        "A sponsor orders an article about a concert, has it revised and submits it. An admin sends it back once, then "
        "approves it. The credits wait in escrow until it is published. Requests that wait repeat themselves."
    ),
    steps=[*sign_up("sponsor", phone="+6588", credits_=CREDITS), *ORDERED, *REVISED, *PUBLISHED],
)
