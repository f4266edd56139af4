"""Names of devices, from browsers' User-Agent headers."""

import pytest

from users.sessions.origin import Origin

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (WINDOWS, "Chrome on Windows"),
        (f"{WINDOWS} Edg/140.0", "Edge on Windows"),
        (f"{WINDOWS} OPR/120.0", "Opera on Windows"),
        (f"{IPHONE} Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
        ("<script>", "Unknown device"),
        ("x" * 5_000, "x" * 40),
    ],
)
def test_device_is_named(user_agent: str, device: str) -> None:
    assert Origin.of(user_agent=user_agent, address="192.0.2.7") == Origin(device, "192.0.2.7")


def test_network_of_an_ipv6_address_is_a_household() -> None:
    assert Origin.of(user_agent="", address="2001:db8::1:2").network == "2001:db8::/64"
