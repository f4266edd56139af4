"""The routes of Stripe's PaymentIntents, refunds and disputes: form-encoded requests, JSON responses."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from devstack.sandbox.faults import Faults
from devstack.sandbox.stripe_account import StripeAccount, StripeRefusal, WrongKey

__all__ = ["as_sent", "key_check", "show_refusal", "stripe_routes"]

Json = dict[str, Any]
EXPAND_CHARGE: Final = "latest_charge"
EXPAND_CHARGES: Final = "data.latest_charge"
EXPAND_INTENTS: Final = "data.payment_intent"
LABEL: Final = re.compile(r"metadata\[(\w+)]")


def stripe_routes(account: StripeAccount, faults: Faults, *, secret_key: SecretStr) -> APIRouter:
    dependencies = [Depends(faults.inject), Depends(key_check(secret_key))]
    router = APIRouter(prefix="/v1", tags=["Stripe"], dependencies=dependencies)

    @router.post("/payment_intents")
    async def create_intent(request: Request) -> Json:
        given = dict(parse_qsl((await request.body()).decode()))
        metadata = {label[1]: value for name, value in given.items() if (label := LABEL.fullmatch(name))}
        intent = account.create(
            cents=int(given.get("amount", "0")),
            currency=given.get("currency", ""),
            metadata=metadata,
            key=request.headers.get("idempotency-key", ""),
            given=given,
        )
        return as_sent(intent)

    @router.get("/payment_intents/{intent_id}")
    async def retrieve_intent(intent_id: str, request: Request) -> Json:
        intent = account.find(intent_id)
        return intent if EXPAND_CHARGE in request.query_params.values() else as_sent(intent)

    @router.get("/payment_intents")
    async def list_intents(request: Request) -> Json:
        query = request.query_params
        intents, has_more = account.page(
            since=int(query.get("created[gte]", "0")),
            after=query.get("starting_after"),
            limit=int(query.get("limit", "10")),
        )
        is_expanded = EXPAND_CHARGES in query.values()
        data = intents if is_expanded else [as_sent(intent) for intent in intents]
        return {"object": "list", "url": "/v1/payment_intents", "has_more": has_more, "data": data}

    @router.get("/{kind}")
    async def list_reversals(kind: Literal["refunds", "disputes"], request: Request) -> Json:
        query = request.query_params
        found = account.reversals(
            kind, intent_id=query.get("payment_intent"), since=int(query.get("created[gte]", "0"))
        )
        ids = [each["id"] for each in found]
        start = ids.index(query["starting_after"]) + 1 if query.get("starting_after") in ids else 0
        end = start + int(query.get("limit", "10"))
        is_expanded = EXPAND_INTENTS in query.values()
        data = [
            {**each, "payment_intent": as_sent(account.find(each["payment_intent"]))} if is_expanded else each
            for each in found[start:end]
        ]
        return {"object": "list", "url": f"/v1/{kind}", "has_more": len(found) > end, "data": data}

    return router


def key_check(secret_key: SecretStr) -> Callable[[Request], None]:
    """Return a dependency that refuses requests without the account's key."""

    def require_key(request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, f"Bearer {secret_key.get_secret_value()}".encode()):
            raise WrongKey

    return require_key


async def show_refusal(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, StripeRefusal)  # noqa: S101 - FastAPI's handler type is wider than its dispatch
    error = {"type": refusal.type, "code": refusal.code, "message": refusal.message}
    return JSONResponse({"error": error}, status_code=refusal.status)


def as_sent(intent: Mapping[str, Any]) -> Json:
    """Return an intent with only the id of its charge, as Stripe does unless the charge is expanded."""
    charge = intent["latest_charge"]
    return {**intent, "latest_charge": charge["id"] if charge else None}
