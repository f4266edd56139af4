import socket

from devstack.ports import free_port, is_free, port_near
from devstack.services import PLATFORM, choose_ports


def test_port_with_a_listener_is_in_use() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not is_free(port)
        assert port_near(port) != port
    assert is_free(port)


def test_port_is_assigned_to_one_service_only() -> None:
    port = free_port()
    assert port_near(port) == port
    assert port_near(port, taken=frozenset({port})) != port


def test_every_process_gets_its_own_ports() -> None:
    chosen = choose_ports(usual=False)
    ports = [port for variables in chosen.values() for port in variables.values()]
    assert len(ports) == len(set(ports))
    assert {spec.name for spec in PLATFORM} <= set(chosen)


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
