"""Which addresses count as one caller."""

import pytest

from common.addresses import address_in_hop, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_ipv6_addresses_of_one_customer_share_a_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("text", ["", "unknown", "203.0.113.9:80", "[::1]", "203.0.113", "1.2.3.4/24"])
def test_malformed_address_is_its_own_network(text: str) -> None:
    assert network_of(text) == text


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        (" 198.51.100.7:40000 ", "198.51.100.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:443", "fe80::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("[::ffff:198.51.100.7]:80", "198.51.100.7"),
        *((garbage, None) for garbage in (
            "", "unknown", "_hidden", "198.51.100", "198.51.100.7:", "198.51.100.7:x", "198.51.100.7:40000:1",
            "198.51.100.7/24", "[198.51.100.7", "198.51.100.7]", "[]:443", "[2001:db8::1]443", "[2001:db8::1]:port",
            "2001:db8::1::2", "\u0661.1.1.1", "1.1.1.1 2.2.2.2",
        )),
    ],
)  # fmt: skip
def test_hop_is_read_without_port_brackets_and_zone(hop: str, address: str | None) -> None:
    assert address_in_hop(hop) == address
