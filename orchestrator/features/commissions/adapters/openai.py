"""Text of an OpenAI-compatible API: https://platform.openai.com/docs/api-reference/chat/create."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Annotated, Final

import httpx
from pydantic import BaseModel, Field, SecretStr, StringConstraints, ValidationError

from common.http.transport import HttpTransport
from common.telemetry.tracing import client_span
from orchestrator.features.commissions.adapters.interfaces import Draft, TextBrief
from orchestrator.features.commissions.adapters.placement import with_sentence
from orchestrator.features.commissions.adapters.prompt import messages_for
from orchestrator.features.commissions.errors import TextLimited, TextUnavailable, TextUnusable

__all__ = ["OpenAiProvider", "TokenPrices"]

PATH: Final = "/v1/chat/completions"
LONGEST_ANSWER_BYTES: Final = 256 * 1024
LONGEST_HTML: Final = 30_000
MILLION: Final = Decimal(1_000_000)
MICRODOLLAR: Final = Decimal("0.000001")

_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Html = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_HTML)]


class _Text(BaseModel):
    title: _Line
    html: _Html


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    finish_reason: str
    message: _Message


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Completion(BaseModel):
    model: _Line | None = None
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage | None = None


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """US dollars for a million tokens."""

    input: Decimal
    output: Decimal

    def cost(self, usage: _Usage) -> Decimal:
        total = usage.prompt_tokens * self.input + usage.completion_tokens * self.output
        return (total / MILLION).quantize(MICRODOLLAR)


class OpenAiProvider:
    """Asks for one chat completion per text.

    Args:
        api_url: without a path, such as ``https://api.openai.com``.
        timeout_seconds: for a whole call.
    """

    def __init__(
        self, *, api_url: str, key: SecretStr, model: str, prices: TokenPrices, timeout_seconds: float
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=api_url.rstrip("/"),
            headers={"Authorization": f"Bearer {key.get_secret_value()}"},
            transport=HttpTransport(),
            timeout=timeout_seconds,
        )
        self._model = model
        self._prices = prices
        self._timeout_seconds = timeout_seconds

    async def write(self, brief: TextBrief) -> Draft:
        body = {
            "model": self._model,
            "messages": messages_for(brief),
            "stream": False,
            "response_format": {"type": "json_object"},
        }
        completion, text = _read(await self._post(body))
        html = text.html if brief.event else with_sentence(brief, text.html)
        usage = completion.usage
        return Draft(
            title=text.title if brief.event else brief.article_title,
            html=html,
            provider="openai",
            model=completion.model or self._model,
            input_tokens=usage.prompt_tokens if usage else None,
            output_tokens=usage.completion_tokens if usage else None,
            cost_usd=self._prices.cost(usage) if usage else None,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def _post(self, body: dict[str, object]) -> bytes:
        try:
            with client_span("text provider", "POST"):
                async with (
                    asyncio.timeout(self._timeout_seconds),
                    self._http.stream("POST", PATH, json=body) as response,
                ):
                    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                        raise TextLimited(pause_seconds=_pause(response.headers.get("Retry-After", "")))
                    if not response.is_success:
                        raise TextUnavailable(reason=f"status {response.status_code}")
                    return await _bounded(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise TextUnavailable(reason=repr(error)) from error


async def _bounded(response: httpx.Response) -> bytes:
    """Read a body, and stop as soon as it is too long."""
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > LONGEST_ANSWER_BYTES:
            raise TextUnusable(reason="too long")
    return bytes(content)


def _read(content: bytes) -> tuple[_Completion, _Text]:
    try:
        completion = _Completion.model_validate_json(content)
        choice = completion.choices[0]
        if choice.finish_reason != "stop":
            raise TextUnusable(reason=f"finish_reason {choice.finish_reason[:40]}")
        return completion, _Text.model_validate_json(choice.message.content)
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors()]
        raise TextUnusable(reason="; ".join(reasons[:3])) from error


def _pause(retry_after: str) -> float | None:
    """Read seconds or an HTTP date (RFC 9110 §10.2.3); None for anything else."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
