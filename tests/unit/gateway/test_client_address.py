"""Client addresses with and without load balancers in front of the gateway."""

from ipaddress import ip_network

import pytest

from gateway.client_address import ClientAddress

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
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
        (None, "203.0.113.9", "0.0.0.0"),  # noqa: S104 - an unspecified address
    ],
)
def test_forwarded_address_is_used_only_from_a_trusted_proxy(
    peer: str | None, forwarded: str | None, client: str
) -> None:
    assert seen(peer, forwarded) == client


def test_forwarded_header_is_ignored_without_trusted_proxies() -> None:
    assert seen("10.0.0.1", "203.0.113.9", trusting=False) == "10.0.0.1"


def may_operate(peer: str, **headers: str) -> bool:
    addresses = ClientAddress(trusted_proxies=BALANCERS, operators=(ip_network("192.0.2.0/24"), *LOOPBACK))
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return addresses.is_operator({"client": (peer, 1234)}, given)


@pytest.mark.parametrize("peer", ["192.0.2.1", "::ffff:192.0.2.1", "127.0.0.1", "::1"])
def test_operators_are_known_by_network(peer: str) -> None:
    assert may_operate(peer)


@pytest.mark.parametrize("peer", ["192.0.3.1", "10.0.0.1", "203.0.113.9", "testclient"])
def test_other_addresses_are_not_operators(peer: str) -> None:
    assert not may_operate(peer)


@pytest.mark.parametrize("peer", ["127.0.0.1", "192.0.2.1", "10.0.0.1"])
@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip"])
def test_proxied_request_is_never_an_operator(peer: str, header: str) -> None:
    assert not may_operate(peer, **{header: "192.0.2.1"})
    assert not may_operate(peer, **{header: ""})


@pytest.mark.parametrize(("peer", "is_believed"), [("10.0.0.1", True), ("203.0.113.9", False), (None, False)])
def test_trace_is_continued_only_for_a_trusted_proxy(peer: str | None, *, is_believed: bool) -> None:
    addresses = ClientAddress(trusted_proxies=BALANCERS, operators=LOOPBACK)
    assert addresses.is_behind_trusted_proxy({"client": (peer, 1234) if peer else None}) is is_believed
