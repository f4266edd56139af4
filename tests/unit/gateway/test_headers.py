"""Headers that are joined, refused, forwarded and removed."""

import pytest

from common.errors import InvalidRequest
from gateway.headers import distinct, request_headers, response_headers


def test_repeated_headers_are_joined_as_lists() -> None:
    found = distinct([(b"accept", b"text/html"), (b"user-agent", b"x"), (b"accept", b"*/*")])
    assert found == {b"accept": b"text/html, */*", b"user-agent": b"x"}


@pytest.mark.parametrize("name", [b"authorization", b"content-type", b"idempotency-key"])
def test_repeated_security_header_is_refused(name: bytes) -> None:
    with pytest.raises(InvalidRequest):
        distinct([(name, b"one"), (name, b"one")])


def test_only_allowed_headers_pass_and_internal_ones_are_dropped() -> None:
    found = {b"authorization": b"Bearer x", b"x-forwarded-for": b"6.6.6.6", b"x-correlation-id": b"theirs", b"x": b"y"}
    passed = request_headers(found, client="203.0.113.9", scheme="https", correlation_id="ours-0001")
    assert dict(passed) == {
        "Authorization": "Bearer x",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Correlation-ID": "ours-0001",
    }


def test_hop_by_hop_headers_are_removed_including_those_connection_names() -> None:
    raw = [
        (b"Content-Type", b"application/json"),
        (b"Connection", b"close, X-Private"),
        (b"X-Private", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"X-Error-Kind", b"conflict"),
        (b"X-Refusal-Remembered", b"true"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
    ]
    assert response_headers(raw) == [
        (b"content-type", b"application/json"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
