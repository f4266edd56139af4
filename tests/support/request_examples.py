"""Examples of request bodies from schemas: the schema's own example if it has one."""

from collections.abc import Mapping
from typing import Any, Final

from devstack.seed import PASSWORD

__all__ = ["request_example"]

Schemas = Mapping[str, Mapping[str, Any]]

SCHEMAS: Final = "#/components/schemas/"
# Seed data by property, so that an example call finds it.
SEEDED: Final = {
    "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
    "seat_id": "55555555-5555-5555-5555-555555555101",
    "user_id": "41414141-4141-4141-4141-414141414141",
    "venue_id": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1",
    "product_id": "d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d1",
    "email": "user1@example.com",
    "password": PASSWORD,
}
BY_FORMAT: Final = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date-time": "2027-01-01T12:00:00Z",
    "email": "fan@example.com",
}
BY_TYPE: Final[Mapping[str, Any]] = {"string": "text", "integer": 1, "number": 1, "boolean": True, "null": None}


def request_example(schema: Mapping[str, Any], schemas: Schemas) -> Any:
    """Return the body of a request.

    It contains only the first of the optional properties, because they may exclude each other.
    """
    resolved = _without_null(_resolved(schema, schemas), schemas)
    if "example" in resolved or resolved.get("type") != "object":
        return _example("", resolved, schemas)
    properties, required = resolved.get("properties", {}), resolved.get("required", [])
    optional = [name for name in properties if name not in required]
    return {
        name: _example(name, _without_null(property_, schemas), schemas)
        for name, property_ in properties.items()
        if name in required or name in optional[:1]
    }


def _example(name: str, schema: Mapping[str, Any], schemas: Schemas) -> Any:
    """Return an example; `name` is the property's name."""
    schema = _resolved(schema, schemas)
    if "example" in schema:
        return schema["example"]
    if "const" in schema:
        return schema["const"]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return _example(name, alternatives[0], schemas)
    return _example_of_type(name, schema, schemas)


def _example_of_type(name: str, schema: Mapping[str, Any], schemas: Schemas) -> Any:
    if schema.get("type") == "object":
        return {key: _example(key, inner, schemas) for key, inner in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_example(name.removesuffix("s"), schema.get("items", {}), schemas)]
    return _plain(name, schema)


def _plain(name: str, schema: Mapping[str, Any]) -> Any:
    if schema.get("default") is not None:
        return schema["default"]
    if name in SEEDED:
        return SEEDED[name]
    return BY_FORMAT.get(schema.get("format", ""), BY_TYPE.get(schema.get("type", "")))


def _resolved(schema: Mapping[str, Any], schemas: Schemas) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(SCHEMAS)]
    return schema


def _without_null(schema: Mapping[str, Any], schemas: Schemas) -> Mapping[str, Any]:
    """Return the schema of a value that is not null."""
    alternatives = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    return _resolved(alternatives[0], schemas) if alternatives else schema
