"""Examples of JSON, made from its schema: the schema's own where it has one."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["IDS", "Schemas", "answer_example", "request_example"]

Schemas = Mapping[str, Mapping[str, Any]]

SCHEMAS: Final = "#/components/schemas/"
# Of the seed data, so that an example finds something.
IDS: Final = {
    "event_id": "e1e1e1e1-e1e1-e1e1-e1e1-e1e1e1e1e1e1",
    "seat_id": "55555555-5555-5555-5555-555555555101",
    "user_id": "41414141-4141-4141-4141-414141414141",
    "venue_id": "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1",
}
BY_FORMAT: Final = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date-time": "2027-01-01T12:00:00Z",
    "email": "fan@example.com",
}
BY_TYPE: Final[Mapping[str, Any]] = {"string": "text", "integer": 1, "number": 1, "boolean": True, "null": None}


def request_example(schema: Mapping[str, Any], schemas: Schemas) -> Any:
    """Return a body that a call takes.

    Of properties that may be left out only the first is there: they may exclude each other.
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


def answer_example(schema: Mapping[str, Any], schemas: Schemas) -> Any:
    """Return an answer with all that it may have."""
    return _example("", schema, schemas)


def _example(name: str, schema: Mapping[str, Any], schemas: Schemas) -> Any:
    """`name` is the property's."""
    schema = _resolved(schema, schemas)
    for given in ("example", "const"):
        if given in schema:
            return schema[given]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return _example(name, alternatives[0], schemas)
    if schema.get("type") == "object":
        return {key: _example(key, inner, schemas) for key, inner in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_example(name.removesuffix("s"), schema.get("items", {}), schemas)]
    return _plain(name, schema)


def _plain(name: str, schema: Mapping[str, Any]) -> Any:
    if schema.get("default") is not None:
        return schema["default"]
    if schema.get("format") == "uuid":
        return IDS.get(name, BY_FORMAT["uuid"])
    return BY_FORMAT.get(schema.get("format", ""), BY_TYPE.get(schema.get("type", "")))


def _resolved(schema: Mapping[str, Any], schemas: Schemas) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(SCHEMAS)]
    return schema


def _without_null(schema: Mapping[str, Any], schemas: Schemas) -> Mapping[str, Any]:
    """Return what a value is when it is given."""
    given = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    return _resolved(given[0], schemas) if given else schema
