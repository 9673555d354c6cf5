"""Faults of the scheduler: down, slow, a token that has expired, an answer of another shape.

Watched on /metrics: the state of a node is withdrawn, never guessed, and its power stays. The
scheduler is a real slurmctld with its slurmrestd; the answers of another shape are captures of a
newer one's, changed.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.exporter.running_exporter import RunningExporter, power_target
from tests.exporter.schedulers.slurm.test_playback import Playback, serving
from tests.peers.slurm import SlurmCluster

LOOPS = ("attended",)
BINDING = """---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec:
  cluster: prod
  interval: 300ms
  timeout: 2s
  staleAfter: 900ms
  slurm: {{rest: {{url: "{url}", user: root, {secret}}}}}
"""
BY_KEY = "jwtKeySecretRef: {name: slurm, key: jwt}"
BY_TOKEN = "tokenSecretRef: {name: slurm, key: token}"
SLACK_S = 20.0  # for a daemon on a busy machine; a rest that is too long takes minutes


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    with SlurmCluster("n01", rest=True) as running:
        running.wait_for(n01="IDLE")
        yield running


@asynccontextmanager
async def exporting(
    directory: Path, url: str, secret: str, **keys: bytes
) -> AsyncIterator[RunningExporter]:
    folder = directory / "secrets/slurm"
    folder.mkdir(parents=True)
    for key, value in keys.items():
        (folder / key).write_bytes(value)
    target = power_target("[{names: n01}]", spec="interval: 200ms\n  schedulerRef: {name: prod}")
    (directory / "lab.yaml").write_text(target + BINDING.format(url=url, secret=secret))
    async with RunningExporter(directory) as site:
        await site.until(knows("idle"))
        yield site


def knows(state: str) -> Callable[[str], bool]:
    return lambda text: f'cluster="prod",state="{state}"}} 1' in text and up(text) == 1


def up(text: str) -> int | None:
    found = re.search(r"^rackwatt_scheduler_up\{.*\} (\d)$", text, re.MULTILINE)
    return int(found[1]) if found else None


def without_state(*reasons: str) -> Callable[[str], bool]:
    """Match a page on which the scheduler failed for a reason, without states, with power."""

    def matches(text: str) -> bool:
        assert re.search(r'^rackwatt_node_power_watts\{node="n01".*\} [1-9]', text, re.MULTILINE)
        usage = re.search(r'^node_power_usage\{node="n01".*$', text, re.MULTILINE)
        assert usage
        assert 'state="allocated"' not in usage[0]
        failed = any(
            re.search(
                rf'^rackwatt_scheduler_errors_total\{{.*reason="{reason}"', text, re.MULTILINE
            )
            for reason in reasons
        )
        gone = "rackwatt_node_state{" not in text and 'state="' not in usage[0]
        return failed and gone and up(text) == 0

    return matches


@asynccontextmanager
async def back_afterwards(site: RunningExporter) -> AsyncIterator[None]:
    """Require that a scheduler which failed within the block is read soon after it.

    It rests twice as long after each failure: no longer than it has been ill.
    """
    began_s = time.monotonic()
    yield
    async with asyncio.timeout(time.monotonic() - began_s + SLACK_S):
        await site.until(knows("idle"))


async def test_a_scheduler_that_is_down_takes_states_away_and_brings_them_back(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    key = cluster.jwt_key.read_bytes()
    async with (
        exporting(tmp_path, cluster.rest_url, BY_KEY, jwt=key) as site,
        back_afterwards(site),
    ):
        await asyncio.to_thread(cluster.stop_rest)
        await site.until(without_state("connection_refused"))
        await asyncio.to_thread(cluster.start_rest)


async def test_a_scheduler_that_hangs_delays_no_other_and_recovers(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    key = cluster.jwt_key.read_bytes()
    async with (
        exporting(tmp_path, cluster.rest_url, BY_KEY, jwt=key) as site,
        back_afterwards(site),
    ):
        with cluster.frozen("slurmrestd"):
            await site.until(without_state("timeout"))


async def test_a_token_that_has_expired_is_auth_failed_until_there_is_another(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    secret = tmp_path / "secrets/slurm/token"
    good = await asyncio.to_thread(cluster.token)
    async with (
        exporting(tmp_path, cluster.rest_url, BY_TOKEN, token=good.encode()) as site,
        back_afterwards(site),
    ):
        secret.write_text(await asyncio.to_thread(cluster.token, 1))
        await site.until(without_state("auth_failed"))
        secret.write_text(good)


@pytest.mark.parametrize(
    "body",
    [
        b'{"nodes": "none today"}',
        b'{"nodes": [{"name": 7, "state": {"set": 1}}]}',
        b"<html>Gateway</html>",
        b'{"errors": [], "meta": {}}',
    ],
    ids=["words", "numbers", "html", "no-nodes"],
)
async def test_an_answer_of_another_shape_is_bad_reply_and_no_state(
    tmp_path: Path, body: bytes
) -> None:
    peer = Playback()
    good = peer.body
    states = {"n01": ["IDLE"]}
    document = json.loads(good)
    for node in document["nodes"]:
        node["state"] = states.get(node["name"], node["state"])
    peer.body = good = json.dumps(document).encode()
    peer.changed_s = 2**40  # never unchanged: all nodes are requested each time
    async with (
        serving(peer) as url,
        exporting(tmp_path, url, BY_TOKEN, token=b"a.b.c") as site,
        back_afterwards(site),
    ):
        peer.body = body
        await site.until(without_state("bad_reply"))
        peer.body = good


COMMANDS = """---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec: {{cluster: prod, interval: 1h, slurm: {{cli: {{path: {path}}}}}}}
"""


@pytest.mark.parametrize("script", ["exit 1", "echo 'sinfo: error: warned' >&2"])
async def test_any_number_of_scrapes_at_once_polls_a_scheduler_that_fails_once(
    script: str, tmp_path: Path
) -> None:
    for name in ("sinfo", "squeue"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\n{script}\n")
        path.chmod(0o755)
    (tmp_path / "documents").mkdir()
    binding = COMMANDS.format(path=tmp_path / "bin")
    (tmp_path / "documents/lab.yaml").write_text(binding)
    async with RunningExporter(tmp_path / "documents") as site:
        await site.until(lambda text: "rackwatt_scheduler_errors_total{" in text)
        runs = (tmp_path / "runs").read_text()
        pages = await asyncio.gather(*(site.text() for _ in range(20)))
        assert {up(page) for page in pages} == {0}
        assert (tmp_path / "runs").read_text() == runs
