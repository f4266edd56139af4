"""Whose request it is, with and without load balancers in front."""

from ipaddress import ip_network

import pytest

from gateway.callers import ClientAddress

BALANCERS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def seen(peer: str | None, forwarded: str | None, *, trusting: bool = True) -> str:
    addresses = ClientAddress(trusted_proxies=BALANCERS if trusting else (), operators=())
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded.encode("latin-1")}
    return addresses.of({"client": (peer, 1234) if peer else None}, headers)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2 ,10.0.0.3", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9:4711", "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        (None, "203.0.113.9", "0.0.0.0"),  # noqa: S104 - an address that nobody has
    ],
)
def test_an_address_counts_only_when_a_trusted_proxy_wrote_it(
    peer: str | None, forwarded: str | None, client: str
) -> None:
    assert seen(peer, forwarded) == client


def test_without_trusted_proxies_the_header_says_nothing() -> None:
    assert seen("10.0.0.1", "203.0.113.9", trusting=False) == "10.0.0.1"


def test_operators_are_known_by_network() -> None:
    addresses = ClientAddress(trusted_proxies=(), operators=(ip_network("192.0.2.0/24"),))
    assert addresses.is_operator("192.0.2.1")
    assert addresses.is_operator("::ffff:192.0.2.1")
    assert not addresses.is_operator("192.0.3.1")
    assert not addresses.is_operator("testclient")
