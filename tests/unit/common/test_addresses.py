"""Which addresses count as one caller."""

import pytest

from common.addresses import is_address, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
    ],
)
def test_ipv6_addresses_of_one_customer_share_a_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("text", ["", "unknown", "203.0.113.9:80", "[::1]", "203.0.113", "1.2.3.4/24"])
def test_malformed_address_is_its_own_network(text: str) -> None:
    assert not is_address(text)
    assert network_of(text) == text
