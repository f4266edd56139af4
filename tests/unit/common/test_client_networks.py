"""Counting addresses as callers."""

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
def test_an_ipv6_customer_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("text", ["", "unknown", "203.0.113.9:80", "[::1]", "203.0.113", "1.2.3.4/24"])
def test_what_is_no_address_is_counted_as_it_stands(text: str) -> None:
    assert not is_address(text)
    assert network_of(text) == text
