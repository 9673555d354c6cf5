"""Families of prometheus-slurm-exporter, beside its own pages of the same Slurm."""

import re
from pathlib import Path

import msgspec
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.schema import schema
from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import parse_state
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.limits import parse_text as parse_limits
from rackwatt_exporter.schedulers.slurm.rest_jobs import read_jobs
from rackwatt_exporter.schedulers.slurm.rest_models import reply
from rackwatt_exporter.schedulers.views import slurm_traces
from rackwatt_exporter.schedulers.views.job_tally import JobTally
from rackwatt_exporter.schedulers.views.render import render
from rackwatt_exporter.schedulers.views.slurm_exporter import samples
from rackwatt_exporter.schedulers.views.slurm_families import FAMILIES

ROOT = Path(__file__).parents[4]
DATA = ROOT / "tests/data/slurm-exporter"
GUIDE = (ROOT / "docs/migration/slurm-exporter.md").read_text()
MIB = 2**20
SAME = "–"
OF_ACCOUNTS = ("slurm_account_job_state", "slurm_account_cpu_alloc", "slurm_account_mem_alloc")
OF_ANY_PROGRAM = ("go_", "process_", "promhttp_")

FLAGS = {
    "-web.listen-address", "-web.telemetry-path", "-web.log-level", "-trace.enabled", "-trace.path",
    "-trace.rate", "-slurm.poll-limit", "-slurm.sinfo-cli", "-slurm.squeue-cli", "-slurm.lic-cli",
    "-slurm.diag-cli", "-slurm.sacctmgr-cli", "-slurm.scredits-cli", "-slurm.collect-licenses",
    "-slurm.collect-diags", "-slurm.collect-limits", "-slurm.collect-credits", "-slurm.cli-fallback",
    "-metrics.exclude",
}  # fmt: skip
VARIABLES = {"POLL_LIMIT", "LOGLEVEL", "CLI_TIMEOUT", "TRACE_ROOT_PATH"}
OF_THE_WRAPPER = {
    "SLURM_EXPORTER", "SAMPLE_RATE", "SLURM_JOBID", "--endpoint", "--sample-rate", "--jobid",
    "--dry-run", "--verbose", "--cmd", "--validate",
}  # fmt: skip

Series = dict[tuple[tuple[str, str], ...], float]


def captured() -> SchedulerSnapshot:
    """Read what the real Slurm printed."""
    nodes = reply((DATA / "sinfo.json").read_bytes()).snapshot()
    jobs = reply((DATA / "squeue.json").read_bytes()).jobs
    assert jobs
    limits = parse_limits((DATA / "associations.txt").read_bytes()).value
    return msgspec.structs.replace(nodes, jobs=read_jobs(jobs).jobs, limits=limits)


def page(snapshot: SchedulerSnapshot, options: MetricsOptions | None = None) -> dict[str, Series]:
    """Return the series of each family, without the labels that every one has."""
    series: dict[str, Series] = {}
    tally = JobTally.of(snapshot.jobs or ())
    for family, values, number in samples(snapshot, tally, options or MetricsOptions()):
        labels = zip(family.labels[2:], map(str, values), strict=True)
        series.setdefault(family.name, {})[tuple(sorted(labels))] = number
    return series


def theirs(mode: str) -> dict[str, Series]:
    return {
        metric.name: {tuple(sorted(one.labels.items())): one.value for one in metric.samples}
        for metric in parse_text((DATA / f"{mode}.txt").read_text())
        if not metric.name.startswith(OF_ANY_PROGRAM)
    }


