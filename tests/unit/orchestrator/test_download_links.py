import base64
import json
import uuid
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from pydantic import SecretStr

from common.errors import Gone, NotFound
from orchestrator.features.digital_goods.adapters.links import DownloadLinks

KEY = "k" * 32
ORDER_ID = uuid.uuid4()


def links(*, seconds: float = 900) -> DownloadLinks:
    return DownloadLinks(SecretStr(KEY), timedelta(seconds=seconds), "https://shop.example")


def token_of(url: str) -> str:
    assert url.startswith("https://shop.example/api/downloads/")
    return url.rpartition("/")[2]


def test_link_leads_to_its_order_for_15_minutes() -> None:
    asked_at = datetime.now(UTC)
    link = links().issue(ORDER_ID)
    assert links().read(token_of(link.url)) == ORDER_ID
    assert timedelta(minutes=14) < link.expires_at - asked_at <= timedelta(minutes=15, seconds=1)
    claims = jwt.decode(token_of(link.url), options={"verify_signature": False})
    assert claims["exp"] == int(link.expires_at.timestamp())


def test_link_that_is_asked_for_again_is_the_same() -> None:
    asked = [links().issue(ORDER_ID).url for _ in range(3)]
    assert len({*asked}) < 3  # one minute at most ends between them
    assert links().issue(uuid.uuid4()).url not in asked


def test_expired_link_is_gone() -> None:
    with pytest.raises(Gone) as gone:
        links().read(token_of(links(seconds=-1).issue(ORDER_ID).url))
    assert gone.value.code == "OFFER_EXPIRED"


def test_tampered_link_is_not_found_even_if_it_is_expired() -> None:
    head, claims, signature = token_of(links(seconds=-1).issue(ORDER_ID).url).split(".")
    other = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"sub": str(uuid.uuid4())}
    forged = base64.urlsafe_b64encode(json.dumps(other).encode()).rstrip(b"=").decode()
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    for token in ("", "x", f"{head}.{forged}.{signature}", f"{unsigned}.{forged}.", f"{head}.{claims}.{'A' * 43}"):
        with pytest.raises(NotFound):
            links().read(token)


@pytest.mark.parametrize("change", [{"aud": "access"}, {"sub": "7"}, {"sub": None}, {"exp": None}])
def test_token_of_another_kind_is_not_found(change: dict[str, str | None]) -> None:
    claims = {"aud": "download", "sub": str(ORDER_ID), "exp": datetime.now(UTC) + timedelta(hours=1)}
    signed = jwt.encode({name: value for name, value in (claims | change).items() if value is not None}, KEY, "HS256")
    with pytest.raises(NotFound):
        links().read(signed)
