"""Modules that wait for their first use, in processes of their own: this one has imported them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rackwatt_exporter.lazy_modules import hidden, register

SLOW = """
import threading, time
threads = [threading.get_ident()]
time.sleep(0.2)
import slow
assert slow.threads is threads  # it may use itself meanwhile
answer = 42
"""
THREADS = """
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from rackwatt_exporter.lazy_modules import LazyModule, register
made = register("slow")
import slow
assert slow is made and "answer" not in vars(slow)
gate = threading.Barrier(8)
def ask(_):
    gate.wait()
    return slow.answer
with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(ask, range(8)))
print(json.dumps([answers, len(slow.threads), type(slow) is LazyModule, hasattr(slow, "none")]))
"""
CHECK = """
import sys
from rackwatt_exporter.__main__ import parser
parser(["run"])
import asyncio, socket, threading, urllib.request, http.client
loaded = [one for one in ("_ssl", "_hashlib") if one in sys.modules]
async def main():
    server = await asyncio.start_server(lambda *_: None, sock=socket.create_server(("127.0.0.1", 0)))
    server.close()
asyncio.run(main())
loaded += [one for one in ("_ssl", "_hashlib") if one in sys.modules]
assert http.client.HTTPSConnection and urllib.request.HTTPSHandler
import ssl, hashlib, hmac, asyncio.base_events, asyncio.sslproto
assert hashlib.sha256(b"").digest_size == 32 and hmac.digest(b"k", b"m", "sha256")
assert isinstance(ssl.create_default_context(), ssl.SSLContext)
assert asyncio.base_events.ssl.SSLSocket is ssl.SSLSocket is not object
assert issubclass(asyncio.sslproto.SSLAgainErrors[0], ssl.SSLError)
from aiohttp.web import SSLContext
print(loaded)
"""


def printed(program: str, path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": str(path)},
    )  # fmt: skip
    return done.stdout.strip()


def test_a_module_is_executed_once_while_every_other_thread_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    assert json.loads(printed(THREADS, tmp_path)) == [[42] * 8, 1, False, False]


def test_a_module_that_fails_says_so_each_time_that_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    program = (
        "from rackwatt_exporter.lazy_modules import register\n"
        "broken = register('broken')\n"
        "for _ in range(2):\n"
        "    try:\n        broken.anything\n"
        "    except ModuleNotFoundError as error:\n        print(error.name)\n"
    )
    assert printed(program, tmp_path) == "nothing_of_this_name\nnothing_of_this_name"


def test_what_imports_openssl_does_not_load_it_and_works_when_it_is_used(tmp_path: Path) -> None:
    assert printed(CHECK, tmp_path) == "[]"


def test_a_module_that_was_imported_stays_what_it_is() -> None:
    assert register("ssl") is None
    with hidden("ssl"):
        assert sys.modules["ssl"] is not None


def test_a_module_that_does_not_exist_is_not_registered() -> None:
    with pytest.raises(ModuleNotFoundError, match="there is no module nothing_of_this_name"):
        register("nothing_of_this_name")
