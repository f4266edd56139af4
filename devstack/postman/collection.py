"""The collection, its environment, and their files."""

import json
import re
from pathlib import Path
from typing import Final

from devstack.home import ROOT
from devstack.postman.requests import Document, bearer
from devstack.postman.scenarios.auth import AUTH
from devstack.postman.scenarios.commissions import COMMISSIONS
from devstack.postman.scenarios.digital_goods import DIGITAL_GOODS
from devstack.postman.scenarios.purchase import PURCHASE
from devstack.postman.scenarios.resale import RESALE
from devstack.postman.scenarios.stage import STAGE
from devstack.postman.scenarios.transfer import TRANSFER
from devstack.postman.scenarios.verification import VERIFICATION
from devstack.sandbox.otp import USUAL_CODE
from devstack.seed import HALL_EVENT_ID, PASSWORD

__all__ = ["COLLECTION", "ENVIRONMENT", "collection", "environment", "files"]

COLLECTION: Final = ROOT / "postman" / "ticketremaster.postman_collection.json"
ENVIRONMENT: Final = ROOT / "postman" / "ticketremaster.postman_environment.json"
FORMAT: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
ABOUT: Final = """
Folders to run from top to bottom against `make run`, with the environment beside this file. *Log in* stores the token that
further requests send. For requests of all routes import `{{base_url}}/openapi.json`.
""".strip()
SCENARIOS: Final = (AUTH, PURCHASE, TRANSFER, RESALE, VERIFICATION, STAGE, COMMISSIONS, DIGITAL_GOODS)


def collection() -> Document:
    """Return the collection, with the variables that its steps save."""
    items = [scenario.folder() for scenario in SCENARIOS]
    return {
        "info": {"name": "TicketRemaster", "description": ABOUT, "schema": FORMAT},
        "auth": bearer("access_token"),
        "item": items,
        "variable": [{"key": name, "value": ""} for name in _variables(items)],
    }


def environment() -> Document:
    """Return the environment of `make run` on this machine."""
    values = {
        "base_url": "http://127.0.0.1:8000",
        "sandbox_url": "http://127.0.0.1:5900",
        "event_id": str(HALL_EVENT_ID),
        "otp_code": USUAL_CODE,
        "user_email": "user1@example.com",
        "performer_email": "performer@example.com",
        "staff_email": "staff@example.com",
        "admin_email": "admin@example.com",
        "seed_password": PASSWORD,
    }
    return {
        "name": "TicketRemaster on this machine",
        "values": [{"key": key, "value": value, "type": "default", "enabled": True} for key, value in values.items()],
        "_postman_variable_scope": "environment",
    }


def files() -> dict[Path, str]:
    """Return the content of each file."""
    documents = {COLLECTION: collection(), ENVIRONMENT: environment()}
    return {path: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for path, document in documents.items()}


def _variables(items: list[Document]) -> list[str]:
    """Return the used variables that the environment does not define; its values take precedence."""
    defined = {value["key"] for value in environment()["values"]}
    return sorted(set(re.findall(r"\{\{(\w+)\}\}", json.dumps(items))) - defined)
