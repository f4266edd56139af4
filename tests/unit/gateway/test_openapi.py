"""Merging the services' descriptions into one."""

from typing import Any

from gateway.openapi import merge
from gateway.routing import Access, Route, Upstream

ORDERS = Route("GET", "/api/orders/{order_id}", Upstream.ORDERS, Access.USER)
EVENTS = Route("GET", "/api/events", Upstream.ORCHESTRATOR, Access.PUBLIC)
REFRESH = Route("POST", "/api/auth/refresh", Upstream.USERS, Access.OWN_TOKEN)


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def answering(name: str, **more: Any) -> dict[str, Any]:
    return {"responses": {"200": {"content": {"application/json": {"schema": reference(name)}}}}, **more}


def described(path: str, method: str, operation: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    return {"paths": {path: {method: operation}}, "components": {"schemas": schemas}}


def schema_of(document: dict[str, Any], path: str, method: str = "get") -> str:
    content = document["paths"][path][method]["responses"]["200"]["content"]
    return str(content["application/json"]["schema"]["$ref"]).removeprefix("#/components/schemas/")


def test_schemas_of_one_name_and_two_meanings_are_kept_apart() -> None:
    documents = {
        Upstream.ORDERS: described("/api/orders/{order_id}", "get", answering("Seat"), Seat={"title": "a bought seat"}),
        Upstream.ORCHESTRATOR: described("/api/events", "get", answering("Seat"), Seat={"title": "a free seat"}),
    }
    merged = merge(documents, routes=[ORDERS, EVENTS], title="All")
    assert merged["components"]["schemas"] == {
        "OrdersSeat": {"title": "a bought seat"},
        "OrchestratorSeat": {"title": "a free seat"},
    }
    assert schema_of(merged, "/api/orders/{order_id}") == "OrdersSeat"
    assert schema_of(merged, "/api/events") == "OrchestratorSeat"


def test_a_schema_differs_when_what_it_refers_to_does() -> None:
    row = {"properties": {"seat": reference("Seat")}}
    documents = {
        Upstream.ORDERS: described(
            "/api/orders/{order_id}", "get", answering("Row"), Row=row, Seat={"title": "a bought seat"}
        ),
        Upstream.ORCHESTRATOR: described(
            "/api/events", "get", answering("Row"), Row=row, Seat={"title": "a free seat"}
        ),
    }
    merged = merge(documents, routes=[ORDERS, EVENTS], title="All")
    assert merged["components"]["schemas"]["OrdersRow"] == {"properties": {"seat": reference("OrdersSeat")}}
    assert merged["components"]["schemas"]["OrchestratorRow"] == {"properties": {"seat": reference("OrchestratorSeat")}}


def test_schemas_of_one_meaning_are_shared_and_unused_ones_left_out() -> None:
    error = {"title": "what went wrong"}
    documents = {
        Upstream.ORDERS: described("/api/orders/{order_id}", "get", answering("ErrorBody"), ErrorBody=error),
        Upstream.ORCHESTRATOR: described(
            "/api/events", "get", answering("ErrorBody"), ErrorBody=error, Ledger={"title": "internal"}
        ),
    }
    merged = merge(documents, routes=[ORDERS, EVENTS], title="All")
    assert merged["components"]["schemas"] == {"ErrorBody": error}


def test_who_may_is_said_and_a_parameter_keeps_its_services_name() -> None:
    documents = {
        Upstream.ORDERS: described("/api/orders/{id}", "get", answering("Order"), Order={}),
        Upstream.ORCHESTRATOR: described("/api/events", "get", answering("Event", tags=["browsing"]), Event={}),
        Upstream.USERS: described("/api/auth/refresh", "post", answering("Tokens"), Tokens={}),
    }
    paths = merge(documents, routes=[ORDERS, EVENTS, REFRESH], title="All")["paths"]
    assert paths["/api/orders/{id}"]["get"]["security"] == [{"bearer": []}]
    assert paths["/api/orders/{id}"]["get"]["tags"] == ["orders"]
    assert paths["/api/events"]["get"]["security"] == []
    assert paths["/api/events"]["get"]["tags"] == ["browsing"]
    assert paths["/api/auth/refresh"]["post"]["security"] == [{"bearer": []}]


def test_the_422_that_fastapi_assumes_is_left_out_and_ours_kept() -> None:
    assumed = {"422": {"content": {"application/json": {"schema": reference("HTTPValidationError")}}}}
    ours = {"422": {"description": "IDEMPOTENCY_KEY_REUSED"}}
    documents = {
        Upstream.ORDERS: described("/api/orders/{id}", "get", {"responses": assumed}, HTTPValidationError={}),
        Upstream.ORCHESTRATOR: described("/api/events", "get", {"responses": ours}),
    }
    merged = merge(documents, routes=[ORDERS, EVENTS], title="All")
    assert merged["paths"]["/api/orders/{id}"]["get"]["responses"] == {}
    assert merged["paths"]["/api/events"]["get"]["responses"] == ours
    assert merged["components"]["schemas"] == {}


def test_a_service_that_never_described_itself_is_left_out() -> None:
    assert merge({}, routes=[ORDERS, EVENTS], title="All")["paths"] == {}
