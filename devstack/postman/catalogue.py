"""Every public route of the merged OpenAPI document, one folder per tag."""

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from devstack.postman.examples import Schemas, request_example, response_example
from devstack.postman.requests import NO_AUTH, Document, header, json_body, url_of

__all__ = ["catalogue"]

JSON: Final = "application/json"
SUCCESSES: Final = ("200", "201")
FRESH_KEY: Final = "{{$guid}}"


def catalogue(description: Mapping[str, Any]) -> list[Document]:
    """Return the folders in alphabetical order, with their calls in the gateway's order."""
    schemas = description["components"]["schemas"]
    folders: dict[str, list[Document]] = {}
    for path, method, operation in _operations(description):
        # Services differ in the capitalisation of tags.
        folders.setdefault(operation["tags"][0].capitalize(), []).append(_item(path, method, operation, schemas))
    return [{"name": name, "item": items} for name, items in sorted(folders.items())]


def _operations(description: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _item(path: str, method: str, operation: Mapping[str, Any], schemas: Schemas) -> Document:
    request: Document = {
        "method": method,
        "header": [header("Idempotency-Key", FRESH_KEY)] if _takes_key(operation) else [],
        "url": _url(path, operation),
        "description": _description(operation),
    }
    if not operation["security"]:
        request["auth"] = NO_AUTH
    if schema := _schema_of(operation.get("requestBody", {})):
        request["body"] = json_body(request_example(schema, schemas))
    return {"name": operation["summary"], "request": request, "response": _responses(operation, schemas)}


def _takes_key(operation: Mapping[str, Any]) -> bool:
    return any(parameter["name"] == "idempotency-key" for parameter in operation.get("parameters", []))


def _url(path: str, operation: Mapping[str, Any]) -> Document:
    """Return the URL: `{event_id}` becomes `:event_id` with a variable as its value, query parameters are disabled."""
    url = url_of(re.sub(r"\{([^}]*)\}", r":\1", path))
    queries = [_query(parameter) for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
    if queries:
        url["query"] = queries
    if names := re.findall(r"\{([^}]*)\}", path):
        url["variable"] = [{"key": name, "value": f"{{{{{name}}}}}"} for name in names]
    return url


def _query(parameter: Mapping[str, Any]) -> Document:
    default = parameter["schema"].get("default")
    value = "" if default is None else json.dumps(default).strip('"')
    return {
        "key": parameter["name"],
        "value": value,
        "description": parameter.get("description", ""),
        "disabled": True,
    }


def _description(operation: Mapping[str, Any]) -> str:
    """Return the description of a call and its error responses, one per line."""
    refusals = [
        f"{status}: {answer['description']}"
        for status, answer in sorted(operation["responses"].items())
        if status.isdigit() and int(status) >= HTTPStatus.BAD_REQUEST
    ]
    return "\n\n".join(part for part in (operation.get("description", ""), "\n".join(refusals)) if part)


def _responses(operation: Mapping[str, Any], schemas: Schemas) -> list[Document]:
    return [
        {
            "name": HTTPStatus(int(status)).phrase,
            "code": int(status),
            "status": HTTPStatus(int(status)).phrase,
            "header": [header("Content-Type", JSON)],
            "body": json.dumps(response_example(schema, schemas), indent=2, ensure_ascii=False),
        }
        for status in SUCCESSES
        if (schema := _schema_of(operation["responses"].get(status, {})))
    ]


def _schema_of(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    schema: Mapping[str, Any] | None = message.get("content", {}).get(JSON, {}).get("schema")
    return schema
