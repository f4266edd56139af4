"""The Postman collection's scenarios run as its file describes them."""

import json
import time
from collections.abc import AsyncIterator

import pytest

from devstack.postman.collection import COLLECTION, ENVIRONMENT
from devstack.stack import Stack
from tests.e2e.postman_runner import PostmanRunner
from tests.support.http_client import http_client
from tests.support.waiting import eventually

# By folder: an empty one would pass too.
FEWEST_EXPECTATIONS = {
    "Auth": 12,
    "Scenario: purchase": 36,
    "Scenario: transfer": 36,
    "Scenario: resale": 36,
    "Verification": 24,
    "Stage": 50,
    "Commissions": 36,
    "Digital goods": 36,
}


@pytest.fixture
async def runner(platform: Stack) -> AsyncIterator[PostmanRunner]:
    values = json.loads(ENVIRONMENT.read_text())["values"]
    environment = {value["key"]: value["value"] for value in values}
    urls = {"base_url": platform.urls.gateway, "sandbox_url": platform.urls.sandbox}
    async with http_client() as http:
        yield PostmanRunner(json.loads(COLLECTION.read_text()), environment | urls, http)


@pytest.mark.parametrize("folder", FEWEST_EXPECTATIONS)
async def test_folder_can_be_repeated(runner: PostmanRunner, folder: str) -> None:
    met = await runner.run(folder)
    second = int(time.time())
    await eventually(lambda: int(time.time()) > second)  # phones are made of Postman's `$timestamp`, in seconds
    assert await runner.run(folder) == met
    assert met >= FEWEST_EXPECTATIONS[folder]
