"""What the generators make of the API's document."""

import uuid
from typing import Any

import httpx
import pytest

from sdk.document import Document, client_document
from sdk.python_code import python_files
from ticketremaster_client import Client, Page, models, operations
from ticketremaster_client.generated.models import Pagination

SHARED = "orders__gifts__schemas__Gift"
KEY = {"name": "idempotency-key", "in": "header", "schema": {"type": "string"}}


def answer(*schemas: str) -> Document:
    choices = [{"$ref": f"#/components/schemas/{name}"} for name in schemas]
    return {"content": {"application/json": {"schema": choices[0] if len(choices) == 1 else {"anyOf": choices}}}}


def envelope(name: str) -> Document:
    return {"properties": {"success": {"const": True}, "data": {"$ref": f"#/components/schemas/{name}"}}}


@pytest.fixture(scope="module")
def document() -> Document:
    gift = {
        "type": "object",
        "title": "Gift",
        "required": ["name", "status"],
        "properties": {
            "name": {"type": "string", "maxLength": 5, "title": "Name"},
            "title": {"type": "string"},
            "status": {"type": "string", "enum": ["NEW", "SENT"]},
        },
    }
    wrapping = {"type": "object", "required": ["paper"], "properties": {"paper": {"type": "string", "enum": ["red"]}}}
    operation: dict[str, Any] = {
        "operationId": "post_gifts_by_gift_id",
        "summary": "Wrap a gift",
        "parameters": [{"name": "gift_id", "in": "path", "schema": {"type": "string", "format": "uuid"}}, KEY],
        "requestBody": {"required": True, **answer("Wrapping")},
        "responses": {
            "200": answer("Success_Gift_", "Success_InProgress_"),
            "202": answer("Success_InProgress_"),
            "409": {"description": "GIFT_SENT, FORBIDDEN"},
        },
    }
    schemas = {
        SHARED: gift,
        "Wrapping": wrapping,
        "InProgress": {"type": "object", "properties": {}},
        "ErrorBody": {"type": "object"},
        "Pagination": {"type": "object"},
        "Success_Gift_": envelope(SHARED),
        "Success_InProgress_": envelope("InProgress"),
    }
    merged = {
        "info": {"title": "Gifts", "version": "1"},
        "paths": {"/api/gifts/{gift_id}": {"post": operation}, "/api/webhooks/gifts": {"post": operation}},
        "components": {"schemas": schemas},
    }
    return client_document(merged)


def test_clients_document_has_no_intermediate_answers_constraints_and_webhooks(document: Document) -> None:
    assert list(document["paths"]) == ["/api/gifts/{gift_id}"]
    assert sorted(document["components"]["schemas"]) == [
        "ErrorBody",
        "GiftsGift",
        "Pagination",
        "SuccessGift",
        "Wrapping",
    ]
    gift = document["components"]["schemas"]["GiftsGift"]["properties"]
    assert gift["name"] == {"type": "string"}
    assert "title" in gift


def test_python_functions_are_typed(document: Document) -> None:
    files = python_files(document)
    assert (
        "def post_gifts_by_gift_id(gift_id: UUID | str, body: models.Wrapping) -> Call[models.GiftsGift]:"
        in files["operations.py"]
    )
    assert "takes_key=True" in files["operations.py"]
    assert "may_be_pending=True" in files["operations.py"]
    assert 'GIFT_SENT: Final = "GIFT_SENT"' in files["codes.py"]
    assert 'status: Literal["NEW", "SENT"] | str' in files["models.py"]  # a later release may answer another
    assert 'paper: Literal["red"]\n' in files["models.py"]


def test_pages_follow_each_other_by_number_by_place_and_by_offset() -> None:
    last: Page[Any] = Page([], Pagination(page=2, per_page=10, total=20, total_pages=2))
    first: Page[Any] = Page([], Pagination(page=1, per_page=10, total=20, total_pages=2, next="n"))
    by_number, by_place, by_offset = (
        operations.get_events(q="jazz"),
        operations.get_orders(page=1),
        operations.get_menu_purchase_history(limit=10),
    )
    following = [call.following(first) for call in (by_number, by_place, by_offset)]
    assert [call.query for call in following if call] == [
        {**by_number.query, "page": 2},
        {name: value for name, value in {**by_place.query, "after": "n"}.items() if name != "page"},
        {**by_offset.query, "offset": 10},
    ]
    assert [call.following(last) for call in (by_number, by_place, by_offset)] == [None, None, None]


def test_values_are_quoted_in_paths_and_left_out_of_queries() -> None:
    call = operations.get_orders_by_order_id("a/b")
    assert str(call.request("https://shop.example", {}).url) == "https://shop.example/api/orders/a%2Fb"
    listed = operations.get_events(past=True, page=2).request("https://shop.example", {})
    assert httpx.QueryParams(listed.url.query) == httpx.QueryParams({"past": "true", "page": "2"})


def test_types_refuse_what_the_api_does_not_know() -> None:
    """mypy reports an ignored error that is none."""

    def wrong(client: Client) -> None:
        client.call(operations.post_pay(models.PayRequest(order=uuid.uuid4())))  # type: ignore[call-arg]
        client.call(operations.post_pay(models.ReserveRequest(event_id=uuid.uuid4())))  # type: ignore[arg-type]
        client.call(operations.get_credits_balance()).amount  # type: ignore[attr-defined] # noqa: B018
        client.items(operations.get_credits_balance())  # type: ignore[arg-type]

    assert wrong.__name__
