"""Routes that answer in the caller's naming."""

import uuid
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from common.errors import Conflict
from common.http.envelope import Success, success
from common.http.error_mapping import install_error_handlers
from orchestrator.http.naming import CamelCaseBody, CamelCaseRoute

ITEM = str(uuid.uuid4())


class Wish(CamelCaseBody):
    menu_item_id: uuid.UUID
    hold_funds: bool = False


class Step(BaseModel):
    to_status: str


class Granted(BaseModel):
    menu_item_id: uuid.UUID
    extra_info: dict[str, str]
    history: list[Step]


def app() -> FastAPI:
    router = APIRouter(route_class=CamelCaseRoute)

    @router.post("/wishes")
    async def grant(body: Wish) -> Success[Granted]:
        if body.hold_funds:
            raise Conflict(details={"purchased_item_id": "snake_value", "resets_at": None})
        granted = Granted(
            menu_item_id=body.menu_item_id, extra_info={"menu_id": "an_id"}, history=[Step(to_status="in_progress")]
        )
        return success(granted)

    @router.get("/wishes")
    async def show() -> Success[Step]:
        return success(Step(to_status="in_progress"))

    made = FastAPI()
    install_error_handlers(made)
    made.include_router(router)
    return made


async def ask(method: str, body: Any = None, *, content: bytes | None = None, query: str = "") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://tests") as http:
        if content is not None:
            return await http.request(method, "/wishes", content=content)
        return await http.request(method, f"/wishes{query}", json=body)


async def test_body_in_snake_case_is_answered_in_snake_case() -> None:
    answer = await ask("POST", {"menu_item_id": ITEM})
    assert answer.json() == {
        "success": True,
        "data": {
            "menu_item_id": ITEM,
            "extra_info": {"menu_id": "an_id"},
            "history": [{"to_status": "in_progress"}],
        },
    }


async def test_body_in_camel_case_is_answered_in_camel_case() -> None:
    answer = await ask("POST", {"menuItemId": ITEM})
    assert answer.json() == {
        "success": True,
        "data": {"menuItemId": ITEM, "extraInfo": {"menuId": "an_id"}, "history": [{"toStatus": "in_progress"}]},
    }
    assert answer.headers["content-length"] == str(len(answer.content))


async def test_details_of_an_error_are_in_the_callers_naming() -> None:
    answer = await ask("POST", {"menuItemId": ITEM, "holdFunds": True})
    assert answer.status_code == 409
    assert answer.json()["error_code"] == "CONFLICT"
    assert answer.json()["details"] == {"purchasedItemId": "snake_value", "resetsAt": None}


async def test_invalid_field_is_named_as_the_caller_names_it() -> None:
    camel, snake = await ask("POST", {"menuItemId": "x"}), await ask("POST", {"menu_item_id": "x"})
    assert (camel.status_code, snake.status_code) == (400, 400)
    assert [*camel.json()["details"]["fields"]] == ["body.menuItemId"]
    assert [*snake.json()["details"]["fields"]] == ["body.menu_item_id"]


@pytest.mark.parametrize("body", [{"menuItemId": ITEM, "amount": 1}, {"menuItemId": ITEM, "menu_item_id": ITEM}, [], 5])
async def test_unknown_and_repeated_fields_are_refused(body: Any) -> None:
    assert (await ask("POST", body)).status_code == 400


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"menuItemId": "\\ud800"}'])
async def test_unreadable_body_is_refused(content: bytes) -> None:
    assert (await ask("POST", content=content)).status_code == 400


async def test_query_asks_for_camel_case() -> None:
    assert (await ask("GET", query="?naming=camel")).json()["data"] == {"toStatus": "in_progress"}
    assert (await ask("GET")).json()["data"] == {"to_status": "in_progress"}
