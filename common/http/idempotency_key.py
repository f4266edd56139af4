"""The `Idempotency-Key` header: one key, one effect, one answer."""

import re
from typing import Annotated, Final

from fastapi import Depends, Header

from common.errors import InvalidRequest

# Printable ASCII, as in the IETF draft "The Idempotency-Key HTTP Header Field"; the length limit is our own.
_ACCEPTABLE: Final = re.compile(r"[\x21-\x7e]{1,255}")


async def _idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(description="A repeated request with the same key returns the first answer.", max_length=255),
    ] = None,
) -> str | None:
    if idempotency_key is not None and not _ACCEPTABLE.fullmatch(idempotency_key):
        raise InvalidRequest("Idempotency-Key is 1 to 255 printable characters.")
    return idempotency_key


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]
