"""Sends codes, up to limits per hour: each message costs money, and each code allows three attempts."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from common.addresses import network_of
from users.limits.service import AttemptLimits, Limit, Tried
from users.one_time_codes.errors import OtpUnavailable
from users.one_time_codes.provider import OtpProvider

__all__ = ["MAX_WRONG_CODES", "NEW_CODE_AFTER_SECONDS", "CodeSender", "SendLimits"]

MAX_WRONG_CODES: Final = 3  # T6: "Three wrong codes end the attempt"
NEW_CODE_AFTER_SECONDS: Final = 1
SEND_WINDOW_SECONDS: Final = 3600
RESALE: Final = "resale"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLimits:
    """Codes in an hour; 0 is no limit.

    Attributes:
        per_account: to one account for one purpose. With three attempts at each code, this bounds the guesses. Of the
            purpose `resale`, each sale counts by itself: its seller has put the ticket on sale, and waits for the code.
        per_phone: to one number, for all purposes, at the request of its user.
        per_address: to all numbers, for callers from one network.
        by_others: to one account at the request of other users, such as a fan who offers a ticket, and to other users
            at the request of one account, sales apart. So a user can neither use up another's own codes nor spam many.
    """

    per_account: int
    per_phone: int
    per_address: int
    by_others: int


class CodeSender:
    def __init__(self, *, provider: OtpProvider, limits: AttemptLimits, sends: SendLimits) -> None:
        self._provider = provider
        self._limits = limits
        self._per_account = Limit("otp-account", sends.per_account, SEND_WINDOW_SECONDS)
        self._per_phone = Limit("otp-phone", sends.per_phone, SEND_WINDOW_SECONDS)
        self._per_address = Limit("otp-address", sends.per_address, SEND_WINDOW_SECONDS)
        self._by_others = Limit("otp-by-others", sends.by_others, SEND_WINDOW_SECONDS)
        self._for_others = Limit("otp-for-others", sends.by_others, SEND_WINDOW_SECONDS)

    async def check_address(self, address: str) -> None:
        """Check whether more codes may be sent for callers from that network.

        Raises:
            TooManyRequests: too many were sent within the hour.
        """
        await self._limits.check([self._tried_from(address)])

    async def send(
        self, *, user_id: UUID, phone: str, context: str, reference: str, requested_by_user_id: UUID, address: str
    ) -> str:
        """Send a code and return the verification's id.

        Args:
            context: the purpose.
            reference: the order, transfer or sale.
            requested_by_user_id: the user who caused it, `user_id` or another user.
            address: the network address of that user.

        Raises:
            TooManyRequests: too many were sent within the hour.
            OtpUnavailable: the provider did not accept it. It does not count.
        """
        purpose = f"{context} {user_id} {reference}" if context == RESALE else f"{context} {user_id}"
        if requested_by_user_id == user_id:
            tried = [Tried(self._per_account, purpose), Tried(self._per_phone, phone)]
        elif context == RESALE:
            tried = [Tried(self._per_account, purpose)]
        else:
            tried = [Tried(self._by_others, str(user_id)), Tried(self._for_others, str(requested_by_user_id))]
        tried.append(self._tried_from(address))
        await self._limits.check(tried)  # a send refused for the account must not count against the phone
        await self._limits.count(tried)
        try:
            return await self._provider.send(phone)
        except OtpUnavailable:
            for one in tried:
                await self._limits.uncount(one)
            raise

    def _tried_from(self, address: str) -> Tried:
        return Tried(self._per_address, network_of(address))
