"""Deliberate bugs in what the gateway refuses, limits and passes on."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

GATEWAY: Final = "tests/integration/gateway"
ATTACKS: Final = f"{GATEWAY}/test_attacks.py"
SMUGGLING: Final = "request smuggling: two parsers disagree on one request"

MUTATIONS: Final = (
    Mutation(
        name="a path off the allow-list is passed on",
        file="gateway/routing.py",
        before="            if following is None:\n                raise NotFound\n",
        after="            if following is None:\n                return Route(method, '/', Upstream.ORDERS, Access.PUBLIC)\n",
        caught_by=(f"{ATTACKS}::test_path_off_the_allow_list_is_refused",),
        breaks=("an internal path reached from outside: an allow-list of methods and paths",),
    ),
    Mutation(
        name="a path is matched in any spelling",
        file="gateway/routing.py",
        before="    return _CLEAN.fullmatch(raw_path) is not None\n",
        after='    return raw_path.startswith(b"/")\n',
        caught_by=(f"{ATTACKS}::test_path_off_the_allow_list_is_refused",),
        breaks=("an internal path in another spelling: a path that would need decoding or normalising is refused",),
    ),
    Mutation(
        name="a part of a body is passed on as the whole",
        file="gateway/proxy.py",
        before='                        raise InvalidRequest("The request was interrupted.")\n',
        after='                        return b"".join(parts)\n',
        caught_by=(f"{ATTACKS}::test_truncated_request_is_not_forwarded",),
        breaks=(f"{SMUGGLING}: bodies are read whole and sent anew",),
    ),
    Mutation(
        name="repeated headers are joined",
        file="gateway/headers.py",
        before="        if name in joined and name in SINGLE:\n",
        after="        if name in joined and not name:\n",
        caught_by=(f"{ATTACKS}::test_duplicate_security_header_is_refused",),
        breaks=(f"{SMUGGLING}: duplicate headers are refused",),
    ),
    Mutation(
        name="a header that names a user is passed on",
        file="gateway/headers.py",
        before='        "X-Kinguin-Signature",\n',
        after='        "X-Kinguin-Signature",\n        "X-User-Id",\n',
        caught_by=(f"{GATEWAY}/test_headers.py::test_forged_internal_headers_are_dropped",),
        breaks=("forged internal headers: only headers that a service needs are passed on",),
    ),
    Mutation(
        name="a body may have any size",
        file="common/http/middleware.py",
        before="        if received > max_body_bytes:\n",
        after="        if received < 0:\n",
        caught_by=(f"{ATTACKS}::test_body_over_the_limit_is_413_with_or_without_a_length",),
        breaks=("bodies too large: a bound on size, whether or not a length is announced",),
    ),
    Mutation(
        name="a connection without a whole request stays open",
        file="common/http/connections.py",
        before="            self.transport.abort()\n",
        after="            self._start_timer()\n",
        caught_by=(
            f"{GATEWAY}/test_slow_clients.py::test_unfinished_request_is_closed_after_the_timeout[nothing-first]",
        ),
        breaks=("requests too slow: a bound on the time of a request's head",),
    ),
    Mutation(
        name="a body that stalls is passed on as far as it has come",
        file="gateway/proxy.py",
        before="""        except TimeoutError as error:
            raise InvalidRequest("The request's body took too long to arrive.") from error
""",
        after="""        except TimeoutError:
            return b"".join(parts)
