"""Where a login comes from, as the list of sessions shows it."""

import re
from dataclasses import dataclass
from typing import Final

from common.addresses import network_of

__all__ = ["Origin"]

# The first that the User-Agent header contains: every browser names those that it descends from, too.
BROWSERS: Final = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox", "FxiOS": "Firefox",
    "CriOS": "Chrome", "Chrome": "Chrome", "Safari": "Safari",
}  # fmt: skip
SYSTEMS: Final = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS X": "macOS",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip
PRODUCT: Final = re.compile(r"[A-Za-z0-9 ._-]{1,40}")
UNKNOWN: Final = "Unknown device"


@dataclass(frozen=True, slots=True)
class Origin:
    """`device` is a name such as "Firefox on Windows", `network` the network address that the login is counted for."""

    device: str
    network: str

    @classmethod
    def of(cls, *, user_agent: str, address: str) -> "Origin":
        parts = [_first(user_agent, names) for names in (BROWSERS, SYSTEMS)]
        product = PRODUCT.match(user_agent)
        device = " on ".join(part for part in parts if part) or (product[0].strip() if product else "")
        return cls(device or UNKNOWN, network_of(address))


def _first(user_agent: str, names: dict[str, str]) -> str:
    return next((name for mark, name in names.items() if mark in user_agent), "")
