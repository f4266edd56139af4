"""Routes that take and give names in snake_case, and in camelCase for the clients that write it.

A route of a router with `route_class=CamelCaseRoute` answers a body in camelCase, or `?naming=camel`, in camelCase: the names in
`data`, and in `details` of an error. The names of the envelope and all values stay as they are.
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import model_validator
from pydantic.alias_generators import to_camel

from common.errors import ServiceError
from common.http.body import RequestBody

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


class CamelCaseBody(RequestBody):
    """A body whose fields may be named in camelCase, too."""

    @model_validator(mode="before")
    @classmethod
    def _to_snake_case(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        named = {_snake(name): value for name, value in body.items()}
        if len(named) < len(body):
            raise ValueError("a field is named twice")
        return named


class CamelCaseRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_named(request: Request) -> Response:
            if not await _wants_camel_case(request):
                return await handle(request)
            try:
                response = await handle(request)
            except ServiceError as error:
                error.details = _camel(error.details)
                raise
            except RequestValidationError as error:
                problems = [problem | {"loc": tuple(map(_camel_name, problem["loc"]))} for problem in error.errors()]
                raise RequestValidationError(problems) from error
            answer = orjson.loads(response.body)
            response.body = orjson.dumps(answer | {"data": _camel(answer["data"])})
            response.headers["content-length"] = str(len(response.body))
            return response

        return handle_named


async def _wants_camel_case(request: Request) -> bool:
    if request.query_params.get("naming") == "camel":
        return True
    try:
        body = orjson.loads(await request.body())
    except ValueError:
        return False
    return isinstance(body, dict) and any(_snake(name) != name for name in body)


def _camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_camel_name(name): _camel(inner) for name, inner in value.items()}
    return [_camel(inner) for inner in value] if isinstance(value, list) else value


def _camel_name(name: Any) -> Any:
    return to_camel(name) if isinstance(name, str) else name


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda found: f"_{found[1].lower()}", name)
