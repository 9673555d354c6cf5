"""The pipeline of schedulers: which families are made of a snapshot for a binding."""

import asyncio
import dataclasses
import re
import time
from pathlib import Path

import msgspec
import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.pipelines import schedulers
from rackwatt_exporter.pipelines.schedulers import SchedulerPipeline
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.slurm_families import PROFILE
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetStore
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.snapshots import full_snapshot, snapshot

FAILING = '#!/bin/sh\necho "squeue: error: no"; exit 1\n'


def pipeline_of(spec: str) -> SchedulerPipeline:
    store = NodeStateStore(TargetStore(LedgerFile(None)))
    store.sync([resolved(spec)])
    return SchedulerPipeline(store, Secrets(Path()))


def page(pipeline: SchedulerPipeline) -> str:
    return b"".join(text for _, lines in pipeline.families(0.0) for text in lines).decode()


def slurm_families(spec: str, *profiles: str) -> set[str]:
    """Return the families of the profile that are made for a binding."""
    store = NodeStateStore(TargetStore(LedgerFile(None)))
    store.sync([resolved(spec)])
    store.succeeded("prod", full_snapshot({"n1": "idle"}), 0.1)
    pipeline = SchedulerPipeline(store, Secrets(Path()), profiles)
    lines = pipeline.families(0.0)
    return {family.name for family, made in lines if made and family.name.startswith("slurm_")}


class LastFailure:
    """Keeps the last failure of a poller."""

    error: ReadError | None = None

    def succeeded(self, key: str, result: object, took_s: float) -> None:
        raise AssertionError(key)

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        self.error = error


def hold_up(until_s: float) -> None:
    """Keep the event loop from every timer until then, as a loaded machine does."""
    while time.monotonic() < until_s:
        pass


async def test_the_words_of_a_command_survive_an_event_loop_that_is_late_for_both_deadlines(
    tmp_path: Path,
) -> None:
    sinfo = tmp_path / "sinfo"
    sinfo.write_text("#!/bin/sh\necho 'sinfo: error: the cat sat on it' >&2; exec sleep 600\n")
    sinfo.chmod(0o755)
    sink = LastFailure()
    for timeout_s in (1, 4, 16, 64):  # until there was time for it to speak
        spec = f"timeout: {timeout_s}s, interval: 300s, slurm: {{cli: {{path: {tmp_path}}}}}"
        poller = pipeline_of(spec).poller(resolved(spec), sink)
        started_s = time.monotonic()
        loop = asyncio.get_running_loop()
        loop.call_later(0.85 * timeout_s, hold_up, started_s + 1.1 * timeout_s)
        await poller.poll()
        await poller.close()
        if "the cat sat on it" in str(sink.error):
            break
    assert sink.error is not None
    assert sink.error.reason is Reason.TIMEOUT
    assert "the cat sat on it" in str(sink.error)


def test_the_profile_is_that_of_slurm_alone() -> None:
    assert "slurm_cpus_total" in slurm_families("slurm: {cli: {}}", PROFILE)
    assert "slurm_user_state_total" in slurm_families("slurm: {cli: {}}", PROFILE)
    for other in ("gridengine: {root: /opt/sge, cli: {}}", "noop: {}"):
        assert slurm_families(other, PROFILE) == set()


def test_the_profile_has_no_family_if_it_is_disabled() -> None:
    assert slurm_families("slurm: {cli: {}}", "power-exporter") == set()


@pytest.mark.parametrize("pattern", ["slurm_.*", "slurm_user_.*"])
def test_the_pattern_of_the_document_excludes_families_of_the_profile(pattern: str) -> None:
    every = slurm_families("slurm: {cli: {}}", PROFILE)
    spec = f'slurm: {{cli: {{}}}}, metrics: {{exclude: "{pattern}"}}'
    left = slurm_families(spec, PROFILE)
    part = pattern.removesuffix(".*")
    assert left == {name for name in every if not name.startswith(part)} < every


