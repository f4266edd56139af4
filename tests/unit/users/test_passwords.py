"""Password hashing in a bounded pool."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from common.errors import Unavailable
from users.accounts.passwords import Passwords


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(threads=1, queue=1)
    yield passwords
    passwords.close()


async def test_the_right_password_matches_its_hash_only(passwords: Passwords) -> None:
    stored = await passwords.hash("sesame")
    assert await passwords.matches("sesame", stored_hash=stored)
    assert not await passwords.matches("Sesame", stored_hash=stored)


async def test_equal_passwords_have_different_hashes(passwords: Passwords) -> None:
    assert await passwords.hash("sesame") != await passwords.hash("sesame")


async def test_unknown_account_matches_no_password(passwords: Passwords) -> None:
    assert not await passwords.matches("nobody's password", stored_hash=None)


async def test_malformed_hash_matches_nothing(passwords: Passwords) -> None:
    assert not await passwords.matches("!", stored_hash="!")


async def test_password_check_is_refused_if_the_queue_is_full(passwords: Passwords) -> None:
    outcomes = await asyncio.gather(*(passwords.hash("sesame") for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, str, Unavailable]
    assert await passwords.hash("later")


class TestForms:
    COMPOSED, APART = "Crème brûlée", "Cre\u0300me bru\u0302le\u0301e"

    async def test_one_password_typed_on_two_keyboards_matches(self, passwords: Passwords) -> None:
        stored = await passwords.hash(self.APART)
        assert await passwords.matches(self.COMPOSED, stored_hash=stored)
        assert await passwords.matches("Ｃrème brûlée", stored_hash=stored)  # noqa: RUF001 - a full-width letter
        assert not await passwords.matches("Creme brulee", stored_hash=stored)

    async def test_hash_of_the_typed_form_still_matches_and_is_renewed(self, passwords: Passwords) -> None:
        """An earlier release hashed passwords as they were typed."""
        stored = PasswordHasher().hash(self.APART)
        assert await passwords.matches(self.APART, stored_hash=stored)
        renewed = await passwords.renewed(self.APART, stored_hash=stored)
        assert renewed is not None
        assert await passwords.matches(self.COMPOSED, stored_hash=renewed)
        assert await passwords.renewed(self.APART, stored_hash=renewed) is None
        assert await passwords.renewed(self.COMPOSED, stored_hash=stored) is None
