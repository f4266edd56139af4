"""What a performer may deliver with a performance."""

import pytest
from pydantic import ValidationError

from orchestrator.features.performance_queue.schemas import CompleteRequest


def test_file_is_an_https_address_in_its_normal_form() -> None:
    assert (
        CompleteRequest.model_validate({"file": "https://Files.example/a b.mp3"}).file
        == "https://files.example/a%20b.mp3"
    )
    assert CompleteRequest.model_validate({}).file is None


@pytest.mark.parametrize(
    "address",
    [
        "http://files.example/song.mp3",
        "//files.example/song.mp3",
        "javascript:alert(1)",
        "https://",
        "https://shop.example@evil.example/login",
        "https://shop.example:secret@evil.example/login",
        "https://shop.example%2F@evil.example/login",
        f"https://files.example/{'x' * 2_000}",
        f"https://files.example/{'é' * 1_000}",  # longer than it may be in its normal form
    ],
)
def test_address_that_misleads_or_cannot_be_stored_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        CompleteRequest.model_validate({"file": address})
