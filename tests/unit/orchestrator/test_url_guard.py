"""Webhooks are signed and go to public addresses only, however the address is written."""

import uuid

import pytest

from orchestrator.features.outbound_webhooks.adapters.signing import headers_of, new_secret
from orchestrator.features.outbound_webhooks.adapters.url_guard import check_url, is_public
from orchestrator.features.outbound_webhooks.errors import AddressNotAllowed


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - one of the addresses under test
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fec0::1",
        "::127.0.0.1",
        "::ffff:0:a9fe:a9fe",
        "5f00::1",
        "3fff::1",
    ],
)
def test_private_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://integrator.example/hooks",
        "ftp://integrator.example",
        "https://",
        "https://localhost/hooks",
        "https://127.0.0.1/hooks",
        "https://[::1]/hooks",
        "https://[::ffff:169.254.169.254]/",
        "https://user:password@integrator.example/",
        "https://integrator.example:99999/",
        "https://integrator.example:0/",
        "https://2130706433/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://0x7f.0.0.1/",
        "https://[::ffff:0177.0.0.1]/",
        "https://intranet/",
        "https://１２７.0.0.1/",  # noqa: RUF001 - full-width digits
        "https://integrator.example\\@127.0.0.1/",
        "https://[/",
        "nonsense",
        "",
    ],
)
def test_unsafe_url_is_refused(url: str) -> None:
    with pytest.raises(AddressNotAllowed):
        check_url(url, is_private_allowed=False)


def test_host_name_and_public_address_are_accepted() -> None:
    check_url("https://integrator.example:8443/hooks?x=1", is_private_allowed=False)
    check_url("https://xn--bcher-kva.example./", is_private_allowed=False)
    check_url("https://93.184.216.34/hooks", is_private_allowed=False)


def test_signature_matches_the_standard_webhooks_example() -> None:
    """The example is that of the Standard Webhooks reference libraries."""
    headers = headers_of(
        webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",  # type: ignore[arg-type] # theirs is no UUID
        timestamp=1_614_265_330,
        body='{"test": 2432232314}',
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_differ_and_sign_differently() -> None:
    secrets = {new_secret() for _ in range(10)}
    assert len(secrets) == 10
    signatures = {
        headers_of(webhook_id=uuid.UUID(int=1), timestamp=1, body="{}", secret=secret)["webhook-signature"]
        for secret in secrets
    }
    assert len(signatures) == 10
