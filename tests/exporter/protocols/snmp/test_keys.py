"""Keys of SNMPv3: what the RFCs print, and what the simulator's own implementation computes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.snmp.keys import HASHES, PRIVACY, Keys, User, master_key
from rackwatt_exporter.simulator.snmp.usm import UserKeys

ENGINE = bytes.fromhex("000000000000000000000002")
AUTH, PRIV = b"simulated-auth", b"simulated-priv"
MASTERS = {auth: (master_key(auth, AUTH), master_key(auth, PRIV)) for auth in HASHES}


def keys(auth: str = "SHA-256", privacy: str = "AES") -> Keys:
    mine, private = MASTERS[auth]
    return Keys(User(b"monitor", auth, mine, privacy, private), ENGINE)


@pytest.mark.parametrize(
    ("auth", "master"),
    [
        ("MD5", "9faf3283884e92834ebc9847d8edd963"),
        ("SHA", "9fb5cc0381497b3793528939ff788d5d79145211"),
    ],
)
def test_a_password_is_stretched_as_rfc_3414_prints_it(auth: str, master: str) -> None:
    assert master_key(auth, b"maplesyrup").hex() == master


@pytest.mark.parametrize("auth", ["SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"])
@given(message=st.binary(max_size=300))
def test_a_message_is_signed_as_by_the_simulator(auth: str, message: bytes) -> None:
    theirs = UserKeys(AUTH.decode(), PRIV.decode(), ENGINE)
    signature = keys(auth).signature(message)
    assert signature == theirs.signature(message, len(signature))


@given(st.binary(max_size=300), st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_what_is_encrypted_by_aes_is_read_by_the_simulator_and_back(
    plain: bytes, boots: int, time_s: int
) -> None:
    ours, theirs = keys(), UserKeys(AUTH.decode(), PRIV.decode(), ENGINE)
    salt, secret = ours.encrypt(plain, boots, time_s)
    assert theirs.decrypt(secret, 24, boots, time_s, salt) == plain
    salt, secret = theirs.encrypt(plain, 24, boots, time_s)
    assert ours.decrypt(secret, boots, time_s, salt) == plain


@pytest.mark.parametrize("auth", HASHES)
@pytest.mark.parametrize("privacy", PRIVACY)
@given(plain=st.binary(max_size=100))
def test_every_privacy_reads_what_it_wrote(auth: str, privacy: str, plain: bytes) -> None:
    ours = keys(auth, privacy)
    salt, secret = ours.encrypt(plain, 3, 70)
    assert ours.decrypt(secret, 3, 70, salt)[: len(plain)] == plain
    assert ours.encrypt(plain, 3, 70)[0] != salt


@pytest.mark.parametrize("privacy", ["DES", "AES"])
@pytest.mark.parametrize(("secret", "salt"), [(b"x" * 16, b"short"), (b"x" * 16, b"")])
def test_a_salt_of_another_length_is_an_error(privacy: str, secret: bytes, salt: bytes) -> None:
    with pytest.raises(ValueError, match="salt"):
        keys(privacy=privacy).decrypt(secret, 1, 1, salt)


def test_half_a_block_of_des_is_an_error() -> None:
    with pytest.raises(ValueError, match="block size"):
        keys(privacy="DES").decrypt(b"x" * 9, 1, 1, bytes(8))