""",
        caught_by=(f"{GATEWAY}/test_upstream_failures.py::test_request_body_that_stalls_is_400",),
        breaks=("requests too slow: a bound on the time of a body",),
    ),
    Mutation(
        name="any number of connections is accepted",
        file="common/http/app.py",
        before='        "limit_concurrency": settings.max_connections,\n',
        after='        "limit_concurrency": None,\n',
        caught_by=(f"{GATEWAY}/test_slow_clients.py::test_connections_are_limited",),
        breaks=("too many connections: a bound for each gateway",),
    ),
    Mutation(
        name="an address may have any number of live connections",
        file="gateway/connections.py",
        before="        caller, allowed = anonymous(client), self._connections_per_address\n",
        after="        caller, allowed = anonymous(client), self._connections\n",
        caught_by=(f"{GATEWAY}/test_seat_map_feed.py::test_connections_of_one_address_are_limited",),
        breaks=("too many connections: a bound on live connections per address when anonymous",),
    ),
    Mutation(
        name="a user may have any number of live connections",
        file="gateway/connections.py",
        before="            caller, allowed = known(user.user_id), self._connections_per_user\n",
        after="            caller, allowed = known(user.user_id), self._connections\n",
        caught_by=(f"{GATEWAY}/test_user_feed.py::TestConnecting::test_connections_per_user_are_limited",),
        breaks=("too many connections: a bound on live connections per user",),
    ),
    Mutation(
        name="a fan reads the feed of all digital orders",
        file="gateway/feed_routes.py",
        before="feed_id = feed_of_admins if principal.has_role(Role.ADMIN) else None",
        after="feed_id = feed_of_admins",
        caught_by=(f"{GATEWAY}/test_fulfillment_feed.py::test_fan_sees_their_own_orders_and_nothing_else",),
        breaks=(
            "another user's digital orders in the live feed: a fan's feed is their own; the feed of all orders is for admins",
        ),
    ),
    Mutation(
        name="a client that reconnects between two messages of one move gets the first again",
        file="gateway/user_feed.py",
        before='if message["sequence"] > last_seen]',
        after="if message]",
        caught_by=(
            f"{GATEWAY}/test_fulfillment_feed.py::test_client_that_reconnects_between_any_two_messages_gets_each_once",
        ),
    ),
    Mutation(
        name="failed logins are not counted",
        file="gateway/api.py",
        before='scope="failed-logins", statuses=FAILURES',
        after='scope="failed-logins", statuses=frozenset()',
        caught_by=(f"{GATEWAY}/test_limits.py::test_failed_logins_are_limited_by_address",),
        breaks=("too many requests: a limit on failed logins per address",),
    ),
    Mutation(
        name="users are counted by their address",
        file="gateway/api.py",
        before="                caller = known(principal.user_id)\n",
        after="                caller = anonymous(client) if principal else caller\n",
        caught_by=(f"{GATEWAY}/test_limits.py::test_users_are_counted_separately_from_addresses",),
        breaks=("too many requests: a limit per user",),
    ),
    Mutation(
        name="requests over the limit are served",
        file="gateway/limits.py",
        before="        if self.remaining < 0:\n",
        after="        if self.remaining < -self.limit:\n",
        caught_by=(f"{GATEWAY}/test_limits.py::test_address_over_its_limit_is_429",),
        breaks=("too many requests: a limit per address when anonymous",),
    ),
    Mutation(
        name="a log record is written as it is",
        file="common/telemetry/logs.py",
        before="    return orjson.dumps(event, default=str)\n",
        after='    return str(event.get("event")).encode()\n',
        caught_by=("tests/security/test_log_injection.py::test_each_record_is_one_line_of_json",),
        breaks=("log injection: JSON, one line per event",),
    ),
    Mutation(
        name="a request's line has its path",
        file="common/http/middleware.py",
        before='    return str(getattr(route, "path", UNMATCHED))\n',
        after='    return scope["path"]\n',
        caught_by=(
            "tests/unit/common/test_operator_routes.py::TestRequestLine::test_names_template_and_user_without_personal_data",
        ),
        breaks=("personal data in logs: a request's line has the path's template, and no query",),
    ),
    Mutation(
        name="uvicorn logs the targets of WebSockets",
        file="common/telemetry/logs.py",
        before='    return "WebSocket %s" not in str(record.msg)\n',
        after="    return True\n",
        caught_by=("tests/e2e/test_request_log.py::test_no_line_has_personal_data",),
        breaks=("a token in logs: lines of libraries with a WebSocket's target are left out",),
    ),
    Mutation(
        name="any correlation id is adopted",
        file="common/telemetry/correlation.py",
        before="    chosen = offered if offered and _ACCEPTABLE.fullmatch(offered) else new_correlation_id()\n",
        after="    chosen = offered or new_correlation_id()\n",
        caught_by=(f"{GATEWAY}/test_headers.py::test_unsafe_correlation_id_is_replaced",),
        breaks=("log injection: invalid correlation ids are replaced",),
    ),
    Mutation(
        name="rejected webhooks are not counted",
        file="gateway/refusals.py",
        before="        if quota.remaining <= 0:\n",
        after="        if quota.remaining <= -quota.limit:\n",
        caught_by=(
            f"{GATEWAY}/test_webhooks.py::TestCounting::test_address_with_many_rejections_is_blocked_for_the_minute",
        ),
        breaks=("a flood of forged webhooks: a limit on rejected webhooks per address",),
    ),
    Mutation(
        name="a gateway does not hear of logouts",
        file="gateway/revocations.py",
        before='        """Handle a `session.revoked` message."""\n        self._add(message.data)\n',
        after='        """Handle a `session.revoked` message."""\n        self._add({**message.data, "session_id": str(message.id)})\n',
        caught_by=(f"{GATEWAY}/test_revocations.py::test_revoked_session_is_refused_at_once_on_every_gateway",),
        breaks=("use of a logged-out session: revoked on every gateway at once",),
    ),
    Mutation(
        name="seat maps are not told of a gap",
        file="gateway/seat_map_feed.py",
        before='            watcher.offer(_text("resync", event_id))\n',
        after="            watcher.offer(_text(SEAT_CHANGED, event_id, seats=[]))\n",
        caught_by=(f"{GATEWAY}/test_seat_map_feed.py::test_clients_are_told_to_resync_after_a_gap",),
        breaks=("WebSocket clients resync",),
    ),
    Mutation(
        name="a page writes the HTML of an article as it comes",
        file="gateway/web/article-content.js",
        before="  target.replaceChildren(article);\n",
        after="  target.innerHTML = html;\n",
        caught_by=(
            f"{GATEWAY}/test_docs_and_health.py::test_page_of_an_order_or_an_article_runs_own_scripts_only_and_writes_no_html",
        ),
        breaks=(
            "a script in the text of an article: the page rebuilds known elements only, and runs no script but its own",
        ),
    ),
)
