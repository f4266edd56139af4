"""Client addresses with and without load balancers in front of the gateway."""

from ipaddress import ip_network

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

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
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9:4711, 10.0.0.2:80", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("10.0.0.1", "203.0.113.9, nonsense:80", "10.0.0.1"),
        ("10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", None, "203.0.113.9"),
        ("fe80::1%eth0", None, "fe80::1"),
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


@pytest.mark.parametrize(("peer", "shown"), [("10.0.0.1", "10.0.0.1"), ("8.8.8.8", "a public address")])
def test_proxy_that_is_not_trusted_is_counted_and_reported_once(peer: str, shown: str) -> None:
    addresses = ClientAddress(trusted_proxies=(), operators=())
    before = ignored()
    with capture_logs() as logged:
        for _ in range(3):
            addresses.of({"client": (peer, 1234)}, {b"x-forwarded-for": b"203.0.113.9"})
    assert ignored() - before == 3
    assert [(record["event"], record["log_level"], record["peer"]) for record in logged] == [
        ("client_address.untrusted_proxy", "error", shown)
    ]


@pytest.mark.parametrize(("peer", "headers"), [("10.0.0.1", {b"x-forwarded-for": b"203.0.113.9"}), ("8.8.8.8", {})])
def test_trusted_proxy_and_direct_client_are_not_reported(peer: str, headers: dict[bytes, bytes]) -> None:
    before = ignored()
    with capture_logs() as logged:
        ClientAddress(trusted_proxies=BALANCERS, operators=()).of({"client": (peer, 1234)}, headers)
    assert (ignored(), logged) == (before, [])


def ignored() -> float:
    return REGISTRY.get_sample_value("forwarded_for_ignored_total") or 0.0


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