def section(title: str) -> dict[str, str]:
    """Return the last cell of each name in a table of the migration guide."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {name: cells[-1].strip() for cells in rows for name in re.findall("`([^`]+)`", cells[0])}


def test_the_guide_has_a_row_for_each_family_and_for_no_other() -> None:
    assert section("Names").keys() == {family.name for family in FAMILIES}
    traced = {family.name for family in slurm_traces.FAMILIES}
    assert section("Names of traced jobs").keys() == traced


@pytest.mark.parametrize("mode", ["fallback", "json"])
def test_each_name_of_the_old_page_is_served_or_listed_as_having_another_name_or_none(
    mode: str,
) -> None:
    served = page(captured()).keys()
    elsewhere = section("Other names").keys()
    traced = section("Names of traced jobs").keys()
    assert theirs(mode).keys() <= served | elsewhere | traced
    assert not served & elsewhere


def test_each_family_that_differs_from_the_old_pages_has_a_row_that_says_how() -> None:
    ours = page(captured())
    old = [theirs("fallback"), theirs("json")]
    shared = {name for one in old for name in one.keys() & ours.keys()}
    differing = {
        name for name in shared if any(name in one and one[name] != ours[name] for one in old)
    }
    of_other_releases = {
        "slurm_account_cpu_alloc", "slurm_account_mem_alloc", "slurm_account_fairshare",
        "slurm_scredits_allocation_total", "slurm_scredits_remaining", "slurm_scredits_used",
        "slurm_scredits_used_percent",
    }  # fmt: skip
    assert shared == ours.keys() - of_other_releases
    assert differing == {n for n, cell in section("Names").items() if cell != SAME} - (
        of_other_releases
    )


def test_memory_is_what_slurm_has_allocated_in_units_of_1024() -> None:
    ours = page(captured())
    assert ours["slurm_mem_alloc"][()] == 19_724 * MIB
    assert ours["slurm_account_mem_alloc"] == {
        (("account", "proj1"),): (18_624 + 50) * MIB,  # 50 of them of a suspended job
        (("account", "proj2"),): 1_050 * MIB,
    }
    running = {
        dict(labels)["username"]: value
        for labels, value in ours["slurm_user_mem_alloc"].items()
        if dict(labels)["state"] == "RUNNING"
    }
    assert running == {"alice": 2_624 * MIB, "bob": 16_600 * MIB, "carol": 450 * MIB}


def test_limits_of_accounts_are_in_bytes_and_those_of_users_are_not_among_them() -> None:
    ours = page(captured())
    assert ours["slurm_account_cpu_limit"] == {
        (("account", "proj1"),): 40,
        (("account", "proj2"),): 20,
    }
    assert ours["slurm_account_mem_limit"] == {
        (("account", "proj1"),): 40_000 * MIB,
        (("account", "proj2sub"),): 8_192 * MIB,
    }
    assert ours["slurm_account_job_limit"] == {(("account", "proj1"),): 500}


def test_a_limit_of_zero_is_a_limit() -> None:
    snapshot = SchedulerSnapshot({}, limits=(Limit("closed", running_jobs=0),))
    assert page(snapshot) == {"slurm_account_job_alloc_limit": {(("account", "closed"),): 0}}


def test_credits_of_an_account_are_its_billing_minutes() -> None:
    """scredits prints the same of GrpTRESMins, and what is left below 0 where more was used."""
    usages = (
        LimitUsage("billing_minutes", 1200, 1000, "proj1"),
        LimitUsage("billing_minutes", 5, 1000, "proj1", "alice"),
        LimitUsage("billing_minutes", 5, 1000, qos="gold"),
        LimitUsage("billing_minutes", 0, 0, "closed"),
        LimitUsage("cpu_minutes", 5, 1000, "proj1"),
    )
    proj1, closed = (("account", "proj1"),), (("account", "closed"),)
    assert page(SchedulerSnapshot({}, limit_usage=usages)) == {
        "slurm_scredits_allocation_total": {proj1: 1000, closed: 0},
        "slurm_scredits_used": {proj1: 1200, closed: 0},
        "slurm_scredits_remaining": {proj1: -200, closed: 0},
        "slurm_scredits_used_percent": {proj1: 120},
    }


def test_a_fair_share_of_users_alone_is_none_of_their_account() -> None:
    shares = (FairShare("proj1", level=0.5), FairShare("proj1", "alice", factor=0.9))
    assert page(SchedulerSnapshot({}, fairshare=shares)) == {}


def test_a_job_of_two_partitions_is_in_each_and_in_none_of_both_names() -> None:
    jobs = page(captured())["slurm_partition_job_state_total"]
    assert jobs[("partition", "batch"), ("state", "PENDING")] == 15
    assert jobs[("partition", "gpu"), ("state", "PENDING")] == 1
    assert {dict(labels)["partition"] for labels in jobs} == {"batch", "gpu"}


def test_a_job_that_ended_or_waits_holds_nothing_of_its_account() -> None:
    held = Resources(4, 100 * MIB)
    jobs = (
        Job("1", "running", account="phys", allocated=held),
        Job("2", "pending", tasks=3, account="phys", requested=held),
        Job("3", "failed", account="phys"),
    )
    ours = page(SchedulerSnapshot({}, jobs=jobs))
    assert ours["slurm_account_cpu_alloc"] == {(("account", "phys"),): 4}
    assert ours["slurm_account_job_state_cpu_alloc"] == {
        (("account", "phys"), ("state", "RUNNING")): 4,
        (("account", "phys"), ("state", "PENDING")): 12,
    }
    assert ours["slurm_account_job_state_total"][("account", "phys"), ("state", "FAILED")] == 1


@pytest.mark.parametrize(
    ("state", "idle"),
    [("idle", 6), ("mixed", 6), ("powered_down", 6), ("down", 0), ("drained", 0), ("draining", 0),
     ("failing", 0), ("not_responding", 0), ("unknown", 0), ("zen", 0)],
)  # fmt: skip
def test_cpus_are_idle_only_of_nodes_that_take_jobs(state: str, idle: int) -> None:
    node = SchedulerNode(state, partitions=("batch",), total=Resources(8), allocated=Resources(2))
    ours = page(SchedulerSnapshot({"n1": node}))
    assert ours["slurm_cpus_idle"] == {(): idle}
    assert ours["slurm_partition_idle_cpus"] == {(("partition", "batch"),): idle}


def test_what_is_not_reported_has_no_series() -> None:
    node = SchedulerNode("idle", partitions=("batch",))
    job = Job("1", "running", user="alice", account="phys", partitions=("batch",))
    assert page(SchedulerSnapshot({"n1": node})).keys() == {
        "slurm_node_count_per_state",
        "slurm_partition_node_count",
    }
    assert not [name for name in page(SchedulerSnapshot({}, jobs=(job,))) if "alloc" in name]


def test_a_node_of_two_partitions_counts_once_in_the_cluster() -> None:
    node = SchedulerNode("mixed", partitions=("batch", "gpu"), total=Resources(8, MIB))
    ours = page(SchedulerSnapshot({"n1": node, "n2": node}))
    assert ours["slurm_cpus_total"] == {(): 16}
    assert ours["slurm_partition_total_cpus"] == {
        (("partition", "batch"),): 16,
        (("partition", "gpu"),): 16,
    }


def test_load_and_free_memory_are_those_of_nodes_that_answer_in_units_of_their_own() -> None:
    ours = page(captured())
    assert ours["slurm_cpu_load"][()] == pytest.approx(1.82 + 1.82 + 2.71)
    assert ours["slurm_partition_cpu_load"][(("partition", "debug"),)] == 1.82
    assert ours["slurm_mem_free"] == {(): (14802 + 14802 + 17295) * MIB}
    assert ours["slurm_partition_free_mem"][(("partition", "debug"),)] == 14802 * MIB
    assert ours["slurm_partition_weight"] == theirs("fallback")["slurm_partition_weight"]


def test_a_job_counts_for_each_feature_that_it_requests_and_for_none_without_any() -> None:
    ours = page(captured())
    assert ours["slurm_feature_total"] == {(("feature", "intel"),): 1, (("feature", "ib"),): 1}
    assert set(ours["slurm_feature_cpu_alloc"].values()) == {1}
    assert set(ours["slurm_feature_mem_alloc"].values()) == {100 * MIB}
    waiting = Job("2", "pending", tasks=3, requested=Resources(4, MIB), features=("ib",))
    theirs_too = page(SchedulerSnapshot({}, jobs=(waiting,)))
    assert theirs_too["slurm_feature_total"] == {(("feature", "ib"),): 3}
    assert "slurm_feature_cpu_alloc" not in theirs_too


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (MetricsOptions(jobs=False), ("slurm_pending", "slurm_feature")),
        (MetricsOptions(partitions=False), ("slurm_partition_job",)),
        (MetricsOptions(users=False), ("slurm_user",)),
        (MetricsOptions(accounts=False), OF_ACCOUNTS),
    ],
)
def test_a_part_that_the_document_disables_has_no_series(
    options: MetricsOptions, part: tuple[str, ...]
) -> None:
    snapshot = captured()
    omitted = page(snapshot).keys() - page(snapshot, options).keys()
    assert omitted
    assert omitted == {f.name for f in FAMILIES if f.name.startswith(part)}


@pytest.mark.parametrize("openmetrics", [False, True])
def test_the_page_parses_in_both_formats_with_families_as_declared(openmetrics: bool) -> None:
    snapshot = msgspec.structs.replace(
        captured(),
        fairshare=(FairShare("proj1", factor=0.5),),
        limit_usage=(LimitUsage("billing_minutes", 1, 2, "proj1"),),
    )
    rendered = render(
        ("prod", "alpha"),
        samples(snapshot, JobTally.of(snapshot.jobs or ()), MetricsOptions()),
        None,
    )
    text = "".join(
        family.header(openmetrics) + "".join(lines) for family, lines in rendered.items()
    )
    parsed = parse_openmetrics(f"{text}# EOF\n") if openmetrics else parse_text(text)
    found = {one.name: (one.type, frozenset(one.samples[0].labels)) for one in parsed}
    assert found == {family.name: ("gauge", frozenset(family.labels)) for family in FAMILIES}


def test_memory_of_a_node_is_what_jobs_hold_whatever_is_free_of_it() -> None:
    """There: what is not free, so that all of a node that is down, and below 0 of a small one."""
    total, none = Resources(8, 1_000 * MIB), Resources(0, 0)
    nodes = {
        "down": SchedulerNode("down", partitions=("batch",), total=total, allocated=none),
        "free": SchedulerNode("idle", partitions=("batch",), total=total, allocated=none),
        "busy": SchedulerNode(
            "mixed", partitions=("batch",), total=total, allocated=Resources(1, 100 * MIB)
        ),
    }
    usage = {"free": NodeUsage(free_memory_bytes=24_000 * MIB)}
    ours = page(SchedulerSnapshot(nodes, usage=usage))
    assert ours["slurm_mem_alloc"] == {(): 100 * MIB}
    assert sum(ours["slurm_partition_alloc_mem"].values()) == 100 * MIB
    assert ours["slurm_mem_free"] == {(): 24_000 * MIB}


def test_a_state_has_no_mark_that_sinfo_prints_behind_it() -> None:
    rows = [("d1", "DOWN*"), ("d2", "down"), ("n1", "idle~"), ("n2", "MIXED-")]
    nodes = {name: SchedulerNode(*parse_state(text)) for name, text in rows}
    states = page(SchedulerSnapshot(nodes))["slurm_node_count_per_state"]
    assert {dict(labels)["state"]: count for labels, count in states.items()} == {
        "down": 2,
        "powered_down": 1,
        "mixed": 1,
    }


def test_each_defect_that_the_guide_lists_has_its_tests() -> None:
    listed = re.findall(r"^\| (\d+) \| .* \| (`[^|]+`) \|$", GUIDE, re.MULTILINE)
    assert [int(number) for number, _ in listed] == list(range(1, 36))
    for _, tests in listed:
        for path, name in re.findall(r"`([^`:]+)(?:::(\w+))?`", tests):
            assert f"def {name}(" in (ROOT / "tests" / path).read_text() or not name


def test_the_guide_has_a_row_for_each_flag_and_variable_and_fields_that_there_are() -> None:
    (text,) = re.findall(
        r"^## Flags and variables\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE
    )
    first = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    named = {name for cell in first for name in re.findall(r"`([\w.-]+)[^`]*`", cell)}
    assert named == FLAGS | VARIABLES | OF_THE_WRAPPER
    for path in set(re.findall(r"`spec\.([\w.]+)`", GUIDE)):
        found = schema(SchedulerBindingSpec)
        for name in path.split("."):
            assert name in found["properties"], path
            found = found["properties"][name]
