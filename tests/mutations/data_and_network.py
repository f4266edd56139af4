"""Deliberate bugs in queries, exports, notices, webhooks to integrators and the deployment."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

COMPOSE: Final = "tests/architecture/test_compose_structure.py"
GUARD: Final = "tests/unit/orchestrator/test_url_guard.py"
NOTICES: Final = "orchestrator/features/notifications/models/notices.py"
PRIVACY: Final = "tests/unit/orchestrator/test_notices.py::TestPrivacy"
NAMES: Final = "a name that leads into the internal network (SSRF)"
OUTBOUND: Final = "orchestrator/features/outbound_webhooks/adapters"
DELIVERIES: Final = "tests/integration/notifications/test_deliveries.py"
WORDS: Final = f"{DELIVERIES}::test_words_of_a_fan_and_a_performer_are_not_delivered"
RESOLVER: Final = "tests/integration/notifications/test_public_resolver.py"
SEARCH: Final = "tests/integration/events/test_reading.py::TestSearch::test_name_search_matches_a_literal_substring"
VIEWS: Final = (
    "another user's order, seats or amounts in a feed or an email: each user gets a view of their own of a message "
    "about several users"
)

MUTATIONS: Final = (
    Mutation(
        name="the searched text is put into the statement",
        file="events/catalogue/repository.py",
        before="func.normalize(events.c.name).icontains(search.text, autoescape=True)",
        after="""text(f"events.name ILIKE '%{search.text}%'")""",
        caught_by=(SEARCH,),
        breaks=("SQL injection: statements are constants with parameters",),
    ),
    Mutation(
        name="wildcards in the searched text match anything",
        file="events/catalogue/repository.py",
        before="func.normalize(events.c.name).icontains(search.text, autoescape=True)",
        after="func.normalize(events.c.name).icontains(search.text)",
        caught_by=(SEARCH,),
        breaks=("wildcards in a search: patterns are escaped",),
    ),
    Mutation(
        name="a display name adds a recipient to an email",
        file="orchestrator/features/notifications/adapters/email_headers.py",
        before="""        written = '"' + _TO_ESCAPE""",
        after="""        written = display_name or '"' + _TO_ESCAPE""",
        caught_by=("tests/unit/orchestrator/test_email_headers.py::test_any_name_is_one_recipient_with_that_name",),
        breaks=("a display name that adds a recipient to an email: names are quoted or encoded, and never folded",),
    ),
    Mutation(
        name="a cell of an export may be a formula",
        file="orchestrator/features/event_admin/adapters/attendee_csv.py",
        before="""    return f"'{cell}" if FORMULA.search(cell) else cell\n""",
        after="    return cell\n",
        caught_by=("tests/unit/orchestrator/test_attendee_csv.py::test_any_row_round_trips_and_starts_no_formula",),
        breaks=("a formula in an exported CSV file: cells that begin one are quoted",),
    ),
    Mutation(
        name="a feed names the other party of a transfer or sale",
        file=NOTICES,
        before="if seen.get(name) not in {None, str(user_id)}}",
        after="if seen.get(name) is None}",
        caught_by=(f"{PRIVACY}::test_deal_does_not_name_the_other_party",),
        breaks=("another user's id in a feed or an email: the fields that name other users are left out",),
    ),
    Mutation(
        name="everyone sees the whole message about a refund",
        file=NOTICES,
        before="        return dict(views.get(str(user_id), {}))\n",
        after="        return shown(message) | views.get(str(user_id), {})\n",
        caught_by=(f"{PRIVACY}::test_each_user_sees_their_own_view_of_a_refund",),
        breaks=(VIEWS,),
    ),
    Mutation(
        name="everyone is told of all seats of a refund",
        file="orchestrator/features/refunds/saga.py",
        before="for seat in refund.seats if seat.owner_user_id == user_id]",
        after="for seat in refund.seats if user_id]",
        caught_by=("tests/e2e/test_notifications.py::test_holder_of_a_refunded_ticket_is_told_of_their_own_seat_only",),
        breaks=(VIEWS,),
    ),
    Mutation(
        name="integrators read what fans and performers write",
        file=NOTICES,
        before="for name, value in _facts(message).items() if name not in private}",
        after="for name, value in _facts(message).items()}",
        caught_by=(WORDS,),
        breaks=(
            "a fan's or a performer's words sent to an integrator: webhooks about purchases from performers have none",
        ),
    ),
    Mutation(
        name="JSON of any depth is shown",
        file="common/redaction.py",
        before="        orjson.dumps(shown)  # fails for lone surrogates and for extreme nesting\n",
        after="",
        caught_by=("tests/unit/common/test_redaction.py::test_body_that_json_cannot_represent_is_not_shown",),
        breaks=("bodies nested too deeply: they are refused, and no page shows them",),
    ),
    Mutation(
        name="webhooks are sent to private addresses",
        file=f"{OUTBOUND}/url_guard.py",
        before="    return ip.is_global and not ip.is_multicast and not any(ip in network for network in TRANSLATED)\n",
        after="    return not ip.is_loopback\n",
        caught_by=(f"{GUARD}::test_private_address_is_not_public",),
        breaks=("a URL that leads into the internal network (SSRF): public addresses only, however they are written",),
    ),
    Mutation(
        name="an address may be written in any way",
        file=f"{OUTBOUND}/url_guard.py",
        before="        return DOMAIN_NAME.fullmatch(host) is not None",
        after="        return bool(host)",
        caught_by=(f"{GUARD}::test_unsafe_url_is_refused",),
        breaks=("a URL that leads into the internal network (SSRF): public addresses only, however they are written",),
    ),
    Mutation(
        name="a name's addresses are not checked",
        file=f"{OUTBOUND}/public_resolver.py",
        before='        if not all(is_public(result["host"]) for result in found):\n',
        after="        if not all(found):\n",
        caught_by=(f"{RESOLVER}::test_name_of_a_private_address_is_refused",),
        breaks=(f"{NAMES}: its addresses are checked as the connection uses them",),
    ),
    Mutation(
        name="a connection looks its name up again",
        file=f"{OUTBOUND}/sender.py",
        before="        resolver = None if self._is_private_allowed else self._resolver\n",
        after="        resolver = None\n",
        caught_by=(f"{RESOLVER}::test_name_of_a_private_address_is_refused",),
        breaks=(f"{NAMES}: its addresses are checked as the connection uses them",),
    ),
    Mutation(
        name="a webhook follows redirects",
        file=f"{OUTBOUND}/sender.py",
        before="allow_redirects=False",
        after="allow_redirects=True",
        caught_by=("tests/integration/notifications/test_sender.py::test_redirect_is_not_followed",),
        breaks=("a redirect into the internal network (SSRF): no redirects",),
    ),
    Mutation(
        name="two services share a database account",
        file="docker-compose.yml",
        before="postgresql+asyncpg://events:${EVENTS_DB_PASSWORD:?}@events-db:5432/events_db",
        after="postgresql+asyncpg://orders:${ORDERS_DB_PASSWORD:?}@orders-db:5432/orders_db",
        caught_by=(f"{COMPOSE}::test_each_service_has_its_own_database_and_account",),
        breaks=("a service that reads another's data: each has its own database and account",),
    ),
    Mutation(
        name="a service is in another one's database network",
        file="docker-compose.yml",
        before="    networks: [platform, events-data]\n",
        after="    networks: [platform, events-data, orders-data]\n",
        caught_by=(f"{COMPOSE}::test_database_is_reachable_by_its_service_only",),
        breaks=("a service that reads another's data: each database has its own network",),
    ),
    Mutation(
        name="a network policy admits a service that does not call",
        file="deploy/kubernetes/base/network.yaml",
        before="values: [gateway, orchestrator, worker]}]}\n      ports: [{port: 5001}]\n",
        after="values: [gateway, orchestrator, worker, events]}]}\n      ports: [{port: 5001}]\n",
        caught_by=("tests/architecture/test_kubernetes.py::test_network_policy_admits_only_callers",),
        breaks=("a service that calls one it does not need: network policies admit its callers only",),
    ),
)
