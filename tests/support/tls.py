"""A TLS context for HTTP clients on loopback."""

import ssl
from typing import Final

NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts no authority. The default context of httpx reads every authority's certificate: 25 ms of CPU per client."""
