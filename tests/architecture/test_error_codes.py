"""Every public error code belongs to the contract, and has the contract's status."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Final

import pytest

import common.errors
from common.errors import ServiceError
from common.http.error_mapping import STATUS_OF_KIND
from tests.architecture.compose import ROOT

SERVICES: Final = ("users", "orders", "events", "inventory", "orchestrator", "gateway")

# The public contract's table of error codes.
CONTRACT: Final = {
    400: "VALIDATION_ERROR INVALID_UUID SELF_TRANSFER QR_INVALID DUPLICATE_REQUEST PRICE_ABOVE_CAP VOUCHER_INVALID "
    "SELF_PURCHASE",
    401: "UNAUTHORIZED TOKEN_EXPIRED OTP_INVALID SIGNATURE_INVALID",
    402: "INSUFFICIENT_CREDITS",
    403: "FORBIDDEN NOT_SEAT_OWNER UNVERIFIED_ACCOUNT MENU_ACCESS_DENIED WAITING_ROOM_REQUIRED DEVICE_REVOKED",
    404: "EVENT_NOT_FOUND SEAT_NOT_FOUND ORDER_NOT_FOUND TRANSFER_NOT_FOUND LISTING_NOT_FOUND USER_NOT_FOUND "
    "MENU_NOT_FOUND ITEM_NOT_FOUND PERFORMER_NOT_FOUND NOT_FOUND",
    409: "SEAT_UNAVAILABLE SEAT_ALREADY_SOLD SEAT_NOT_HELD ORDER_ALREADY_CONFIRMED ORDER_INVALID_STATE "
    "TRANSFER_IN_PROGRESS TRANSFER_INVALID_STATE LISTING_INVALID_STATE EMAIL_ALREADY_EXISTS REQUEST_IN_PROGRESS "
    "PURCHASE_LIMIT_REACHED DAILY_LIMIT_REACHED ITEM_INACTIVE",
    410: "HOLD_EXPIRED EVENT_ENDED OTP_EXPIRED OFFER_EXPIRED",
    422: "IDEMPOTENCY_KEY_REUSED",
    428: "OTP_REQUIRED",
    429: "RATE_LIMITED OTP_MAX_RETRIES",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
    504: "UPSTREAM_TIMEOUT",
}
# Never the `error_code` of a response: reasons inside one process, and the generic names of error kinds.
INTERNAL_CODES: Final = {
    *("ORDER_CANCELLED", "TRANSFER_CANCELLED", "SALE_DECLINED", "STALE_EPOCH", "GONE"),
    *("ITEM_CANCELLED", "ITEM_DECLINED", "ITEM_EXPIRED", "ITEM_FAILED"),
    # Why an order of a text has failed or ended: `failure.code` of the order.
    *("CHECKOUT_EXPIRED", "COMMISSION_EXPIRED", "COMMISSION_FAILED", "COMMISSION_REFUNDED"),
    # Why a digital order has failed or ended: `failure_code` of the order.
    *("PAYMENT_EXPIRED", "GOODS_FAILED", "GOODS_REFUNDED", "SUPPLIER_REFUSED"),
}
STATUS_OF_CODE: Final = {code: status for status, codes in CONTRACT.items() for code in codes.split()}


def modules_named_errors() -> Iterator[str]:
    yield "common.db.idempotency"
    for service in SERVICES:
        package = importlib.import_module(service)
        for module in pkgutil.walk_packages(package.__path__, prefix=f"{service}."):
            if module.name.endswith(".errors"):
                yield module.name


def leaves() -> set[type[ServiceError]]:
    for module in modules_named_errors():
        importlib.import_module(module)
    found: set[type[ServiceError]] = set()
    waiting: list[type[ServiceError]] = [ServiceError]
    while waiting:
        subclasses = waiting.pop().__subclasses__()
        found.update(subclasses)
        waiting.extend(subclasses)
    return {leaf for leaf in found if leaf.__module__.partition(".")[0] in (*SERVICES, "common")}


def raised_with_a_code() -> Iterator[tuple[str, str, str]]:
    """Yield where a common error is raised with an explicit code: place, class name, code."""
    for file in (file for folder in (*SERVICES, "common") for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                codes = [word.value for word in node.keywords if word.arg == "code"]
                yield from (
                    (f"{file.relative_to(ROOT)}:{node.lineno}", node.func.id, code.value)
                    for code in codes
                    if isinstance(code, ast.Constant) and isinstance(code.value, str)
                )


LEAVES: Final = sorted(leaves(), key=lambda leaf: leaf.__qualname__)


@pytest.mark.parametrize("leaf", LEAVES, ids=[leaf.__qualname__ for leaf in LEAVES])
def test_error_status_matches_its_code(leaf: type[ServiceError]) -> None:
    if leaf.code in STATUS_OF_CODE:
        assert STATUS_OF_KIND[leaf.kind] == STATUS_OF_CODE[leaf.code]


def test_explicit_code_matches_the_status_of_its_error() -> None:
    for place, name, code in raised_with_a_code():
        raised = getattr(common.errors, name, None)
        if isinstance(raised, type) and issubclass(raised, ServiceError) and code in STATUS_OF_CODE:
            assert STATUS_OF_KIND[raised.kind] == STATUS_OF_CODE[code], place


def test_every_kind_of_error_has_a_status() -> None:
    assert {leaf.kind for leaf in LEAVES} <= set(STATUS_OF_KIND)


def test_every_name_in_capitals_on_a_page_exists() -> None:
    """Codes, statuses and settings. A setting is a field in small letters, or a variable of a file of configuration."""
    files = [ROOT / ".env.example", *ROOT.glob("*.yml"), ROOT / "Makefile"]
    files += [file for folder in (*SERVICES, "common", "devstack", "tests") for file in (ROOT / folder).rglob("*.py")]
    existing = {name for file in files for name in re.findall(r"[a-z]+(?:_[a-z0-9]+)+", file.read_text().lower())}
    for page in (ROOT / "docs").rglob("*.md"):
        named = re.findall(r"`([A-Z]+(?:_[A-Z0-9]+)+)`", page.read_text())
        assert {name for name in named if name.lower() not in existing} == set(), page


def documented() -> dict[str, int]:
    rows = re.findall(r"^\| (\d{3}) \| ([`A-Z_ ]+) \|", (ROOT / "docs/error-codes.md").read_text(), flags=re.MULTILINE)
    return {code: int(status) for status, codes in rows for code in re.findall(r"[A-Z_]+", codes)}


def test_every_code_is_documented_with_its_status() -> None:
    raised = {leaf.code for leaf in LEAVES} | {code for _, _, code in raised_with_a_code()}
    assert set(documented()) == raised - INTERNAL_CODES
    for code, status in documented().items():
        assert status == STATUS_OF_CODE.get(code, status), code
