import asyncio
import time

import bcrypt
import pytest

from rackwatt_exporter.web.passwords import MAX_PENDING, PasswordVerifier, TooManyPendingError
from tests.exporter.web.tls_files import GOS_HASH, PASSWORD

LOOPS = ("attended",)


async def test_a_hash_made_by_go_is_understood() -> None:
    passwords = PasswordVerifier({"prometheus": GOS_HASH})
    assert await passwords.verify(b"prometheus", PASSWORD.encode())
    assert not await passwords.verify(b"prometheus", b"fakepasswort")
    assert not await passwords.verify(b"prometheus", b"")
    assert not await passwords.verify(b"stranger", PASSWORD.encode())


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
async def test_every_kind_of_hash_is_understood_and_any_bytes_are_a_password(prefix: bytes) -> None:
    for password in (b"geheim\xff", b"a\x00b", "пароль".encode(), b"x" * 72):
        kept = bcrypt.hashpw(password, bcrypt.gensalt(4)).replace(b"2b", prefix, 1)
        passwords = PasswordVerifier({"a": kept.decode()})
        assert await passwords.verify(b"a", password)
        assert not await passwords.verify(b"a", password[:-1])


async def test_a_password_is_truncated_to_72_bytes_as_by_htpasswd() -> None:
    kept = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert await PasswordVerifier({"a": kept}).verify(b"a", b"x" * 100)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """List the hashes that bcrypt checks, which is what takes time."""
    found: list[bytes] = []
    check = bcrypt.checkpw

    def noted(password: bytes, kept: bytes) -> bool:
        found.append(kept)
        return check(password, kept)

    monkeypatch.setattr(bcrypt, "checkpw", noted)
    return found


async def test_a_right_password_costs_its_hash_once(checked: list[bytes]) -> None:
    passwords = PasswordVerifier({"a": GOS_HASH})
    for _ in range(100):
        assert await passwords.verify(b"a", PASSWORD.encode())
    assert checked == [GOS_HASH.encode()]


async def test_a_hundred_scrapes_at_once_cost_one_hash(checked: list[bytes]) -> None:
    passwords = PasswordVerifier({"a": GOS_HASH})
    checks = (passwords.verify(b"a", PASSWORD.encode()) for _ in range(100))
    assert all(await asyncio.gather(*checks))
    assert checked == [GOS_HASH.encode()]


async def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    passwords = PasswordVerifier({"a": GOS_HASH.replace("$10$", "$08$"), "b": GOS_HASH})

    async def cost_s(name: bytes) -> float:
        started_s = time.process_time()
        assert not await passwords.verify(name, b"wrong")
        return time.process_time() - started_s

    # In turns, and the least of each: whatever else the machine does only adds to some of them.
    took = [(await cost_s(b"b"), await cost_s(b"nobody")) for _ in range(5)]
    known, unknown = map(min, zip(*took, strict=True))
    assert unknown == pytest.approx(known, rel=0.5)


async def test_the_event_loop_turns_while_a_password_is_checked() -> None:
    kept = bcrypt.hashpw(b"x", bcrypt.gensalt(12)).decode()
    passwords = PasswordVerifier({"a": kept})
    checking = asyncio.create_task(passwords.verify(b"a", b"x"))
    turns = 0
    while not checking.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert checking.result()
    assert turns > 5


async def test_more_than_can_wait_are_rejected() -> None:
    passwords = PasswordVerifier({"a": GOS_HASH})
    checks = [passwords.verify(b"a", b"wrong%d" % number) for number in range(MAX_PENDING + 3)]
    outcomes = await asyncio.gather(*checks, return_exceptions=True)
    assert sum(isinstance(outcome, TooManyPendingError) for outcome in outcomes) == 3
    assert outcomes.count(False) == MAX_PENDING
    assert await passwords.verify(b"a", PASSWORD.encode())
