"""The keys and proofs of RMCP+; that whole sessions fit is for the real peers to say."""

import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi.crypto import SUITES, SessionKeys, Transcript

suites = st.sampled_from([3, 17])


def aes_key(suite: int, session_key: bytes) -> bytes:
    digest = {3: "sha1", 17: "sha256"}[suite]
    return hmac.digest(session_key, b"\x02" * 20, digest)[:16]


@given(suite=suites, session_key=st.binary(min_size=20, max_size=32), plain=st.binary(max_size=99))
def test_encryption_is_cbc_as_the_library_has_it(
    suite: int, session_key: bytes, plain: bytes
) -> None:
    sent = SessionKeys(SUITES[suite], session_key).encrypt(plain)
    library = Cipher(AES(aes_key(suite, session_key)), CBC(sent[:16])).decryptor()
    padded = library.update(sent[16:]) + library.finalize()
    pad = padded[-1]
    assert padded == plain + bytes(range(1, pad + 1)) + bytes((pad,))
    assert 0 <= pad < 16


@given(suite=suites, session_key=st.binary(min_size=20, max_size=32), plain=st.binary(max_size=99))
def test_what_was_encrypted_is_decrypted(suite: int, session_key: bytes, plain: bytes) -> None:
    keys = SessionKeys(SUITES[suite], session_key)
    assert keys.decrypt(keys.encrypt(plain)) == plain


@given(data=st.binary(max_size=100))
def test_garbage_is_decrypted_to_nothing_or_to_garbage_but_never_raises(data: bytes) -> None:
    plain = SessionKeys(SUITES[3], b"key").decrypt(data)
    assert plain is None or len(plain) < len(data)


def test_the_same_message_never_looks_the_same() -> None:
    keys = SessionKeys(SUITES[17], b"key")
    assert len({keys.encrypt(b"Get Power Reading") for _ in range(100)}) == 100


@pytest.mark.parametrize("suite", [3, 17])
def test_a_proof_depends_on_the_password_and_on_all_that_was_said(suite: int) -> None:
    def talk(username: bytes = b"root", guid: bytes = b"g" * 16) -> Transcript:
        said = (b"cons", 0x14, username, b"r" * 16, b"bmc!", b"R" * 16, guid)
        return Transcript(SUITES[suite], *said)

    proofs = [
        talk().bmc_proof(b"secret"),
        talk().bmc_proof(b"secreT"),
        talk(username=b"toor").bmc_proof(b"secret"),
        talk(guid=b"h" * 16).bmc_proof(b"secret"),
        talk().console_proof(b"secret"),
        talk().session_key(b"secret"),
    ]
    assert len(set(proofs)) == len(proofs)
    assert talk().bmc_proof(b"secret") == proofs[0]
