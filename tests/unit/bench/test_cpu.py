"""CPU time by process, measured on processes that burn CPU."""

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from bench.cpu import LOAD, CpuMeter
from devstack.processes import ProcessId, identify
from tests.support.waiting import eventually

BURNED_SECONDS = 0.2


@pytest.fixture
def burner() -> Iterator[ProcessId]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as popen:
        yield identify(popen, name="burner")
        popen.kill()


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_the_load_generator_is_this_process_and_its_ended_children() -> None:
    meter = CpuMeter(list)
    meter.start()
    burn(BURNED_SECONDS)
    code = f"import time\nwhile time.process_time() < {BURNED_SECONDS}: pass"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603
    assert meter.stop().by_process[LOAD] >= 1.5 * BURNED_SECONDS  # both; the kernel counts in ticks of 10 ms


async def test_another_process_is_counted_from_the_start_of_the_meter(burner: ProcessId) -> None:
    process = psutil.Process(burner.pid)

    def used() -> float:
        return process.cpu_times().user

    await eventually(lambda: used() > BURNED_SECONDS)
    process.suspend()  # stopped, so that it burns no CPU between two readings
    meter = CpuMeter(lambda: [burner])
    meter.start()
    before = used()
    process.resume()
    await eventually(lambda: used() > before + BURNED_SECONDS)
    process.suspend()
    use = meter.stop()
    assert use.by_process["burner"] == pytest.approx(used() - before, abs=0.1)
    assert use.total == pytest.approx(sum(use.by_process.values()))
    assert 0 <= use.others_share <= 1


async def test_ended_process_uses_no_more_cpu(burner: ProcessId) -> None:
    meter = CpuMeter(lambda: [burner])
    psutil.Process(burner.pid).kill()
    await eventually(lambda: not burner.is_alive())
    meter.start()
    assert "burner" not in meter.stop().by_process
