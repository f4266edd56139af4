"""Merges the services' OpenAPI documents into one of the operations on the allow-list.

If two services have different schemas of one name, each gets its service's name as a prefix.
"""

import asyncio
import copy
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from common.errors import ServiceError
from common.telemetry.logs import get_logger
from gateway.routing import Access, Route, Upstream

__all__ = ["Description", "merge", "operation_id", "reachable"]

Document = dict[str, Any]
Source = Callable[[Upstream], Awaitable[Document]]

RETRY_SECONDS: Final = 2.0  # until every service has been read
SCHEMAS: Final = "#/components/schemas/"
BEARER: Final = "bearer"

ABOUT: Final = """
Log in with `POST /api/auth/login` and send the `access_token` as `Authorization: Bearer …`. POSTs that move money or
seats accept an `Idempotency-Key`: the same key with the same body returns the first response again. Responses are
`{"success": true, "data": …}`; errors are `{"success": false, "error_code", "message", "details"?,
"correlation_id"}`. Requests are limited per minute, see the `RateLimit-*` headers.

For live seat maps, connect a WebSocket to `/ws/events/{event_id}`; for your own notifications to `/ws/me`, for your
digital orders to `/ws/fulfillment`, with the subprotocols `bearer` and your token.
""".strip()

logger = get_logger(__name__)


class Description:
    """The merged document, cached for `cache_seconds`. While a service is unavailable its last document is used."""

    def __init__(self, read: Source, *, routes: Iterable[Route], title: str, cache_seconds: float) -> None:
        self._read = read
        self._routes = tuple(routes)
        self._title = title
        self._cache_seconds = cache_seconds
        self._documents: dict[Upstream, Document] = {}
        self._merged: Document = {}
        self._good_until = 0.0
        self._reading = asyncio.Lock()

    async def document(self) -> Document:
        async with self._reading:
            if time.monotonic() >= self._good_until:
                await asyncio.gather(*(self._refresh(upstream) for upstream in Upstream))
                self._merged = merge(self._documents, routes=self._routes, title=self._title)
                is_whole = len(self._documents) == len(Upstream)
                seconds = self._cache_seconds if is_whole else min(self._cache_seconds, RETRY_SECONDS)
                self._good_until = time.monotonic() + seconds
        return self._merged

    async def _refresh(self, upstream: Upstream) -> None:
        try:
            self._documents[upstream] = await self._read(upstream)
        except ServiceError as error:
            logger.warning("openapi.service_unavailable", upstream=upstream, reason=str(error.private))


def merge(documents: Mapping[Upstream, Document], *, routes: Iterable[Route], title: str) -> Document:
    """Return one document of the operations in `routes`, with the services' names of path parameters."""
    documents = _with_distinct_schemas(documents)
    paths: Document = {}
    schemas: Document = {}
    for route in routes:
        document = documents.get(route.upstream, {})
        path, operation = _operation(document, route)
        if operation is None:
            continue
        paths.setdefault(path, {})[route.method.lower()] = _public_operation(operation, route)
        schemas |= reachable(paths[path][route.method.lower()], _schemas(document))
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(document: Document, route: Route) -> tuple[str, Document | None]:
    for path, item in document.get("paths", {}).items():
        if _shape(path) == _shape(route.path):
            return path, item.get(route.method.lower())
    return route.path, None


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _public_operation(operation: Document, route: Route) -> Document:
    """Set the service as the tag, id and security, and drop FastAPI's default 422: invalid input gets 400."""
    public = copy.deepcopy(operation)
    public["operationId"] = operation_id(route)
    public.setdefault("tags", [route.upstream.value])
    public["security"] = [] if route.access in {Access.PUBLIC, Access.SIGNED} else [{BEARER: []}]
    unprocessable = public.get("responses", {}).get("422")
    if unprocessable and "HTTPValidationError" in str(unprocessable):
        del public["responses"]["422"]
    return public


def operation_id(route: Route) -> str:
    """Return an id that stays while the route does, such as `get_orders_by_order_id`: clients' methods have that name."""
    path = route.path.removeprefix("/api/").replace("{", "by_")
    return "_".join([route.method.lower(), *re.findall(r"\w+", path)])


def _with_distinct_schemas(documents: Mapping[Upstream, Document]) -> dict[Upstream, Document]:
    clashes = _clashes([_schemas(document) for document in documents.values()])
    return {
        upstream: _renamed(document, {name: upstream.value.title() + name for name in clashes})
        for upstream, document in documents.items()
    }


def _clashes(catalogues: list[Document]) -> set[str]:
    """Return the names whose schemas differ, themselves or in what they refer to."""
    names = [name for catalogue in catalogues for name in catalogue]
    shared = {name for name in names if names.count(name) > 1}
    meanings = {name: [catalogue[name] for catalogue in catalogues if name in catalogue] for name in shared}
    clashes = {name for name in shared if any(meaning != meanings[name][0] for meaning in meanings[name])}
    while True:
        indirect = {name for name in shared - clashes if clashes & set(_references(meanings[name][0]))}
        if not indirect:
            return clashes
        clashes |= indirect


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _renamed(value, names) for key, value in node.items()}
    reference = renamed.get("$ref")
    if isinstance(reference, str) and reference.startswith(SCHEMAS):
        name = reference.removeprefix(SCHEMAS)
        renamed["$ref"] = SCHEMAS + names.get(name, name)
    if isinstance(renamed.get("schemas"), dict):
        renamed["schemas"] = {names.get(name, name): schema for name, schema in renamed["schemas"].items()}
    return renamed


def reachable(operation: Document, schemas: Document) -> Document:
    """Return the schemas to which an operation, or a part of it, refers, themselves or through others."""
    reached: Document = {}
    names = list(_references(operation))
    while names:
        name = names.pop()
        if name in schemas and name not in reached:
            reached[name] = schemas[name]
            names.extend(_references(schemas[name]))
    return reached


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(SCHEMAS):
            yield reference.removeprefix(SCHEMAS)
        for value in node.values():
            yield from _references(value)


def _schemas(document: Document) -> Document:
    return dict(document.get("components", {}).get("schemas", {}))
