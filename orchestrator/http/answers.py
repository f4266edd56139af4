"""A saga's outcome as an HTTP answer; 202 if the saga outlasts the request's time budget."""

from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Response
from pydantic import BaseModel

from common.http.envelope import Success, success
from orchestrator.http.schemas import InProgress
from orchestrator.saga_engine.engine import StillRunning

__all__ = ["answer"]

Data = TypeVar("Data", bound=BaseModel)


async def answer(work: Awaitable[Data], response: Response) -> Success[Data] | Success[InProgress]:
    try:
        return success(await work)
    except StillRunning as running:
        response.status_code = 202
        return success(InProgress(saga_id=running.saga_id))
