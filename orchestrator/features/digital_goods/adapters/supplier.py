"""The supplier of digital goods, over its HTTP API (Kinguin-style): one reservation per unit."""

import asyncio
import time
from typing import Annotated, Final
from urllib.parse import quote

import httpx
import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from common.http.transport import HttpTransport
from common.telemetry.tracing import client_span
from orchestrator.features.digital_goods.adapters.interfaces import Reservation, ReservationStatus
from orchestrator.features.digital_goods.errors import SupplierRefused, SupplierUnavailable
from orchestrator.features.digital_goods.metrics import SUPPLIER_CALL_SECONDS, UNAVAILABLE

__all__ = ["Codes", "SupplierApi"]

KEY_HEADER: Final = "X-Api-Key"
PATH: Final = "/v1/reservations"
LONGEST_ANSWER_BYTES: Final = 64 * 1024
MAX_CODES: Final = 20
# An answer that another attempt does not change. Any other error, such as that of a wrong API key, is the platform's or
# the supplier's to repair: no order fails for good by it.
REFUSES_RESERVATION: Final = frozenset({409, 410, 422})
HAS_NO_RESERVATION: Final = frozenset({404, 410})

# The orders service takes as much, sealed.
LONGEST_CODES_BYTES: Final = 60_000


def _bounded_in_all(codes: tuple[str, ...]) -> tuple[str, ...]:
    if len(orjson.dumps(codes)) > LONGEST_CODES_BYTES:
        raise ValueError(f"the codes have more than {LONGEST_CODES_BYTES} bytes")
    return codes


Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Codes = Annotated[tuple[Code, ...], Field(max_length=MAX_CODES), AfterValidator(_bounded_in_all)]


class _Reservation(BaseModel):
    # An error that shows its input would put codes into logs.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    reservation_id: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]
    status: ReservationStatus
    codes: Codes = ()


class SupplierApi:
    """Calls the supplier.

    Args:
        api_url: without a path.
        timeout_seconds: for a whole call.
    """

    def __init__(self, *, api_url: str, key: SecretStr, timeout_seconds: float) -> None:
        self._http = httpx.AsyncClient(
            base_url=api_url.rstrip("/"),
            headers={KEY_HEADER: key.get_secret_value()},
            transport=HttpTransport(),
            timeout=timeout_seconds,
        )
        self._timeout_seconds = timeout_seconds

    async def reserve(self, supplier_product_id: str, *, request_id: str) -> Reservation:
        body = {"product_id": supplier_product_id, "request_id": request_id}
        return await self._call("reserve", "POST", PATH, body, refusals=REFUSES_RESERVATION)

    async def give(self, reservation_id: str) -> Reservation:
        return await self._one("give", "POST", reservation_id, "/give")

    async def find(self, reservation_id: str) -> Reservation:
        return await self._one("find", "GET", reservation_id)

    async def close(self) -> None:
        await self._http.aclose()

    async def _one(self, call: str, method: str, reservation_id: str, rest: str = "") -> Reservation:
        path = f"{PATH}/{quote(reservation_id, safe='')}{rest}"
        found = await self._call(call, method, path, refusals=HAS_NO_RESERVATION)
        if found.reservation_id != reservation_id:
            raise SupplierUnavailable(reason="it answered with another reservation")
        return found

    async def _call(
        self, call: str, method: str, path: str, body: dict[str, str] | None = None, *, refusals: frozenset[int]
    ) -> Reservation:
        started_at, result = time.monotonic(), UNAVAILABLE
        try:
            found = _read(await self._send(method, path, body, refusals=refusals))
        except SupplierRefused:
            result = "refused"
            raise
        else:
            result = "answered"
            return found
        finally:
            SUPPLIER_CALL_SECONDS.labels(call, result).observe(time.monotonic() - started_at)

    async def _send(self, method: str, path: str, body: dict[str, str] | None, *, refusals: frozenset[int]) -> bytes:
        """Return the body of a successful answer. No error contains a part of any body: it may have codes."""
        try:
            with client_span("supplier", method):
                async with (
                    asyncio.timeout(self._timeout_seconds),
                    self._http.stream(method, path, json=body) as response,
                ):
                    if response.status_code in refusals:
                        raise SupplierRefused(reason=f"status {response.status_code}")
                    if not response.is_success:
                        raise SupplierUnavailable(reason=f"status {response.status_code}")
                    return await _bounded(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise SupplierUnavailable(reason=type(error).__name__) from error


async def _bounded(response: httpx.Response) -> bytes:
    """Read a body, and stop as soon as it is too long."""
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > LONGEST_ANSWER_BYTES:
            raise SupplierUnavailable(reason="the answer is too long")
    return bytes(content)


def _read(content: bytes) -> Reservation:
    try:
        found = _Reservation.model_validate_json(content)
    except ValidationError as error:
        fields = sorted({".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False)})
        raise SupplierUnavailable(reason=f"the answer has other fields: {fields}") from None
    return Reservation(reservation_id=found.reservation_id, status=found.status, codes=found.codes)
