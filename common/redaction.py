"""What admins see of a webhook: its facts, not its secrets."""

import json
import math
import re
from typing import Any, Final

import orjson

__all__ = ["redacted"]

HIDDEN: Final = "[redacted]"
# Secrets of payments, keys of goods, and what tells who somebody is.
_SECRET: Final = re.compile(
    r"secret|token|password|signature|authorization|serial|(^|_)keys?$|(^|_)codes?$|number|cvc|iban|last4|fingerprint"
    r"|email|phone|address|(^|_)name$|(^|_)ip$|(^|_)pin$|cvv|receipt_url",
    re.IGNORECASE,
)
# Some providers write activationKey where others write activation_key.
_NEXT_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# The addresses that crypto is sent to are public, and people look for them.
_PUBLIC: Final = frozenset({"pay_address"})


def redacted(body: bytes) -> Any:
    """Return the JSON of a body without what nobody should read in a log; None when it is none that an answer can hold."""
    try:
        # No NaN: it is no JSON.
        read = json.loads(body, parse_constant=str, parse_float=_decimal, parse_int=_whole)
        shown = _redacted(read)
        orjson.dumps(shown)  # halves of characters are no text, and nobody reads a thousand brackets
    except (ValueError, TypeError, RecursionError):
        return None
    return shown


def _decimal(written: str) -> float | str:
    """Return a number that answers can carry on; one beyond all floats as it was written."""
    number = float(written)
    return number if math.isfinite(number) else written


def _whole(written: str) -> int | str:
    """Return a number of 64 bits; a greater one, as it was written."""
    number = int(written)
    return number if -(2**63) <= number < 2**64 else written


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(name, content) for name, content in value.items()}
    if isinstance(value, list):
        return [_redacted(content) for content in value]
    return value


def _shown(name: str, content: Any) -> Any:
    if content is None or name in _PUBLIC or not _SECRET.search(_NEXT_WORD.sub("_", name)):
        return _redacted(content)
    return HIDDEN
