"""The adapter of performers' devices and the sandbox's devices, over HTTP."""

import uuid
from collections.abc import AsyncIterator

import pytest

from orchestrator.clients.performers import DeviceSettings
from orchestrator.features.menus.adapters.device import DeviceApi
from orchestrator.features.menus.errors import DeviceFailed
from orchestrator.features.purchased_items.models import DeviceActivation
from tests.integration.providers.conftest import SHORT_TIMEOUT_SECONDS, TIMEOUT_SECONDS, TOO_SLOW_SECONDS, Control
from tests.support.unused_addresses import UNUSED_URL

PATH = "/command"


@pytest.fixture
async def devices(sandbox_url: str) -> AsyncIterator[DeviceApi]:
    api = DeviceApi(api_url=sandbox_url, timeout_seconds=TIMEOUT_SECONDS)
    yield api
    await api.close()


def activation(**settings: str | int) -> DeviceActivation:
    return DeviceActivation(
        purchased_item_id=uuid.uuid4(),
        device_uid=f"device {uuid.uuid4()}",
        settings=DeviceSettings.model_validate({"seconds": 8} | settings),
    )


async def what_it_did(control: Control, wanted: DeviceActivation) -> list[tuple[object, ...]]:
    answer = await control.http.get("/control/devices", params={"uid": wanted.device_uid})
    return [(done["pattern"], done["strength"], done["seconds"]) for done in answer.json()]


@pytest.mark.parametrize(
    ("wanted_settings", "done"), [({"pattern": "wave"}, ("wave", None, 8)), ({"strength": 20}, (None, 20, 8))]
)
async def test_device_runs_a_pattern_or_a_strength(
    devices: DeviceApi, control: Control, wanted_settings: dict[str, str | int], done: tuple[object, ...]
) -> None:
    wanted = activation(**wanted_settings)
    await devices.activate(wanted, command_id=uuid.uuid4())
    assert await what_it_did(control, wanted) == [done]


async def test_repeated_command_runs_once(devices: DeviceApi, control: Control) -> None:
    wanted, command_id = activation(pattern="pulse"), uuid.uuid4()
    for _ in range(2):
        await devices.activate(wanted, command_id=command_id)
    assert len(await what_it_did(control, wanted)) == 1
    await devices.activate(wanted, command_id=uuid.uuid4())
    assert len(await what_it_did(control, wanted)) == 2


@pytest.mark.parametrize("wanted_settings", [{}, {"strength": 21}, {"strength": 0}, {"pattern": "wave", "strength": 3}])
async def test_command_without_a_valid_setting_is_refused(
    devices: DeviceApi, control: Control, wanted_settings: dict[str, str | int]
) -> None:
    wanted = activation(**wanted_settings)
    with pytest.raises(DeviceFailed) as failure:
        await devices.activate(wanted, command_id=uuid.uuid4())
    assert failure.value.reason == "status 400"
    assert not await what_it_did(control, wanted)


async def test_failures_have_their_reasons(devices: DeviceApi, control: Control, sandbox_url: str) -> None:
    await control("/faults", path=PATH, status=503, times=1)
    with pytest.raises(DeviceFailed) as failure:
        await devices.activate(activation(strength=1), command_id=uuid.uuid4())
    assert failure.value.reason == "status 503"
    await control("/faults", path=PATH, delay_seconds=TOO_SLOW_SECONDS, times=1)
    for url, reason in (
        (sandbox_url, "no response"),
        (UNUSED_URL, "no response"),
        ("", "no device service is configured"),
    ):
        elsewhere = DeviceApi(api_url=url, timeout_seconds=SHORT_TIMEOUT_SECONDS)
        with pytest.raises(DeviceFailed) as failure:
            await elsewhere.activate(activation(strength=1), command_id=uuid.uuid4())
        await elsewhere.close()
        assert failure.value.reason == reason


async def test_page_shows_what_the_devices_did(devices: DeviceApi, control: Control) -> None:
    wanted = activation(pattern="<b>wave</b>")
    await devices.activate(wanted, command_id=uuid.uuid4())
    shown = (await control.http.get("/devices")).text
    assert wanted.device_uid in shown
    assert "&lt;b&gt;wave" in shown
