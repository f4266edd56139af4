"""A saga's outcome as an HTTP answer; 202 if the saga outlasts the request's time budget."""

import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Response
from pydantic import BaseModel

from common.http.envelope import Success, success
from orchestrator.http.schemas import InProgress
from orchestrator.saga_engine.engine import StillRunning

__all__ = ["answer", "answer_or"]

Data = TypeVar("Data", bound=BaseModel)
Later = TypeVar("Later", bound=BaseModel)


async def answer(work: Awaitable[Data], response: Response) -> Success[Data] | Success[InProgress]:
    return await answer_or(work, response, lambda saga_id: InProgress(saga_id=saga_id))


async def answer_or(
    work: Awaitable[Data], response: Response, in_progress: Callable[[uuid.UUID], Later]
) -> Success[Data] | Success[Later]:
    """Return the work's result, or 202 with what `in_progress` returns for the id of a saga that goes on."""
    try:
        return success(await work)
    except StillRunning as running:
        response.status_code = 202
        return success(in_progress(running.saga_id))
