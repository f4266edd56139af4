"""The provider of texts that the settings name."""

from orchestrator.features.commissions.adapters.builtin import BuiltinProvider
from orchestrator.features.commissions.adapters.interfaces import TextProvider
from orchestrator.features.commissions.adapters.openai import OpenAiProvider, TokenPrices
from orchestrator.features.commissions.adapters.settings import TextSettings


def text_provider(settings: TextSettings) -> TextProvider:
    if settings.text_provider == "builtin":
        return BuiltinProvider()
    return OpenAiProvider(
        api_url=settings.text_api_url,
        key=settings.text_api_key,
        model=settings.text_model,
        prices=TokenPrices(input=settings.text_input_price, output=settings.text_output_price),
        timeout_seconds=settings.text_timeout_seconds,
    )
