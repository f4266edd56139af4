import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from devstack.home import ROOT
from devstack.ports import PortClaims, free_port, is_free
from devstack.services import PLATFORM, Ports, choose_ports

NONE_KEPT: Ports = {}
CLAIM = """
import sys
from devstack.ports import PortClaims
claims = PortClaims()
print(claims.claim(int(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def claims() -> Iterator[PortClaims]:
    with PortClaims() as claims:
        yield claims


@pytest.fixture
def other_claims() -> Iterator[PortClaims]:
    """Another stack's."""
    with PortClaims() as claims:
        yield claims


def ports_of(chosen: Ports) -> list[int]:
    return [port for variables in chosen.values() for port in variables.values()]


def test_port_with_a_listener_is_in_use(claims: PortClaims) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not is_free(port)
        assert claims.claim(port) != port
    assert is_free(port)


def test_claimed_port_is_in_use_before_its_server_listens(claims: PortClaims, other_claims: PortClaims) -> None:
    port = free_port()
    with PortClaims() as shorter:
        assert shorter.claim(port) == port
        assert not is_free(port)
        assert shorter.claim(port) != port
        assert other_claims.claim(port) != port
    assert claims.claim(port) == port


def test_claim_ends_with_its_process() -> None:
    port = free_port()
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", CLAIM, str(port)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert not is_free(port)
        other.kill()
    assert is_free(port)


def test_every_process_gets_its_own_ports(claims: PortClaims) -> None:
    chosen = choose_ports(claims, usual=False, kept=NONE_KEPT)
    assert len(ports_of(chosen)) == len(set(ports_of(chosen)))
    assert {spec.name for spec in PLATFORM} <= set(chosen)


def test_two_stacks_that_choose_at_one_moment_share_no_port(claims: PortClaims, other_claims: PortClaims) -> None:
    first = choose_ports(claims, usual=False, kept=NONE_KEPT)
    second = choose_ports(other_claims, usual=False, kept=first)
    assert not set(ports_of(first)) & set(ports_of(second))


def test_ports_of_the_last_start_are_kept_where_they_are_free(claims: PortClaims) -> None:
    with PortClaims() as earlier:
        last = choose_ports(earlier, usual=False, kept=NONE_KEPT)
    with socket.create_server(("127.0.0.1", last["users"]["PORT"])):
        again = choose_ports(claims, usual=False, kept=last)
    assert again["users"] != last["users"]
    assert {**again, "users": last["users"]} == last


def test_usual_port_of_the_last_start_is_not_kept_if_usual_ports_are_not_wanted(claims: PortClaims) -> None:
    chosen = choose_ports(claims, usual=False, kept={"gateway": {"PORT": 8000}})
    assert chosen["gateway"]["PORT"] != 8000


def test_usual_ports_match_the_contract() -> None:
    usual = {spec.name: dict(spec.ports) for spec in PLATFORM}
    assert usual == {
        "gateway": {"PORT": 8000},
        "users": {"PORT": 5000},
        "orders": {"PORT": 5001},
        "events": {"PORT": 5002},
        "orchestrator": {"PORT": 5003},
        "worker": {"PORT": 5004},
        "inventory": {"PORT": 50051, "HEALTH_PORT": 8080},
        "sandbox": {"PORT": 5900, "SMTP_PORT": 5925},
    }
