import pytest
from pydantic import SecretStr

from common.sealing import SealBroken, Sealer, is_sealed
from common.settings import SealingSettings

OLD, NEW = b"o" * 32, b"n" * 32
CONTENT, CONTEXT = b"GAME-KEY-1234", "item 1"


def test_content_opens_in_its_context_only() -> None:
    sealer = Sealer({"k1": OLD})
    sealed = sealer.seal(CONTENT, context=CONTEXT)
    assert is_sealed(sealed)
    assert CONTENT not in sealed
    assert sealer.open(sealed, context=CONTEXT) == CONTENT
    with pytest.raises(SealBroken):
        sealer.open(sealed, context="item 2")


def test_every_changed_byte_is_noticed() -> None:
    sealer = Sealer({"k1": OLD})
    sealed = sealer.seal(CONTENT, context=CONTEXT)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            sealer.open(bytes(changed), context=CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open(sealed[:length], context=CONTEXT)


def test_each_object_has_a_data_key_and_nonces_of_its_own() -> None:
    sealer = Sealer({"k1": OLD})
    first, second = (sealer.seal(CONTENT, context=CONTEXT) for _ in range(2))
    assert first[-len(CONTENT) - 16 :] != second[-len(CONTENT) - 16 :]


def test_rewrapped_object_needs_the_new_key_only() -> None:
    sealed = Sealer({"k1": OLD}).seal(CONTENT, context=CONTEXT)
    both, new = Sealer({"k2": NEW, "k1": OLD}), Sealer({"k2": NEW})
    assert both.open(sealed, context=CONTEXT) == CONTENT
    with pytest.raises(SealBroken):
        new.open(sealed, context=CONTEXT)
    rewrapped = both.rewrap(sealed)
    assert rewrapped is not None
    assert new.open(rewrapped, context=CONTEXT) == CONTENT
    assert both.rewrap(rewrapped) is None


def test_ids_that_begin_alike_are_distinct() -> None:
    sealed = Sealer({"k10": OLD}).seal(CONTENT, context=CONTEXT)
    rewrapped = Sealer({"k1": NEW, "k10": OLD}).rewrap(sealed)
    assert rewrapped is not None
    assert Sealer({"k1": NEW}).open(rewrapped, context=CONTEXT) == CONTENT


@pytest.mark.parametrize("keys", ["", "k1", "k1:", "k1:AAAA", f":{'A' * 43}", f"k1:{'A' * 43},k1:{'B' * 43}", "k1:?"])
def test_settings_refuse_malformed_keys(keys: str) -> None:
    with pytest.raises(ValueError, match="KEY_ENCRYPTION_KEYS"):
        SealingSettings(env="dev", key_encryption_keys=SecretStr(keys))


def test_the_development_key_is_refused_in_production() -> None:
    development = SealingSettings(env="dev").key_encryption_keys
    secret = SecretStr("s" * 32)
    with pytest.raises(ValueError, match="KEY_ENCRYPTION_KEYS has a known development key"):
        SealingSettings(env="prod", service_token_secret=secret, key_encryption_keys=development)
    own = SecretStr(f"k1:{'A' * 43}")
    settings = SealingSettings(env="prod", service_token_secret=secret, key_encryption_keys=own)
    assert is_sealed(Sealer.of(settings).seal(CONTENT, context=CONTEXT))
