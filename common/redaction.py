"""Removes secrets and personal data from webhook bodies before admins see them."""

import json
import math
import re
from typing import Any, Final

import orjson

REDACTED: Final = "[redacted]"
# Payment secrets, product keys and personal data.
_SECRET: Final = re.compile(
    r"secret|token|password|signature|authorization|serial|(^|_)keys?$|(^|_)codes?$|number|cvc|iban|last4|fingerprint"
    r"|email|phone|address|(^|_)name$|(^|_)ip$|(^|_)pin$|cvv|receipt_url",
    re.IGNORECASE,
)
# Some providers write activationKey, others activation_key.
_WORD_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# The address that cryptocurrency is sent to is public, and admins search for it.
_PUBLIC: Final = frozenset({"pay_address"})


def redacted(body: bytes) -> Any:
    """Return the body's JSON without secrets; None if it is not JSON or a response cannot carry it."""
    try:
        # NaN and Infinity are not JSON, so they become text.
        document = json.loads(body, parse_constant=str, parse_float=_float_or_text, parse_int=_int64_or_text)
        shown = _redacted(document)
        orjson.dumps(shown)  # fails for lone surrogates and for extreme nesting
    except (ValueError, TypeError, RecursionError):
        return None
    return shown


def _float_or_text(literal: str) -> float | str:
    number = float(literal)
    return number if math.isfinite(number) else literal


def _int64_or_text(literal: str) -> int | str:
    number = int(literal)
    return number if -(2**63) <= number < 2**64 else literal


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _redacted_field(name, content) for name, content in value.items()}
    if isinstance(value, list):
        return [_redacted(content) for content in value]
    return value


def _redacted_field(name: str, content: Any) -> Any:
    if content is None or name in _PUBLIC or not _SECRET.search(_WORD_BOUNDARY.sub("_", name)):
        return _redacted(content)
    return REDACTED
