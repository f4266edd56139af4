"""Routes for status moves, made from a table."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path

from common.http.calls import RepeatableCall, UndoCall
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from orders.shared.transitions import Move


@dataclass(frozen=True, slots=True)
class MoveRoute:
    """One route. The body of an undo is an `UndoCall`.

    Attributes:
        move: as the service names it.
        codes: the error codes that differ from those of all moves.
    """

    move: Move | str
    body: type[RepeatableCall] = RepeatableCall
    description: str = ""
    codes: Mapping[int, str] | None = None

    @property
    def is_undo(self) -> bool:
        return issubclass(self.body, UndoCall)

    def endpoint(self, service_type: type[Any], key: str) -> Callable[..., Awaitable[Any]]:
        body = self.body

        async def make_move(
            row_id: Annotated[uuid.UUID, Path(alias=key)],
            call: body,  # type: ignore[valid-type] # FastAPI reads it at run time
            service: Annotated[Any, provided(service_type)],
        ) -> Success[Any]:
            act = service.undo if self.is_undo else service.move
            return success(await act(row_id, self.move, call))

        return make_move


def add_move_routes(
    router: APIRouter,
    service_type: type[Any],
    routes: Mapping[str, MoveRoute],
    *,
    key: str,
    moved: type[Success[Any]],
    undone: type[Success[Any]],
    codes: Mapping[int, str],
) -> None:
    """Add the route ``POST /{key}/NAME`` for each name in `routes`.

    Args:
        service_type: a service whose `move` and `undo` take the key, the move and the body.
        moved: the answer of a move.
        undone: the answer of an undo, which is never a 404.
        codes: the error codes of every move.
    """
    for name, route in routes.items():
        own_codes = {**codes, **(route.codes or {})}
        if route.is_undo:
            del own_codes[404]
        router.add_api_route(
            f"/{{{key}}}/{name}",
            route.endpoint(service_type, key),
            methods=["POST"],
            name=name.replace("-", "_"),
            description=route.description,
            response_model=undone if route.is_undo else moved,
            responses=refusals(own_codes),
        )
