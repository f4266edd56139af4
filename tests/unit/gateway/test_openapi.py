"""Merges the services' OpenAPI documents into one."""

from typing import Any

from gateway.openapi import merge, operation_id
from gateway.routing import ROUTES, Access, Route, Upstream

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


def test_different_schemas_of_one_name_are_renamed() -> None:
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


def test_schemas_differ_if_a_referenced_schema_differs() -> None:
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


def test_equal_schemas_are_shared_and_unused_ones_omitted() -> None:
    error = {"title": "what went wrong"}
    documents = {
        Upstream.ORDERS: described("/api/orders/{order_id}", "get", answering("ErrorBody"), ErrorBody=error),
        Upstream.ORCHESTRATOR: described(
            "/api/events", "get", answering("ErrorBody"), ErrorBody=error, Ledger={"title": "internal"}
        ),
    }
    merged = merge(documents, routes=[ORDERS, EVENTS], title="All")
    assert merged["components"]["schemas"] == {"ErrorBody": error}


def test_access_is_described_and_parameters_keep_their_names() -> None:
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


def test_default_422_of_fastapi_is_omitted_and_a_declared_one_kept() -> None:
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


def test_service_without_a_description_is_omitted() -> None:
    assert merge({}, routes=[ORDERS, EVENTS], title="All")["paths"] == {}


def test_each_operation_has_an_id_of_its_own_that_follows_from_its_route() -> None:
    document = described("/api/orders/{id}", "get", answering("Order", operationId="show_it"), Order={})
    merged = merge({Upstream.ORDERS: document}, routes=[ORDERS], title="All")
    assert merged["paths"]["/api/orders/{id}"]["get"]["operationId"] == "get_orders_by_order_id"
    picture = Route("GET", "/api/tickets/{seat_id}/qr.svg", Upstream.ORCHESTRATOR, Access.USER)
    assert operation_id(picture) == "get_tickets_by_seat_id_qr_svg"
    assert len({operation_id(route) for route in ROUTES}) == len(ROUTES)