class Answers:
    """A scheduler that gives one answer after the other."""

    def __init__(self, *snapshots: SchedulerSnapshot) -> None:
        self._snapshots = iter(snapshots)

    async def read(self) -> SchedulerSnapshot:
        return next(self._snapshots)

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_scrape_before_an_answer_is_stored_shows_the_one_before_and_counts_no_job_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting, started = (
        msgspec.structs.replace(snapshot({"n1": "idle"}), jobs=(job,))
        for job in (
            Job("1", "pending", submitted_at_s=100),
            Job("1", "running", submitted_at_s=100, started_at_s=130),
        )
    )
    answers = Answers(waiting, started)
    monkeypatch.setattr(schedulers, "scheduler", lambda spec, secrets: answers)
    pipeline = pipeline_of("slurm: {cli: {}}")
    source = pipeline.source(resolved("slurm: {cli: {}}"))
    pipeline.store.succeeded("prod", await source.read(), 0.1)
    before = page(pipeline)
    assert 'rackwatt_scheduler_jobs{scheduler="prod",cluster="alpha",state="pending"} 1' in before
    answer = await source.read()
    assert page(pipeline) == before
    pipeline.store.succeeded("prod", answer, 0.1)
    after = page(pipeline)
    assert 'rackwatt_scheduler_jobs{scheduler="prod",cluster="alpha",state="running"} 1' in after
    assert re.findall(r"job_wait_seconds_count\S+ (\d+)", after) == ["1"]


def test_the_page_of_a_snapshot_is_rendered_once_however_many_scrapes_there_are() -> None:
    pipeline = pipeline_of("slurm: {cli: {}}")
    store = pipeline.store

    def of_nodes() -> list[bytes]:
        pages = {family.name: lines for family, lines in pipeline.families(0.0)}
        return pages["rackwatt_scheduler_node_state"]

    store.succeeded("prod", full_snapshot({"n1": "idle", "n2": "down"}), 0.1)
    (first,), (second,) = of_nodes(), of_nodes()
    assert first is second
    assert first.count(b"\n") == 2
    store.succeeded("prod", full_snapshot({"n1": "idle"}), 0.1)
    (third,) = of_nodes()
    assert third.count(b"\n") == 1


def test_what_was_not_read_since_the_last_snapshot_is_not_rendered_again() -> None:
    pipeline = pipeline_of("slurm: {cli: {}}, metrics: {limits: true}")
    limits = (Limit("physics", cpus=40),)

    def of_limits(nodes: SchedulerSnapshot, limits: tuple[Limit, ...] | None) -> list[bytes]:
        read = msgspec.structs.replace(nodes, limits=limits)
        pipeline.store.succeeded("prod", read, 0.1)
        pages = {family.name: lines for family, lines in pipeline.families(0.0)}
        return pages["rackwatt_scheduler_limit_cpus"]

    (first,) = of_limits(full_snapshot({"n1": "idle"}), limits)
    (second,) = of_limits(full_snapshot({"n1": "down"}), limits)
    assert first is second
    (third,) = of_limits(full_snapshot({"n1": "down"}), (Limit("physics", cpus=41),))
    assert b"} 41\n" in third
    assert of_limits(full_snapshot({"n1": "down"}), None) == []
    assert of_limits(full_snapshot({"n1": "down"}), limits) == [first]


