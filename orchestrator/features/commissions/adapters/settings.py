"""Settings of text providers and of the quality checks."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from common.settings import ServiceSettings

__all__ = ["DEV_TEXT_KEY", "TextSettings"]

SANDBOX_URL: Final = "http://127.0.0.1:5900"
# The sandbox's key. It is public, so it is refused outside dev and test.
DEV_TEXT_KEY: Final = "sandbox-text-key"
_BANNED: Final = ("lorem ipsum", "as an ai", "language model", "system prompt", "system message", "click here")


class TextSettings(ServiceSettings):
    """In dev and test, the sandbox is the OpenAI-compatible API."""

    text_provider: Literal["builtin", "openai"] = Field(
        default="builtin", description="builtin needs no network; openai calls TEXT_API_URL."
    )
    text_api_url: str = Field(default="https://api.openai.com", description="Without /v1/chat/completions.")
    text_api_key: SecretStr = SecretStr("")
    text_model: str = "gpt-4o-mini"
    text_timeout_seconds: float = Field(
        default=60.0, gt=0, le=70, description="For a whole call; four of them fit into a job's 300 seconds."
    )
    text_input_price: Decimal = Field(default=Decimal(0), ge=0, description="US dollars for a million input tokens.")
    text_output_price: Decimal = Field(default=Decimal(0), ge=0, description="US dollars for a million output tokens.")
    text_banned_words: Annotated[tuple[str, ...], NoDecode] = Field(
        default=_BANNED, description="Words and phrases that no text may contain, separated by commas."
    )

    @field_validator("text_banned_words", mode="before")
    @classmethod
    def _split_banned_words(cls, value: Any) -> Any:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _use_sandbox_as_text_api_in_dev(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("env") not in {"dev", "test"}:
            return values
        return {"text_api_url": SANDBOX_URL, "text_api_key": DEV_TEXT_KEY, **values}

    @model_validator(mode="after")
    def _require_text_api_key(self) -> Self:
        if self.text_provider == "builtin" or self.is_dev:
            return self
        if self.text_api_key.get_secret_value() in {"", DEV_TEXT_KEY}:
            raise ValueError("TEXT_API_KEY must be set, and not to the known development value")
        return self
