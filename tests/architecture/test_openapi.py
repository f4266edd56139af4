"""The public API describes every route, with examples that match their schemas."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from gateway.openapi import reachable
from gateway.routing import ROUTES
from tests.support.openapi import describe
from tests.support.request_examples import request_example


@pytest.fixture(scope="module")
async def description() -> dict[str, Any]:
    return await describe()


def errors(example: Any, schema: dict[str, Any], description: dict[str, Any]) -> list[ValidationError]:
    return list(Draft202012Validator(schema | {"components": description["components"]}).iter_errors(example))


def is_tolerant(schema: dict[str, Any]) -> bool:
    return "properties" in schema and schema.get("additionalProperties") is not False


async def test_every_route_is_described(description: dict[str, Any]) -> None:
    described = [(method.upper(), path) for path, methods in description["paths"].items() for method in methods]
    assert sorted(described) == sorted((route.method, route.path) for route in ROUTES)


async def test_request_examples_match_their_schemas(description: dict[str, Any]) -> None:
    wrong = []
    for methods in description["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                example = request_example(schema, description["components"]["schemas"])
                wrong += [(operation["summary"], error.message) for error in errors(example, schema, description)]
    assert wrong == []


async def test_changes_refuse_unknown_fields(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    tolerant = set()
    for methods in description["paths"].values():
        for method, operation in methods.items():
            if method != "get" and "requestBody" in operation:
                body = operation["requestBody"]
                tolerant |= {name for name, schema in reachable(body, schemas).items() if is_tolerant(schema)}
    assert tolerant == set()


async def test_refusal_of_a_reused_key_is_declared_where_a_key_is_taken(description: dict[str, Any]) -> None:
    wrong = []
    for methods in description["paths"].values():
        for operation in methods.values():
            names = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
            declared = "IDEMPOTENCY_KEY_REUSED" in operation["responses"].get("422", {}).get("description", "")
            if declared != ("idempotency-key" in names):
                wrong.append(operation["summary"])
    assert wrong == []


async def test_examples_of_schemas_match_them(description: dict[str, Any]) -> None:
    """FastAPI omits null properties from examples, so required ones may be missing."""
    wrong = []
    for name, schema in description["components"]["schemas"].items():
        for example in [*schema.get("examples", []), *([schema["example"]] if "example" in schema else [])]:
            found = errors(example, schema, description)
            wrong += [(name, error.message) for error in found if error.validator != "required"]
    assert wrong == []
