"""Tests of `rackwatt-acct`, started as users start it, against a server."""

import asyncio
import csv
import io
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rackwatt_accounting.api.app import build_app
from rackwatt_accounting.identity.rights import Rules
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.energy import MeasuredDay
from rackwatt_accounting.storage.store import Store
from tests.accounting.stores import empty_store

PROGRAM = str(Path(sys.executable).parent / "rackwatt-acct")
BEGIN_S = 1_794_300_000
DAY = ("-S", "2026-11-01", "-E", "2026-12-01")


class Done(NamedTuple):
    status: int
    out: str
    error: str


class Bearer:
    """The token is the name: what `--token-file` has arrives."""

    method = "test"

    async def name(self, request: web.Request) -> object:
        """Return the token."""
        return request.headers.get("Authorization", "").removeprefix("Bearer ") or None


@pytest.fixture
async def filled() -> AsyncIterator[Store]:
    async with empty_store("UTC") as store:
        units = [
            Unit(
                id="41",
                display_id="40_1",
                name="fit|curve",
                started_at_s=BEGIN_S,
                ended_at_s=BEGIN_S + 3600,
                user="ann",
                account="physics",
                cpus=4,
                nodes=1,
                state="completed",
                cpu_used_ms=7_200_000,
            ),
            Unit(
                id="42",
                name="evil\x1b[2Jname",
                started_at_s=BEGIN_S,
                user="ann",
                account="physics",
                cpus=1,
                state="running",
            ),
            Unit(
                id="43",
                name="other",
                started_at_s=BEGIN_S,
                ended_at_s=BEGIN_S + 60,
                user="bob",
                account="physics",
                cpus=1,
                state="failed",
            ),
        ]
        await store.write_window("prod", Window(BEGIN_S, BEGIN_S + 9000), units, BEGIN_S + 9000)
        day = store.calendar.day_of(BEGIN_S)
        (first,) = [one for one in await store.units_of_day("prod", day, 0) if one.job == "41"]
        await store.write_energy(
            "prod", day, 0, [MeasuredDay(first.unit, 1_800_000_000, None, 3600, 1)]
        )
        yield store


@pytest.fixture
async def url(filled: Store) -> AsyncIterator[str]:
    app = build_app(filled, {"prod": Rules(admins=frozenset({"root"}))}, (Bearer(),), lambda: b"")
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("ann\n")
    return path


async def acct(*arguments: str, **environment: str) -> Done:
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TZ": "UTC", **environment},
    )  # fmt: skip
    out, error = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), error.decode())


async def test_acct_prints_a_table_with_energy_as_sacct_does(url: str, token: Path) -> None:
    done = await acct(*DAY, "--url", url, "--token-file", str(token))
    assert (done.status, done.error) == (0, "")
    header, rule, *rows = done.out.splitlines()
    assert header.split() == [
        "JobID",
        "JobName",
        "User",
        "Account",
        "State",
        "Elapsed",
        "AllocCPUS",
        "Energy",
        "Coverage",
    ]
    assert rule.split() == ["-" * len(part) for part in rule.split()]
    assert [row.split()[0] for row in rows] == ["42", "40_1"]
    assert rows[1].split()[-4:] == ["4", "500.00", "Wh", "100%"]
    assert "\x1b" not in done.out
    assert rows[0].split()[-1] == "0%"


async def test_acct_reads_server_and_token_of_the_environment(url: str, token: Path) -> None:
    done = await acct(
        *DAY, "-n", "-P", "-o", "JobIDRaw,user,CPUEff,AveWatts,Method,End",
        RACKWATT_ACCOUNTING_URL=url, RACKWATT_ACCOUNTING_TOKEN_FILE=str(token),
    )  # fmt: skip
    assert done.out.splitlines() == [
        "42|ann|||none|Unknown",
        "41|ann|50.0%|500.0|counters|2026-11-10T09:40:00",
    ]


async def test_acct_prints_csv_and_json_of_any_name(url: str, token: Path) -> None:
    done = await acct(
        *DAY,
        "--csv",
        "-j",
        "41",
        "-o",
        "jobname,energyraw",
        "--url",
        url,
        "--token-file",
        str(token),
    )
    assert list(csv.reader(io.StringIO(done.out))) == [
        ["JobName", "EnergyRaw"],
        ["fit|curve", "1800000.0"],
    ]
    done = await acct(*DAY, "--json", "--url", url, "--token-file", str(token))
    assert [job["id"] for job in json.loads(done.out)["jobs"]] == ["42", "41"]


async def test_acct_shows_nothing_of_others(url: str, token: Path) -> None:
    done = await acct(*DAY, "-n", "-u", "bob", "--url", url, "--token-file", str(token))
    assert (done.status, done.out) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["-o", "JobID,Watts"], 2, "there is no field 'Watts': --helpformat lists them"),
        (["-o", "JobID%x"], 2, "'JobID%x': 'x' is no width"),
        (["-S", "lately"], 2, "'lately' is no time"),
        (["--url", ""], 2, "set --url or RACKWATT_ACCOUNTING_URL"),
        (["--token-file", "/nonexistent"], 2, "No such file"),
        (["-S", "now", "-E", "now-1day"], 1, "the server refuses: from: it is after `to`"),
    ],
)
async def test_acct_says_what_is_wrong(
    url: str, token: Path, arguments: list[str], status: int, message: str
) -> None:
    done = await acct("--url", url, "--token-file", str(token), *arguments)
    assert done.status == status
    assert message in done.error


async def test_acct_without_a_token_is_refused(url: str) -> None:
    done = await acct(*DAY, "--url", url)
    assert (done.status, done.error) == (
        1,
        "rackwatt-acct: the server refuses: the request does not show who asks (status 401)\n",
    )


async def test_acct_lists_its_fields() -> None:
    done = await acct("--helpformat")
    assert {"JobID", "Energy", "GPUEnergy", "CPUEff", "Coverage"} <= set(done.out.split())
