import base64
import uuid
from datetime import timedelta

import pytest
from pydantic import SecretStr

from orchestrator.errors import QrInvalid
from orchestrator.features.tickets.adapters.qr_code import QrCodec

OLD = "k1:" + base64.urlsafe_b64encode(b"o" * 32).decode()
NEW = "k2:" + base64.urlsafe_b64encode(b"n" * 32).decode()
TICKET = {
    "seat_id": uuid.uuid4(),
    "user_id": uuid.uuid4(),
    "event_id": uuid.uuid4(),
}


def codec(*keys: str) -> QrCodec:
    return QrCodec(SecretStr(",".join(keys)), ttl_seconds=60)


def test_reads_back_what_it_issued() -> None:
    issued = codec(NEW).issue(**TICKET, hall_id="HALL-A")
    ticket = codec(NEW).read(issued.payload)
    assert (ticket.seat_id, ticket.user_id, ticket.event_id) == tuple(TICKET.values())
    assert ticket.hall_id == "HALL-A"
    assert ticket.generated_at == issued.generated_at
    assert issued.expires_at - issued.generated_at == timedelta(seconds=60)


@pytest.mark.parametrize("padding", ["\r", "\n", "\r\n", "\t", " ", " \t\r\n"])
def test_padding_of_a_scanner_is_ignored(padding: str) -> None:
    issued = codec(NEW).issue(**TICKET, hall_id="HALL-A")
    for payload in (issued.payload + padding, padding + issued.payload, padding + issued.payload + padding):
        assert codec(NEW).read(payload).seat_id == TICKET["seat_id"]


def test_codes_of_one_ticket_differ() -> None:
    payloads = {codec(NEW).issue(**TICKET, hall_id="HALL-A").payload for _ in range(100)}
    assert len(payloads) == 100


def test_retired_key_no_longer_decodes() -> None:
    issued = codec(OLD).issue(**TICKET, hall_id="HALL-A")
    assert codec(NEW, OLD).read(issued.payload).seat_id == TICKET["seat_id"]
    with pytest.raises(QrInvalid):
        codec(NEW).read(issued.payload)


def test_first_key_encodes() -> None:
    issued = codec(NEW, OLD).issue(**TICKET, hall_id="HALL-A")
    assert base64.urlsafe_b64decode(issued.payload + "==").startswith(b"k2")
    assert codec(NEW).read(issued.payload).seat_id == TICKET["seat_id"]


def test_every_flipped_byte_is_detected() -> None:
    raw = base64.urlsafe_b64decode(codec(NEW, OLD).issue(**TICKET, hall_id="HALL-A").payload + "==")
    for position in range(len(raw)):
        tampered = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        with pytest.raises(QrInvalid):
            codec(NEW, OLD).read(base64.urlsafe_b64encode(tampered).decode())


def test_swapped_key_id_is_refused() -> None:
    same_key_twice = codec(NEW, "k3:" + NEW.partition(":")[2])
    raw = base64.urlsafe_b64decode(codec(NEW).issue(**TICKET, hall_id="HALL-A").payload + "==")
    with pytest.raises(QrInvalid):
        same_key_twice.read(base64.urlsafe_b64encode(b"k3" + raw[2:]).decode())


@pytest.mark.parametrize("payload", ["", " \r\n", "k2", "not base64!", "a" * 3, "é", "A" * 5_000, "k2" + "A" * 40])
def test_malformed_code_is_refused(payload: str) -> None:
    with pytest.raises(QrInvalid):
        codec(NEW).read(payload)


@pytest.mark.parametrize("keys", ["", "k1", "key:AAAA", "k1:AAAA", "k1:" + "A" * 43 + ",nonsense"])
def test_malformed_keys_are_refused_at_start(keys: str) -> None:
    with pytest.raises(ValueError, match=r"QR_KEYS|base64|padding|characters"):
        codec(keys)
