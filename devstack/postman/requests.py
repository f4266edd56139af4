"""Requests in the Postman Collection Format v2.1."""

import json
from collections.abc import Mapping
from typing import Any, Final

Document = dict[str, Any]

BASE: Final = "{{base_url}}"
NO_AUTH: Final[Document] = {"type": "noauth"}


def bearer(token_variable: str) -> Document:
    token = {"key": "token", "value": f"{{{{{token_variable}}}}}", "type": "string"}
    return {"type": "bearer", "bearer": [token]}


def header(name: str, value: str) -> Document:
    return {"key": name, "value": value}


def json_body(content: Any) -> Document:
    raw = json.dumps(content, indent=2, ensure_ascii=False)
    return {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}


def url_of(path: str, *, base: str = BASE, query: Mapping[str, str] | None = None) -> Document:
    """Return the URL of a path with its query."""
    encoded = "&".join(f"{name}={value}" for name, value in (query or {}).items())
    url: Document = {
        "raw": f"{base}{path}" + (f"?{encoded}" if encoded else ""),
        "host": [base],
    }
    if path:  # otherwise the base is the whole URL
        url["path"] = path.removeprefix("/").split("/")
    if query:
        url["query"] = [{"key": name, "value": value} for name, value in query.items()]
    return url
