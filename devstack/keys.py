"""The secrets of a stack, generated once and stored in its folder, so that tokens and QR codes stay valid after a restart."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from devstack.home import Home, write_privately

__all__ = ["Keys", "keys_of", "new_keys"]

QR_KEY_BYTES = 32  # AES-256-GCM (T11)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Keys of the services, and passwords of the servers that the stack starts."""

    jwt_private_key: str
    service_token_secret: str
    qr_keys: str
    otp_api_key: str
    postgres_password: str
    rabbitmq_password: str
    rabbitmq_node: str
    """The node's name is no secret, but as random: no other folder's node has it."""
    erlang_cookie: str


def keys_of(home: Home) -> Keys:
    """Return the stack's secrets; the first call creates them (mode 600)."""
    home.prepare()
    stored = json.loads(home.secrets_file.read_text()) if home.secrets_file.exists() else {}
    keys = Keys(**(asdict(new_keys()) | stored))
    if asdict(keys) != stored:
        write_privately(home.secrets_file, json.dumps(asdict(keys), indent=2))
    return keys


def new_keys() -> Keys:
    """Return new random secrets."""
    private_key = Ed25519PrivateKey.generate()
    qr_key = base64.urlsafe_b64encode(secrets.token_bytes(QR_KEY_BYTES)).rstrip(b"=").decode()
    return Keys(
        jwt_private_key=private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        service_token_secret=secrets.token_urlsafe(48),
        qr_keys=f"k1:{qr_key}",
        otp_api_key=secrets.token_urlsafe(24),
        postgres_password=secrets.token_urlsafe(24),
        rabbitmq_password=secrets.token_urlsafe(24),
        rabbitmq_node=f"ticketremaster-{secrets.token_hex(4)}@localhost",
        erlang_cookie=secrets.token_hex(16),
    )
