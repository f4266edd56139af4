"""What fields of clients accept, and what they make of it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from common.fields import Instant, Integer, LineText, PlainText, StoredInstant
from common.money import Money, SignedMoney, money

FULLWIDTH, ARABIC = "１２", "١٢"  # noqa: RUF001 - digits of other scripts


class TestText:
    def test_text_is_normalised(self) -> None:
        assert TypeAdapter(PlainText).validate_python(" Cafe\u0301\n") == "Café"

    def test_length_counts_what_is_stored(self) -> None:
        name = TypeAdapter(Annotated[LineText, Field(min_length=1, max_length=4)])
        assert name.validate_python("Cafe\u0301") == "Café"
        with pytest.raises(ValidationError):
            name.validate_python("\u200d\u202e")


class TestMoney:
    @pytest.mark.parametrize(
        ("written", "amount"), [("350.00", "350.00"), ("350", "350.00"), ("0.5", "0.50"), (12, "12.00"), (0.1, "0.10")]
    )
    def test_decimal_text_and_json_numbers(self, written: Any, amount: str) -> None:
        assert str(TypeAdapter(Money).validate_python(written)) == amount

    @pytest.mark.parametrize(
        "written",
        [
            FULLWIDTH,
            ARABIC,
            "1_000",
            "1e3",
            "1E3",
            "+5",
            " 5",
            "5 ",
            "5\n",
            "",
            ".5",
            "5.",
            "0x10",
            "1,000",
            "NaN",
            "sNaN",
            "Infinity",
            "-Infinity",
            float("nan"),
            float("inf"),
            1e16,
            True,
            None,
            [],
            "5.001",
        ],
    )
    def test_everything_else_is_no_money(self, written: Any) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(SignedMoney).validate_python(written)

    def test_zero_has_no_sign(self) -> None:
        assert str(TypeAdapter(SignedMoney).validate_python("-0")) == "0.00"
        assert str(money(Decimal("-0.00"))) == "0.00"

    @pytest.mark.parametrize("written", ["1_000", "1e3", ARABIC, " 5", "NaN"])
    def test_amounts_of_calls_between_services_are_read_alike(self, written: str) -> None:
        with pytest.raises(ValueError, match="amount"):
            money(written)


class TestInteger:
    @pytest.mark.parametrize(("written", "number"), [("20", 20), ("-1", -1), (3, 3), ("007", 7)])
    def test_digits(self, written: Any, number: int) -> None:
        assert TypeAdapter(Integer).validate_python(written) == number

    @pytest.mark.parametrize("written", ["1_000", "+5", " 5", "5 ", "1.0", "1e3", FULLWIDTH, ARABIC, "9" * 5_000, True])
    def test_everything_else_is_no_integer(self, written: Any) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(Integer).validate_python(written)


class TestInstant:
    @pytest.mark.parametrize("written", ["1970-01-01T00:00:00Z", "9000-01-01T00:00:00Z", "2027-03-20 20:00:00+08:00"])
    def test_times_within_the_calendar(self, written: str) -> None:
        assert TypeAdapter(Instant).validate_python(written).tzinfo is UTC

    @pytest.mark.parametrize(
        "written",
        [
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "9000-01-01T00:00:01Z",
            "2027-03-20T12:00:00",
            "٢٠٢٧-03-20T12:00:00Z",
            "0",
            0,
        ],
    )
    def test_others_are_refused(self, written: Any) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(Instant).validate_python(written)

    @pytest.mark.parametrize(
        ("stored", "year"),
        [
            ("-infinity", 1970),
            ("infinity", 9000),
            ("0044-03-15T12:00:00+00:00 BC", 1970),
            ("0001-01-01T00:00:00+00:00", 1970),
            ("12027-03-20T12:00:00+00:00", 9000),
            ("9999-12-31T23:59:59.999999+00:00", 9000),
            (datetime.min.replace(tzinfo=UTC), 1970),
            (datetime.max.replace(tzinfo=UTC), 9000),
            ("2027-03-20T12:00:00+00:00", 2027),
        ],
    )
    def test_any_stored_time_can_be_shown(self, stored: Any, year: int) -> None:
        assert TypeAdapter(StoredInstant).validate_python(stored).year == year
