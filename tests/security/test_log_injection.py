"""Client input cannot end a log line or forge another one: JSON escapes it."""

import json
import subprocess
import sys
from typing import Final

import pytest

HOSTILE: Final = '\n{"event": "forged", "level": "info"}\r\n\x1b[2J\x00\x85\u2028'
LOGGING: Final = """
import logging, sys
from common.telemetry.logs import configure_logs, get_logger
configure_logs(service="gateway", level="INFO", log_format="json")
text = sys.stdin.read()
get_logger("here").info("request", path=text, **{"a " + text: text})
get_logger("here").info(text)
logging.getLogger("library").warning("failed for %s", text)
try:
    raise ValueError(text)
except ValueError:
    get_logger("here").exception("crashed")
"""


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    logged = subprocess.run(  # noqa: S603 - our own code, in a process of its own as logging is set up once in each
        [sys.executable, "-c", LOGGING], input=HOSTILE.encode(), capture_output=True, check=True
    )
    return logged.stdout.splitlines()


def test_each_record_is_one_line_of_json(lines: list[bytes]) -> None:
    assert len(lines) == 4
    assert [json.loads(line)["service"] for line in lines] == ["gateway"] * 4
    assert "forged" not in [json.loads(line)["event"] for line in lines]


def test_control_characters_are_escaped(lines: list[bytes]) -> None:
    assert [byte for line in lines for byte in line if byte < 0x20] == []