async def test_bytes_of_every_command_count_and_jobs_that_cannot_be_read_are_not_known(
    tmp_path: Path,
) -> None:
    listed = "n1|idle|idle|n1|\n"
    sinfo = (
        f"case \"$*\" in *--version*) echo slurm;; *%D*) echo '1|1|';; *) echo '{listed}';; esac"
    )
    for name, script in (("sinfo", f"#!/bin/sh\n{sinfo}\n"), ("squeue", FAILING)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    pipeline = pipeline_of(f"slurm: {{cli: {{path: {tmp_path}}}}}")
    (record,) = pipeline.store.records.values()
    source = pipeline.source(record.spec)
    expected = len(f"{listed}\nslurm\n1|1|\nsqueue: error: no\n")
    try:
        pipeline.store.succeeded("prod", await source.read(), 0.1)
    finally:
        await source.close()
    assert f'answer_bytes_total{{scheduler="prod",cluster="alpha"}} {expected}\n' in page(pipeline)
    assert 'jobs_known{scheduler="prod",cluster="alpha"} 0\n' in page(pipeline)
    assert "rackwatt_scheduler_jobs{" not in page(pipeline)


@pytest.mark.parametrize(
    ("spec", "known"),
    [
        ("slurm: {cli: {}}", True),
        ("slurm: {cli: {}}, metrics: {jobs: false, partitions: false, users: false, accounts: false}", False),
        ("noop: {}", False),
        ('exporter: {url: "http://a:9123"}', False),
    ],
)  # fmt: skip
def test_only_of_a_scheduler_that_is_polled_for_jobs_they_can_be_unknown(
    spec: str, known: bool
) -> None:
    pipeline = pipeline_of(spec)
    pipeline.store.succeeded("prod", snapshot({"n1": "idle"}), 0.1)
    assert ("rackwatt_scheduler_jobs_known{" in page(pipeline)) == known


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("slurm: {cli: {}}, metrics: {licenses: true}", {"licenses", "partitions"}),
        ("slurm: {cli: {}}, metrics: {partitions: false}", set()),
        ("pbs: {cli: {}}, metrics: {licenses: true}", set()),
        ('exporter: {url: "http://a:9123"}, metrics: {licenses: true}', set()),
    ],
)
def test_only_of_slurm_what_is_beside_nodes_and_jobs_can_be_unknown(
    spec: str, wanted: set[str]
) -> None:
    pipeline = pipeline_of(spec)
    pipeline.store.succeeded("prod", snapshot({"n1": "idle"}), 0.1)
    unknown = re.findall(r'subject_known\{.*subject="(\w+)"\} 0', page(pipeline))
    assert set(unknown) == wanted


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ("slurm: {cli: {}}", ""),
        ("slurm: {ssh: {host: login1}}", "login1"),
        ("slurm: {rest: {url: 'http://ctl:6820', user: root, tokenSecretRef: {name: t, key: k}}}",
         "ctl:6820"),
        ("slurm: {rest: {url: 'unix:/run/slurmrestd.sock'}}", ""),
        ("slurm: {openMetrics: {url: 'http://ctl:6817'}}", "ctl:6817"),
        ("exporter: {url: 'http://rackwatt:9320'}", "rackwatt:9320"),
    ],
)  # fmt: skip
def test_a_subject_has_the_host_that_its_document_names(spec: str, address: str) -> None:
    pipeline = pipeline_of(spec)
    (record,) = pipeline.store.records.values()
    assert pipeline.subject(record.spec).address == address


def test_an_account_of_two_clusters_of_one_slurmdbd_has_a_series_of_each() -> None:
    store = NodeStateStore(TargetStore(LedgerFile(None)))
    first = resolved("slurm: {cli: {}}, metrics: {limits: true}")
    second = dataclasses.replace(first, name="other", cluster="beta")
    store.sync([first, second])
    for name, cpus in (("prod", 40), ("other", 8)):
        limits = (Limit("physics", cpus=cpus), Limit("physics", "alice", cpus=cpus))
        store.succeeded(name, SchedulerSnapshot({}, limits=limits), 0.1)
    pipeline = SchedulerPipeline(store, Secrets(Path()), (PROFILE,))
    text = page(pipeline)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    names = [line.rpartition(" ")[0] for line in lines]
    assert len(names) == len(set(names))
    limits_of = [line for line in lines if line.startswith("slurm_account_cpu_limit")]
    assert [line.rpartition(" ")[2] for line in limits_of] == ["40", "8"]
    assert ['cluster="alpha"' in line for line in limits_of] == [True, False]
