"""Whether a refusal is remembered travels between services, and only if the participant says so."""

from typing import Any

import grpc
import pytest

from common.errors import Conflict, PaymentRequired, ServiceError
from common.http.error_mapping import REMEMBERED_HEADER, error_from_response, error_response
from common.rpc.error_mapping import error_from_status, status_of, trailing_metadata_of


def make_refusal(*, is_remembered: bool) -> ServiceError:
    refusal = PaymentRequired(details={"missing": "1.00"})
    refusal.is_remembered = is_remembered
    return refusal


def over_http(refusal: ServiceError) -> ServiceError:
    response = error_response(refusal)
    return error_from_response(response.status_code, response.headers, bytes(response.body))


def over_grpc(refusal: ServiceError) -> ServiceError:
    none: Any = grpc.aio.Metadata()
    trailing: Any = grpc.aio.Metadata(*trailing_metadata_of(refusal))
    return error_from_status(grpc.aio.AioRpcError(status_of(refusal), none, trailing, refusal.public_message))


@pytest.mark.parametrize("send", [over_http, over_grpc])
@pytest.mark.parametrize("is_remembered", [True, False])
def test_refusal_arrives_as_it_was_sent(send: Any, is_remembered: bool) -> None:  # noqa: FBT001 - a parameter of the test
    arrived = send(make_refusal(is_remembered=is_remembered))
    assert type(arrived) is PaymentRequired
    assert (arrived.code, arrived.details) == ("INSUFFICIENT_CREDITS", {"missing": "1.00"})
    assert arrived.is_remembered is is_remembered


def test_release_that_says_nothing_remembers_nothing() -> None:
    response = error_response(make_refusal(is_remembered=True))
    del response.headers[REMEMBERED_HEADER]
    assert not error_from_response(response.status_code, response.headers, bytes(response.body)).is_remembered


def test_unreadable_response_is_no_refusal() -> None:
    headers = {REMEMBERED_HEADER: "true"}
    assert not error_from_response(409, headers, b"<html>Conflict</html>").is_remembered


def test_new_error_is_not_remembered() -> None:
    assert not Conflict().is_remembered
