"""The definitions that the broker loads at boot equal what the processes declare when they connect."""

import json
import re
from typing import Any, Final

from rabbitmq.topology import platform_topology
from tests.architecture.compose import BASE, ROOT, filled, read

DEFINITIONS: Final[dict[str, Any]] = json.loads((ROOT / "rabbitmq/definitions.json").read_text())


def test_definitions_equal_the_topology() -> None:
    assert platform_topology().as_definitions() == DEFINITIONS, (
        "run: python -m rabbitmq.topology > rabbitmq/definitions.json"
    )


def test_definitions_contain_no_user() -> None:
    assert {"users", "permissions"}.isdisjoint(DEFINITIONS)


def test_every_queue_is_a_durable_quorum_queue() -> None:
    for queue in DEFINITIONS["queues"]:
        assert queue["durable"], queue["name"]
        assert queue["arguments"]["x-queue-type"] == "quorum", queue["name"]


def test_holds_are_dead_lettered_at_least_once_and_never_dropped() -> None:
    (hold,) = [queue["arguments"] for queue in DEFINITIONS["queues"] if queue["name"] == "seat.hold.queue"]
    assert hold["x-message-ttl"] == 300_000
    assert hold["x-dead-letter-exchange"] == "seat.release.exchange"
    assert hold["x-dead-letter-strategy"] == "at-least-once"
    assert hold["x-overflow"] == "reject-publish"
    assert "x-expires" not in hold


def test_bindings_refer_to_existing_exchanges_and_queues() -> None:
    exchanges = {exchange["name"] for exchange in DEFINITIONS["exchanges"]} | {""}  # the default exchange always exists
    queues = {queue["name"] for queue in DEFINITIONS["queues"]}
    dead_letters = {queue["arguments"].get("x-dead-letter-exchange") for queue in DEFINITIONS["queues"]} - {None}
    assert {binding["source"] for binding in DEFINITIONS["bindings"]} <= exchanges
    assert {binding["destination"] for binding in DEFINITIONS["bindings"]} <= queues
    assert dead_letters <= exchanges
    addressed = {queue["arguments"].get("x-dead-letter-routing-key") for queue in DEFINITIONS["queues"]} - {None}
    assert addressed <= queues


def test_compose_adds_the_user_from_the_environment() -> None:
    platform = read(BASE)
    user = json.loads(filled(platform["configs"]["rabbitmq-user"]["content"], {"RABBITMQ_PASSWORD": "from-outside"}))
    assert [(each["name"], each["password"]) for each in user["users"]] == [("ticketremaster", "from-outside")]
    assert {each["vhost"] for each in user["permissions"]} == {vhost["name"] for vhost in DEFINITIONS["vhosts"]}


def test_compose_loads_the_definitions_before_the_user() -> None:
    broker = read(BASE)["services"]["rabbitmq"]
    folder = read(BASE)["configs"]["rabbitmq-definitions"]["content"].partition(" = ")[2].strip()
    mounted = [volume.split(":")[1] for volume in broker["volumes"]] + [
        config["target"] for config in broker["configs"]
    ]
    loaded = sorted(path.removeprefix(f"{folder}/") for path in mounted if path.startswith(f"{folder}/"))
    assert loaded == ["10-topology.json", "20-user.json"]


def test_management_and_prometheus_plugins_are_enabled() -> None:
    plugins = re.findall(r"\w+", (ROOT / "rabbitmq/enabled_plugins").read_text())
    assert plugins == ["rabbitmq_management", "rabbitmq_prometheus"]
