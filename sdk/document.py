"""The merged OpenAPI document as clients see it: what their code is generated from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.openapi import reachable

__all__ = [
    "SCHEMAS", "Document", "answer_of", "client_document", "error_codes", "is_pending", "operations", "takes_key",
]  # fmt: skip

Document = dict[str, Any]

SCHEMAS: Final = "#/components/schemas/"
KEY: Final = "idempotency-key"
PENDING: Final = "x-pending"  # on an operation whose answer 202 was left out
CODES: Final = "x-error-codes"
ERROR: Final = "ErrorBody"
PAGINATION: Final = "Pagination"
CODE: Final = re.compile(r"\b(?:[A-Z0-9]+(?:_[A-Z0-9]+)+|FORBIDDEN|UNAUTHORIZED)\b")
# Payment providers and the supplier call these, no client.
SIGNED: Final = "/api/webhooks/"
# They restrict what the platform accepts now. A client that checked them would refuse what a later release accepts or answers.
CONSTRAINTS: Final = frozenset(
    {"pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "le", "ge"}
)
EXAMPLES: Final = frozenset({"example", "examples", "title"})


def client_document(document: Document) -> Document:
    """Return a smaller document for clients.

    - without the webhooks' operations, constraints, examples and titles;
    - with names of schemas that are identifiers;
    - without refusals, whose codes are in `x-error-codes`;
    - without the answers "in progress" of operations that have another: clients repeat the call, or raise;
    - without the defaults of requests, which the platform fills in;
    - answers' enumerations accept other strings, which a later release may send.
    """
    paths = {path: item for path, item in document["paths"].items() if not path.startswith(SIGNED)}
    codes = _error_codes(paths)
    slim: Document = _slim({"paths": {path: _operations_of(item) for path, item in paths.items()}})
    schemas = {name: _slim(schema) for name, schema in document["components"]["schemas"].items()}
    asked = reachable({"bodies": [op.get("requestBody") for _, _, op in operations(slim)]}, schemas)
    used = {ERROR: schemas[ERROR], PAGINATION: schemas[PAGINATION]} | reachable(slim, schemas)
    used = {name: _without_defaults(schema) if name in asked else _open(schema) for name, schema in used.items()}
    names = {name: _identifier(name) for name in sorted(used)}
    renamed: Document = _renamed(
        {
            "openapi": "3.1.0",
            "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
            CODES: codes,
            "paths": slim["paths"],
            "components": {"schemas": {names[name]: used[name] for name in sorted(used)}},
        },
        names,
    )
    return renamed


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Yield the method, path and operation of each operation, by its id."""
    found = [(method, path, op) for path, item in document["paths"].items() for method, op in item.items()]
    yield from sorted(found, key=lambda each: str(each[2]["operationId"]))


def answer_of(operation: Document) -> Document:
    """Return the schema of a success, or nothing if it has no body."""
    for status, answer in operation["responses"].items():
        if status.startswith("2") and "content" in answer:
            content: dict[str, Document] = answer["content"]
            schema: Document = next(iter(content.values()))["schema"]
            return schema
    return {}


def takes_key(operation: Document) -> bool:
    """Return whether the operation takes an `Idempotency-Key`."""
    return any(parameter["name"].lower() == KEY for parameter in operation.get("parameters", ()))


def is_pending(operation: Document) -> bool:
    """Return whether the answer may be 202 in place of the result."""
    return bool(operation.get(PENDING))


def error_codes(document: Document) -> list[str]:
    """Return the codes of all refusals, sorted."""
    return list(document[CODES])


def _error_codes(paths: Document) -> list[str]:
    """Return the codes that the descriptions of the refusals list."""
    refusals = [
        answer.get("description", "")
        for _, _, operation in operations({"paths": paths})
        for status, answer in operation["responses"].items()
        if not status.startswith("2")
    ]
    return sorted({code for text in refusals for code in CODE.findall(text)})


def _operations_of(item: Document) -> Document:
    return {method: _with_results(operation) for method, operation in item.items()}


def _with_results(operation: Document) -> Document:
    """Keep the answers of success, without "in progress" where there is another."""
    results = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    pending = results.pop("202", None)
    if not (pending and results):
        return operation | {"responses": results or {"202": pending}}
    [(status, result)] = results.items()
    going_on, whole = _schema_of(pending), _schema_of(result)
    if whole == going_on:
        return operation | {"responses": results}
    rest = [each for each in whole.get("anyOf", [whole]) if each != going_on]
    schema = rest[0] if len(rest) == 1 else {"anyOf": rest}
    final = result | {"content": {"application/json": {"schema": schema}}}
    return operation | {"responses": {status: final}, PENDING: True}


def _schema_of(answer: Document) -> Document:
    schema: Document = answer["content"]["application/json"]["schema"]
    return schema


def _slim(node: Any) -> Any:
    if isinstance(node, list):
        return [_slim(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if key == "properties":
            kept[key] = {name: _slim(schema) for name, schema in value.items()}
        elif key not in CONSTRAINTS | EXAMPLES and not (key == "default" and isinstance(value, dict)):
            kept[key] = _slim(value)
    return kept


def _without_defaults(schema: Document) -> Document:
    properties = schema.get("properties", {})
    optional = {name: {key: each[key] for key in each if key != "default"} for name, each in properties.items()}
    return schema | ({"properties": optional} if properties else {})


def _open(node: Any) -> Any:
    """Let enumerations accept other strings, too."""
    if isinstance(node, list):
        return [_open(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "enum" in node and node.get("type") == "string":
        described = {key: value for key, value in node.items() if key in {"description", "default"}}
        return described | {"anyOf": [{"type": "string", "enum": node["enum"]}, {"type": "string"}]}
    return {key: _open(value) for key, value in node.items()}


def _identifier(name: str) -> str:
    """Return `CommissionsFailure` for `orchestrator__features__commissions__schemas__status__Failure`, and so on."""
    module, _, last = name.rpartition("__") if name[0].islower() else ("", "", name)
    folders = [part for part in module.split("__")[1:] if part not in {"features", "schemas"}]
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[\W_]+", "_".join([*folders[:1], last])))


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(each, names) for each in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _renamed(value, names) for key, value in node.items()}
    if isinstance(reference := renamed.get("$ref"), str):
        renamed["$ref"] = SCHEMAS + names[reference.removeprefix(SCHEMAS)]
    return renamed
