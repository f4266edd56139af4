"""Matches the allow-list against the path as written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import NotFound
from gateway.routing import ROUTES, Access, MethodNotAllowed, Route, RoutingTable, Upstream, is_clean


def route(method: str, path: str) -> Route:
    return Route(method, path, Upstream.ORDERS, Access.USER)


LIST = route("GET", "/api/menu")
ONE = route("GET", "/api/menu/{menu_id}")
HISTORY = route("GET", "/api/menu/history")
BUY = route("POST", "/api/menu/{menu_id}/buy")
TABLE = RoutingTable([LIST, ONE, HISTORY, BUY])


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", b"/api/menu", LIST),
        ("GET", b"/api/menu/5", ONE),
        ("GET", b"/api/menu/history", HISTORY),
        ("POST", b"/api/menu/5/buy", BUY),
    ],
)
def test_literal_segment_wins_over_a_parameter(method: str, path: bytes, expected: Route) -> None:
    assert TABLE.match(method, path) is expected


@pytest.mark.parametrize("path", [b"/", b"/api", b"/api/menu/5/sell", b"/api/menu/5/buy/6", b"/menu", b"/api/menus"])
def test_other_paths_are_not_found(path: bytes) -> None:
    with pytest.raises(NotFound):
        TABLE.match("GET", path)


def test_allowed_methods_are_listed_for_a_known_path() -> None:
    with pytest.raises(MethodNotAllowed) as refusal:
        TABLE.match("DELETE", b"/api/menu/5")
    assert refusal.value.allowed == "GET, HEAD"


@pytest.mark.parametrize("path", [b"/", b"/api", b"/api/events/41414141-4141-4141-4141-414141414141/qr.svg", b"/a_b~c"])
def test_plain_paths_are_clean(path: bytes) -> None:
    assert is_clean(path)


@pytest.mark.parametrize(
    "path",
    [b"", b"api", b"//", b"/a/", b"/a//b", b"/.", b"/..", b"/a/../b", b"/.env", b"/a%2fb", b"/a b", b"/a\\b", b"/a;b",
     b"/a?b", b"/a#b", b"/\xc3\xa4", b"/a\n", b"\n/a", b"/a\x00"],
)  # fmt: skip
def test_ambiguous_path_is_not_clean(path: bytes) -> None:
    assert not is_clean(path)


@given(st.binary(max_size=40).map(lambda tail: b"/" + tail))
def test_clean_path_is_unchanged_by_normalisation(path: bytes) -> None:
    if is_clean(path) and path != b"/":
        segments = path.decode("ascii").split("/")[1:]
        assert all(segment not in {"", ".", ".."} for segment in segments)
        assert not set(path) & set(b"%\\;?# \t\r\n\x00")


@given(st.sampled_from(ROUTES), st.binary(min_size=1, max_size=30))
def test_route_does_not_match_with_a_suffix(known: Route, tail: bytes) -> None:
    path = known.path.replace("{", "").replace("}", "").encode() + tail
    table = RoutingTable([known])
    if b"/" in tail or "{" not in known.path.rpartition("/")[2]:
        with pytest.raises(NotFound):
            table.match(known.method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", b"/api/verify"),
        ("POST", b"/api/verify/undo"),
        ("GET", b"/api/tickets/5/qr.svg"),
        ("GET", b"/api/admin/scans"),
        ("GET", b"/api/admin/events/5/dashboard"),
        ("GET", b"/api/admin/events/5/export.csv"),
        ("GET", b"/api/admin/events/5/scans"),
        ("POST", b"/api/admin/events/5/seats/block"),
        ("POST", b"/api/admin/events/5/seats/unblock"),
    ],
)
def test_check_in_and_dashboard_routes_go_to_the_orchestrator(method: str, path: bytes) -> None:
    assert is_clean(path)
    found = RoutingTable(ROUTES).match(method, path)
    assert (found.upstream, found.access) == (Upstream.ORCHESTRATOR, Access.USER)
    assert found.is_long is path.endswith(b"export.csv")  # it grows with the hall
