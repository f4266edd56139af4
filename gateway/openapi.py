"""One OpenAPI document out of the services' own: what the allow-list lets through, and nothing else.

Schemas of one name that mean different things in two services get the service's name in front.
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

__all__ = ["Description", "merge"]

Document = dict[str, Any]
Source = Callable[[Upstream], Awaitable[Document]]

RETRY_SECONDS: Final = 2.0  # while a service has never described itself
SCHEMAS: Final = "#/components/schemas/"
BEARER: Final = "bearer"

ABOUT: Final = """
Sign in by `POST /api/auth/login` and send the `access_token` as `Authorization: Bearer …`. POSTs that move money or
seats take an `Idempotency-Key`: the same key with the same body gives the first answer again. Answers are
`{"success": true, "data": …}`; errors are `{"success": false, "error_code", "message", "details"?,
"correlation_id"}`. Requests are counted per minute, see the `RateLimit-*` headers.

Seat maps live: connect a WebSocket to `/ws/events/{event_id}`.
""".strip()

logger = get_logger(__name__)


class Description:
    """The merged document, read again from the services when it is older than `cache_seconds`.

    A service that is away is described as it last described itself.
    """

    def __init__(self, read: Source, *, routes: Iterable[Route], title: str, cache_seconds: float) -> None:
        self._read = read
        self._routes = tuple(routes)
        self._title = title
        self._cache_seconds = cache_seconds
        self._known: dict[Upstream, Document] = {}
        self._merged: Document = {}
        self._good_until = 0.0
        self._reading = asyncio.Lock()

    async def document(self) -> Document:
        async with self._reading:
            if time.monotonic() >= self._good_until:
                await asyncio.gather(*(self._learn(upstream) for upstream in Upstream))
                self._merged = merge(self._known, routes=self._routes, title=self._title)
                is_whole = len(self._known) == len(Upstream)
                seconds = self._cache_seconds if is_whole else min(self._cache_seconds, RETRY_SECONDS)
                self._good_until = time.monotonic() + seconds
        return self._merged

    async def _learn(self, upstream: Upstream) -> None:
        try:
            self._known[upstream] = await self._read(upstream)
        except ServiceError as error:
            logger.warning("openapi.service_away", upstream=upstream, reason=str(error.private))


def merge(documents: Mapping[Upstream, Document], *, routes: Iterable[Route], title: str) -> Document:
    """Return one document of the operations that `routes` let through; paths are named as the services name them."""
    documents = _with_distinct_schemas(documents)
    paths: Document = {}
    schemas: Document = {}
    for route in routes:
        document = documents.get(route.upstream, {})
        path, operation = _operation(document, route)
        if operation is None:
            continue
        paths.setdefault(path, {})[route.method.lower()] = _as_seen_outside(operation, route)
        schemas |= _reachable(paths[path][route.method.lower()], _schemas(document))
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


def _as_seen_outside(operation: Document, route: Route) -> Document:
    """Name the service as the tag, say who may, and drop the 422 that FastAPI assumes: bad input is 400 here."""
    seen = copy.deepcopy(operation)
    seen.setdefault("tags", [route.upstream.value])
    seen["security"] = [] if route.access in {Access.PUBLIC, Access.SIGNED} else [{BEARER: []}]
    unprocessable = seen.get("responses", {}).get("422")
    if unprocessable and "HTTPValidationError" in str(unprocessable):
        del seen["responses"]["422"]
    return seen


def _with_distinct_schemas(documents: Mapping[Upstream, Document]) -> dict[Upstream, Document]:
    clashes = _clashes([_schemas(document) for document in documents.values()])
    return {
        upstream: _renamed(document, {name: upstream.value.title() + name for name in clashes})
        for upstream, document in documents.items()
    }


def _clashes(catalogues: list[Document]) -> set[str]:
    """Return the names that mean different things, by themselves or by what they refer to."""
    names = [name for catalogue in catalogues for name in catalogue]
    shared = {name for name in names if names.count(name) > 1}
    meanings = {name: [catalogue[name] for catalogue in catalogues if name in catalogue] for name in shared}
    clashes = {name for name in shared if any(meaning != meanings[name][0] for meaning in meanings[name])}
    while True:
        infected = {name for name in shared - clashes if clashes & set(_references(meanings[name][0]))}
        if not infected:
            return clashes
        clashes |= infected


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


def _reachable(operation: Document, schemas: Document) -> Document:
    found: Document = {}
    wanted = list(_references(operation))
    while wanted:
        name = wanted.pop()
        if name in schemas and name not in found:
            found[name] = schemas[name]
            wanted.extend(_references(schemas[name]))
    return found


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
