"""The TypeScript client and the running platform: Node.js runs its tests and the example."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from devstack.stack import Stack
from sdk import typescript_code
from sdk.document import client_document
from tests.e2e.faulty_gateway import faulty_gateway
from tests.e2e.sdk_clients import expired_token
from tests.e2e.user_client import USER_PASSWORD, Concert, UserClient

RESERVE, PAY, SESSIONS, ME, REFRESH = (
    "/api/reserve", "/api/pay", "/api/auth/sessions", "/api/users/me", "/api/auth/refresh",
)  # fmt: skip


@pytest.fixture(scope="module")
def client(openapi: dict[str, Any]) -> None:
    """The client of the API that runs."""
    typescript_code.generate(client_document(openapi))


async def run(*arguments: str | Path, **env: str) -> str:
    process = await asyncio.create_subprocess_exec(
        typescript_code.BIN / "node",
        *arguments,
        cwd=typescript_code.FOLDER,
        env=os.environ | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written = (await process.communicate())[0].decode()
    assert process.returncode == 0, written
    return written


@pytest.mark.usefixtures("client")
async def test_client(platform: Stack, fan: UserClient, concert: Concert) -> None:
    login = (await fan.post("/auth/login", {"email": fan.email, "password": USER_PASSWORD})).data
    old = expired_token(platform, login["access_token"])
    async with faulty_gateway(platform.urls.gateway) as gateway:
        gateway.faults = {
            RESERVE: ["lose reply", "unavailable"],
            PAY: ["limit", "unavailable"],
            SESSIONS: ["unavailable"] * 9,
            ME: ["lose reply", "unavailable", "limit for long"],
        }
        situation = {
            "gateway": gateway.url,
            "email": fan.email,
            "password": USER_PASSWORD,
            "userId": fan.user_id,
            "eventId": concert.event_id,
            "seatId": concert.seats["CAT2"][0],
            "expired": {"accessToken": old, "refreshToken": login["refresh_token"]},
            "spent": {"accessToken": old, "refreshToken": "no token"},
        }
        await run("--test", "test/client.test.ts", SITUATION=json.dumps(situation))
    assert {path: gateway.times(path) for path in (RESERVE, PAY, SESSIONS, ME, REFRESH)} == {
        RESERVE: 3,
        PAY: 3,
        SESSIONS: 2,
        ME: 3,
        REFRESH: 2,
    }
    assert (len(gateway.keys(RESERVE)), len(gateway.keys(PAY)), gateway.keys(ME)) == (1, 1, {""})


@pytest.mark.usefixtures("client", "concert")
async def test_example(platform: Stack, fan: UserClient) -> None:
    written = await run("examples/buy.ts", platform.urls.gateway, fan.email, USER_PASSWORD)
    first, ticket, keys = written.splitlines()
    assert first == f"{fan.email} has 1000.00 credits."
    assert ticket.endswith("CONFIRMED.")
    assert keys.startswith("Two keys of")
