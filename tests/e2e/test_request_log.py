"""The log lines of requests at every service, at the usual level."""

import json
import uuid
from typing import Any

from devstack.home import Home
from devstack.stack import Stack
from tests.e2e.feed import next_message, open_feed
from tests.e2e.user_client import Concert, UserClient
from tests.support.waiting import eventually

KEYS = {"event", "level", "timestamp", "service", "component", "correlation_id", "method", "path", "status", "ms"}
SERVICES = ("gateway", "orchestrator", "users", "orders", "inventory")


def lines_of(platform: Stack, service: str, **wanted: str) -> list[dict[str, Any]]:
    log = (Home(platform.home).logs / f"{service}.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if wanted.items() <= line.items()]


async def test_purchase_leaves_one_line_for_each_request(platform: Stack, fan: UserClient, concert: Concert) -> None:
    own_id = uuid.uuid4().hex
    seats = {"event_id": concert.event_id, "seat_ids": [concert.seats["CAT2"][0]]}
    reserved = await fan.post("/reserve", seats, **{"X-Correlation-ID": own_id})
    # The saga keeps the id of the request that began it.
    assert (await fan.post("/pay", {"order_id": reserved.data["order_id"]})).status == 200

    def requests() -> dict[str, list[dict[str, Any]]]:
        found = {name: lines_of(platform, name, event="request", correlation_id=own_id) for name in SERVICES}
        assert all(found.values()), found
        return found

    found = await eventually(requests)
    for service in ("gateway", "orchestrator"):
        [line] = found[service]
        assert line.keys() == KEYS | {"user_id"}
        assert line["user_id"] == fan.user_id
        assert (line["level"], line["method"], line["path"], line["status"]) == ("info", "POST", "/api/reserve", 200)
    for service in ("users", "orders", "inventory"):
        assert all(line.keys() == KEYS for line in found[service])
        assert fan.user_id not in str([line["path"] for line in found[service]])
    assert {line["method"] for line in found["inventory"]} == {"gRPC"}


async def test_no_line_has_personal_data(platform: Stack, fan: UserClient, admin: UserClient) -> None:
    """Neither the query of a request or of a WebSocket, nor the client's address."""
    await admin.get("/admin/users", email=fan.email)
    async with open_feed(platform, fan) as connection:
        await next_message(connection, "subscribed")
    await eventually(lambda: lines_of(platform, "gateway", event="websocket", user_id=fan.user_id))
    for service in (*SERVICES, "events", "worker"):
        log = (Home(platform.home).logs / f"{service}.log").read_text()
        assert fan.email not in log, service
        assert fan.token not in log, service
    assert "127.0.0.1:" not in str(lines_of(platform, "gateway", event="request"))
