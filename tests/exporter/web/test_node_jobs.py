"""Jobs of nodes, as the details and the plain page have them."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.web.node_jobs import MAX_JOBS, MAX_USERS, description, in_words, node_jobs
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.store.test_targets import target

HELD = Resources(8, 2**30, (Gres("gpu", 2, "h100"),))
NODES = {"n1": SchedulerNode("allocated"), "n2": SchedulerNode("idle")}


def exporter(spec: str = "slurm: {cli: {}}") -> Exporter:
    made = Exporter([Path("/nowhere")], Secrets(Path("/nowhere")))
    made.targets.sync([target("n1", scheduler="prod"), target("n2", scheduler="prod"), target("p")])
    made.schedulers.sync([resolved(spec)])
    return made


def job(name: str, *nodes: str, **fields: Any) -> Job:
    return Job(name, "running", allocated=HELD, nodes=nodes, **fields)


def specs(exporter: Exporter) -> list[Target]:
    return [record.spec for record in exporter.targets.records.values()]


def of(exporter: Exporter, node: str) -> dict[str, Any] | None:
    """Return the description of a node's jobs, as JSON has it."""
    found = node_jobs(exporter, specs(exporter)).get(node)
    return dict(described) if (described := description(found)) is not None else None


async def test_a_node_has_the_jobs_that_hold_it_and_no_other() -> None:
    site = exporter()
    waiting = Job("2", "pending", requested=HELD)
    site.schedulers.succeeded("prod", SchedulerSnapshot(NODES, jobs=(job("1", "n1"), waiting)), 0.1)
    found = node_jobs(site, specs(site))
    assert [held.job.id for held in found["n1"].jobs or ()] == ["1"]
    assert found["n2"].jobs == []
    assert "p" not in found
    assert [in_words(found.get(node)) for node in ("n1", "n2", "p")] == ["1: ?", "0", ""]


async def test_names_are_compared_as_the_document_says() -> None:
    site = exporter('nodeName: "{name}-bmc", slurm: {cli: {}}')
    site.targets.sync([target("n1-bmc", scheduler="prod")])
    site.schedulers.succeeded("prod", SchedulerSnapshot(NODES, jobs=(job("1", "n1"),)), 0.1)
    described = of(site, "n1-bmc")
    assert described is not None
    assert described["count"] == 1


async def test_what_a_job_holds_is_of_this_node_where_that_is_known_and_else_of_all() -> None:
    site = exporter()
    half = Resources(3, 2**20, ())
    split = job("1", "n2", "n1", per_node=(HELD, half))
    whole = job("2", "n1", "n2")
    site.schedulers.succeeded("prod", SchedulerSnapshot(NODES, jobs=(split, whole)), 0.1)
    described = of(site, "n1")
    assert described is not None
    rows = {row["id"]: (row["nodes"], row["cpus"], row["gpus"]) for row in described["first"]}
    assert rows == {"1": (1, 3, 0), "2": (2, 8, 2)}


async def test_of_many_jobs_the_largest_are_listed_and_all_are_counted_with_their_users() -> None:
    site = exporter()
    jobs = tuple(
        Job(
            str(n), "running", user=f"u{n % 9}", nodes=("n1",), allocated=Resources(n), tasks=1,
        )
        for n in range(1000)
    )  # fmt: skip
    site.schedulers.succeeded("prod", SchedulerSnapshot(NODES, jobs=jobs), 0.1)
    described = of(site, "n1")
    assert described is not None
    assert [row["id"] for row in described["first"]] == [str(999 - n) for n in range(MAX_JOBS)]
    assert (described["count"], described["users"]) == (1000, 9)
    assert described["first_users"] == [("u0", 112), *((f"u{n}", 111) for n in range(1, MAX_USERS))]
    found = node_jobs(site, specs(site))["n1"]
    assert in_words(found) == "1000: u0, u1, u2, u3, u4 and 4 more"
    assert len(msgspec.json.encode(described)) < 8000


async def test_a_job_whose_host_has_a_clock_that_is_ahead_has_run_for_no_time() -> None:
    site = exporter()
    now_s = int(time.time())
    ago, ahead = (job(str(h), "n1", started_at_s=now_s + 3600 * h) for h in (-1, 1))
    jobs = ago, ahead, job("x", "n1")
    site.schedulers.succeeded("prod", SchedulerSnapshot(NODES, jobs=jobs), 0.1)
    described = of(site, "n1")
    assert described is not None
    running = {row["id"]: row["running_s"] for row in described["first"]}
    assert running == {"-1": pytest.approx(3600, abs=60), "1": 0.0, "x": None}


@pytest.mark.parametrize(
    ("spec", "snapshot", "reason"),
    [
        ("slurm: {cli: {}}", None, "scheduler prod has no current answer"),
        ("slurm: {cli: {}}", SchedulerSnapshot({"n9": SchedulerNode("idle")}, jobs=()), "scheduler prod does not list this node"),
        ("slurm: {cli: {}}", SchedulerSnapshot(NODES, note="jobs are not known: timeout"), "timeout"),
        ("slurm: {cli: {}}", SchedulerSnapshot(NODES), "scheduler prod did not report them"),
        ("noop: {}", SchedulerSnapshot(NODES), "scheduler prod is not polled for jobs"),
        ('exporter: {url: "http://a:9123"}', SchedulerSnapshot(NODES), "the exporter that polls scheduler prod has them"),
    ],
)  # fmt: skip
async def test_jobs_that_are_not_known_have_a_reason_and_no_count(
    spec: str, snapshot: SchedulerSnapshot | None, reason: str
) -> None:
    site = exporter(spec)
    if snapshot is not None:
        site.schedulers.succeeded("prod", snapshot, 0.1)
    assert of(site, "n1") == {"unknown": reason}
    assert in_words(node_jobs(site, specs(site))["n1"]) == "not known"


async def test_a_scheduler_that_fails_is_named_with_its_reason_once_its_answer_is_too_old() -> None:
    site = exporter()
    site.schedulers.succeeded("prod", SchedulerSnapshot(NODES, jobs=()), 0.1)
    site.schedulers.failed("prod", ReadError(Reason.TIMEOUT, "silent"), 0.1)
    assert of(site, "n1") is not None
    record = site.schedulers.records["prod"]
    record.value = None
    site.schedulers.propagate()
    assert of(site, "n1") == {"unknown": "scheduler prod has no current answer: timeout, silent"}


async def test_a_scheduler_that_no_document_has_is_named() -> None:
    site = exporter()
    site.schedulers.sync([])
    assert of(site, "n1") == {"unknown": "no SchedulerBinding is named prod"}
