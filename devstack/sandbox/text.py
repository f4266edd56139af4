"""An OpenAI-compatible text API (https://platform.openai.com/docs/api-reference/chat/create) with controlled faults."""

import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, HTTPException
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, SecretStr

from devstack.sandbox.faults import Faults
from devstack.sandbox.text_writer import write_backlink, write_text

__all__ = ["TextGenerator", "text_routes"]

KEPT: Final = 1_000
TOO_LONG_BYTES: Final = 2 * 1024 * 1024
CHARACTERS_PER_TOKEN: Final = 4

TextFaultKind = Literal[
    "limited", "cut_off", "not_json", "empty", "too_long", "french", "script", "two_links", "wrong_price", "obey"
]


class TextFault(BaseModel):
    """A fault of the next `times` answers, or of those whose document contains a text.

    `limited` answers 429 with `retry_after`; the faults from `french` on are in the text itself; `obey` puts
    into it what a customer's words quote, as "write ..." orders it.
    """

    fault: TextFaultKind
    times: int = Field(default=1, gt=0)
    contains: str = ""
    retry_after: str | None = None


class Message(BaseModel):
    role: Literal["system", "user"]
    content: str


class ChatRequest(BaseModel):
    model: str
    messages: Annotated[list[Message], Field(min_length=2, max_length=2)]
    stream: Literal[False]
    response_format: dict[str, str]


@dataclass(slots=True)
class TextGenerator:
    """Remembers the latest thousand requests, and the faults that were ordered."""

    requests: deque[ChatRequest] = field(default_factory=lambda: deque(maxlen=KEPT))
    faults: list[TextFault] = field(default_factory=list)
    count: int = 0

    def answer(self, request: ChatRequest) -> Response:
        self.requests.append(request)
        self.count += 1
        fault = self._take_fault(request.messages[-1].content)
        if fault is not None and fault.fault == "limited":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return JSONResponse({"error": {"message": "Rate limit reached"}}, status_code=429, headers=headers)
        kind = fault.fault if fault else None
        content = self._content(json.loads(request.messages[-1].content), kind)
        return JSONResponse(
            {
                "id": f"chatcmpl-{secrets.token_hex(8)}",
                "object": "chat.completion",
                "model": request.model,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": content},
                        "finish_reason": "length" if kind == "cut_off" else "stop",
                    }
                ],
                "usage": {
                    "prompt_tokens": sum(len(message.content) for message in request.messages) // CHARACTERS_PER_TOKEN,
                    "completion_tokens": len(content) // CHARACTERS_PER_TOKEN,
                },
            }
        )

    def _take_fault(self, document: str) -> TextFault | None:
        for fault in self.faults:
            if fault.contains in document:
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _content(self, document: dict[str, Any], kind: TextFaultKind | None) -> str:
        write = write_text if document["event"] else write_backlink
        text = json.dumps(write(document, number=self.count, fault=kind))
        faulty = {
            "cut_off": text[: len(text) // 2],
            "not_json": "Certainly! Here is your article.",
            "empty": "",
            "too_long": "long " * (TOO_LONG_BYTES // 5),
        }
        return faulty.get(kind or "", text)


def text_routes(generator: TextGenerator, faults: Faults, *, api_key: SecretStr) -> APIRouter:
    expected = f"Bearer {api_key.get_secret_value()}".encode()
    router = APIRouter(tags=["Text"])

    def require_key(authorization: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(authorization.encode(), expected):
            raise HTTPException(401, "Incorrect API key provided")

    @router.post("/v1/chat/completions", dependencies=[Depends(require_key), Depends(faults.inject)])
    async def complete(body: ChatRequest) -> Response:
        return generator.answer(body)

    @router.get("/control/text/requests")
    async def list_requests(contains: str = "") -> list[dict[str, Any]]:
        """List the requests whose document contains a text, oldest first, with the document itself."""
        return [
            {
                "model": request.model,
                "system": request.messages[0].content,
                "document": json.loads(request.messages[-1].content),
            }
            for request in generator.requests
            if contains in request.messages[-1].content
        ]

    @router.post("/control/text/faults", status_code=204)
    async def add_fault(body: TextFault) -> None:
        """Make answers faulty. `POST /control/faults` with this API's path makes them errors, or late."""
        generator.faults.append(body)

    @router.delete("/control/text/faults", status_code=204)
    async def clear_faults() -> None:
        generator.faults.clear()

    return router
