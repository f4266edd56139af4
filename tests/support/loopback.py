"""What HTTP clients on loopback need not do."""

import ssl
from typing import Final

__all__ = ["NO_TLS"]

NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody. The one that httpx makes for each client reads every authority's certificate: 25 ms of CPU."""
