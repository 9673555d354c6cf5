import asyncio
import time

import bcrypt
import pytest

from rackwatt_exporter.web.passwords import MOST_WAITING, Passwords, TooManyError
from tests.exporter.web.certified import GOS_HASH, PASSWORD

LOOPS = ("attended",)


async def test_a_hash_made_by_go_is_understood() -> None:
    passwords = Passwords({"prometheus": GOS_HASH})
    assert await passwords.right(b"prometheus", PASSWORD.encode())
    assert not await passwords.right(b"prometheus", b"fakepasswort")
    assert not await passwords.right(b"prometheus", b"")
    assert not await passwords.right(b"somebody", PASSWORD.encode())


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
async def test_every_kind_of_hash_is_understood_and_any_bytes_are_a_password(prefix: bytes) -> None:
    for password in (b"geheim\xff", b"a\x00b", "пароль".encode(), b"x" * 72):
        kept = bcrypt.hashpw(password, bcrypt.gensalt(4)).replace(b"2b", prefix, 1)
        passwords = Passwords({"a": kept.decode()})
        assert await passwords.right(b"a", password)
        assert not await passwords.right(b"a", password[:-1])


async def test_what_is_beyond_72_bytes_is_cut_off_as_htpasswd_does() -> None:
    kept = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert await Passwords({"a": kept}).right(b"a", b"x" * 100)


async def test_a_right_password_costs_its_hash_once() -> None:
    passwords = Passwords({"a": GOS_HASH})
    started_s = time.process_time()
    assert await passwords.right(b"a", PASSWORD.encode())
    first_s = time.process_time() - started_s
    started_s = time.process_time()
    for _ in range(100):
        assert await passwords.right(b"a", PASSWORD.encode())
    assert time.process_time() - started_s < first_s


async def test_a_hundred_scrapes_at_once_cost_one_hash() -> None:
    kept = bcrypt.hashpw(b"x", bcrypt.gensalt(10)).decode()
    passwords = Passwords({"a": kept})
    started_s = time.process_time()
    bcrypt.checkpw(b"x", kept.encode())
    once_s = time.process_time() - started_s
    started_s = time.process_time()
    assert all(await asyncio.gather(*(passwords.right(b"a", b"x") for _ in range(100))))
    assert time.process_time() - started_s < 4 * once_s


async def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    passwords = Passwords({"a": GOS_HASH.replace("$10$", "$08$"), "b": GOS_HASH})

    async def cost_s(name: bytes) -> float:
        started_s = time.process_time()
        assert not await passwords.right(name, b"wrong")
        return time.process_time() - started_s

    known = sorted([await cost_s(b"b") for _ in range(5)])[2]
    unknown = sorted([await cost_s(b"nobody") for _ in range(5)])[2]
    assert unknown == pytest.approx(known, rel=0.5)


async def test_the_event_loop_turns_while_a_password_is_checked() -> None:
    kept = bcrypt.hashpw(b"x", bcrypt.gensalt(11)).decode()
    passwords = Passwords({"a": kept})
    checking = asyncio.create_task(passwords.right(b"a", b"x"))
    turns = 0
    while not checking.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert checking.result()
    assert turns > 5


async def test_more_than_can_wait_are_told_to_come_again() -> None:
    passwords = Passwords({"a": GOS_HASH})
    asked = [passwords.right(b"a", b"wrong%d" % number) for number in range(MOST_WAITING + 3)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, TooManyError) for outcome in outcomes) == 3
    assert outcomes.count(False) == MOST_WAITING
    assert await passwords.right(b"a", PASSWORD.encode())
