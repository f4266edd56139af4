import io
import json

from devstack.logs import MergedLog, colour, readable


def test_a_record_becomes_a_line() -> None:
    record = {"timestamp": "…", "service": "users", "level": "info", "event": "saga.step", "step": "charge", "n": 2}
    assert readable(json.dumps(record)) == "saga.step step=charge n=2"


def test_errors_are_highlighted() -> None:
    record = {"level": "error", "event": "request.crashed", "exception": "Traceback\n  boom"}
    assert readable(json.dumps(record)) == "ERROR request.crashed\nTraceback\n  boom"


def test_other_lines_are_unchanged() -> None:
    for line in ("Traceback (most recent call last):", "{not json", "[1, 2]", ""):
        assert readable(line) == line


def test_lines_start_with_time_and_name() -> None:
    out = io.StringIO()
    MergedLog(out).write("users", "ready")
    assert out.getvalue()[13:] == "users        ready\n"


def test_a_name_has_one_colour() -> None:
    line = "12:00:00.000 users        ready"
    assert colour(line) == colour(line)
    assert "\033[" in colour(line)
    assert colour(line).endswith(" ready")
