"""Requests for tips, what tells one from another, and their plans."""

import uuid
from typing import Any

import pytest
from pydantic import ValidationError

from orchestrator.clients.orders.purchased_items import ItemType
from orchestrator.features.purchased_items.service import ItemRequest
from orchestrator.features.tips.saga import tip_plans
from orchestrator.features.tips.schemas import TipRequest

IDS = {"tip_menu_item_id": str(uuid.uuid4()), "performer_id": str(uuid.uuid4())}
NOTHING: Any = None


@pytest.mark.parametrize(
    ("more", "mode"),
    [
        ({}, "IMMEDIATE"),
        ({"execution_mode": "QUEUED"}, "QUEUED"),
        ({"scheduled_for": "2027-01-01T12:00:00Z"}, "QUEUED"),
        ({"executionMode": "QUEUED", "holdFunds": True}, "QUEUED"),
        ({"execution_mode": "IMMEDIATE", "hold_funds": False}, "IMMEDIATE"),
    ],
)
def test_mode_of_a_tip(more: dict[str, Any], mode: str) -> None:
    assert TipRequest.model_validate(IDS | more).mode == mode


@pytest.mark.parametrize(
    "more",
    [
        {"execution_mode": "IMMEDIATE", "scheduled_for": "2027-01-01T12:00:00Z"},
        {"hold_funds": True},
        {"execution_mode": "LATER"},
        {"amount": "1.00"},
        {"message": "x" * 281},
        {"message": "a\0b"},
        {"idempotency_key": ""},
        {"idempotency_key": "x" * 256},
    ],
)
def test_contradictory_or_unknown_request_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TipRequest.model_validate(IDS | more)


def request(**changes: Any) -> ItemRequest:
    facts: dict[str, Any] = {
        "operation": "tip",
        "buyer_user_id": uuid.UUID(int=1),
        "item_type": ItemType.TIP,
        "offer_id": uuid.UUID(int=2),
        "content": {},
    }
    return ItemRequest(**facts | {"key": None, "address": ""} | changes)


def test_proof_is_of_one_buyer_item_and_request() -> None:
    first = request(key="k").proof_reference
    assert request(key="k").proof_reference == first
    others = [request(), request(key="l"), request(item_key="k"), request(key="k", item_key="k")]
    others.append(request(key="k", buyer_user_id=uuid.UUID(int=3)))
    others.append(request(key="k", offer_id=uuid.UUID(int=3)))
    assert first not in {other.proof_reference for other in others}


def test_proof_of_a_request_without_a_key_is_that_of_its_repetition_with_the_fresh_key() -> None:
    first = request()
    assert request(item_key=first.fresh_key).proof_reference == first.proof_reference
    assert request().proof_reference != first.proof_reference


def test_queued_tip_holds_credits_when_it_is_performed_and_a_funded_one_at_once() -> None:
    queued, funded = tip_plans(NOTHING, NOTHING)
    assert queued.is_past_wait("hold credits")
    assert not funded.is_past_wait("hold credits")
    for plan in (queued, funded):
        assert plan.is_past_wait("pay performer")
        assert plan.index_of("enqueue job") < plan.index_of("enqueue item"), "no visible item lacks its job"


def test_message_may_have_lines_as_that_of_a_menu_purchase() -> None:
    message = "For Mia,\nwho turns eight"
    assert TipRequest.model_validate(IDS | {"message": message}).message == message
