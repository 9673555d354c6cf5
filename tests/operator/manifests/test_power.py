"""Power by what runs: the recorded series of a cluster have one sum, that of its nodes' power."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwatt_operator.manifests.rules.power import HOLDERS, NAME
from tests.exporter.commands.exporter_process import running
from tests.operator.manifests.builders import Manifest, binding, fleet, planned
from tests.operator.manifests.promtool import check_empty
from tests.operator.manifests.test_dashboards import configuration
from tests.peers.prometheus import Prometheus, prometheus
from tests.peers.slurm import SlurmCluster

DOCS = Path(__file__).parents[3] / "docs"
RULES = DOCS / "examples/prometheus/power.rules.yaml"
PAGE = (DOCS / "power-by-user.md").read_text()
# What the page shows of PromQL: a comment before each query.
QUERIES = [
    query
    for block in re.findall(r"```promql\n(.*?)```", PAGE, re.DOTALL)
    for query in re.split(r"^#.*\n", block, flags=re.MULTILINE)
    if query.strip()
]
(SCRAPES,) = [
    yaml.safe_load(block)
    for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    if "scrape_configs" in block
]
FLEET = fleet("schedulerRef: {name: prod}")
SCHEDULED = f"{FLEET}---\n{binding()}"
BY = ("state", *HOLDERS)


def of_the_fleet(text: str) -> list[Manifest]:
    return [one for one in planned(text) if one["metadata"]["name"].startswith("pt-")]


def records(manifests: list[Manifest]) -> list[str]:
    groups = [one["spec"]["groups"] for one in manifests if one["kind"] == "PrometheusRule"]
    return [rule["record"] for group in groups[0] for rule in group["rules"] if "record" in rule]


def test_power_is_recorded_for_a_fleet_whose_scheduler_is_there() -> None:
    assert records(of_the_fleet(SCHEDULED)).count(NAME) == 1 + 2 * len(HOLDERS)
    assert NAME not in records(of_the_fleet(FLEET))
    assert NAME not in records(of_the_fleet(fleet()))


class Share(NamedTuple):
    user: str
    account: str
    partition: str
    weight: int


class Node(NamedTuple):
    """A target: its watts, its state, and whose jobs hold it; None is not known."""

    watts: float | None
    state: str | None
    cluster: str
    shares: tuple[Share, ...]
    idle: int


NAMES = st.sampled_from(("", "a", "b"))
NODES = st.builds(
    Node,
    watts=st.none() | st.floats(0, 1e5),
    state=st.none() | st.sampled_from(("idle", "mixed", "down")),
    cluster=st.sampled_from(("c", "d")),
    shares=st.lists(
        st.builds(Share, NAMES, NAMES, NAMES, st.integers(1, 8)),
        max_size=4,
        unique_by=lambda share: share[:3],
    ).map(tuple),
    idle=st.integers(0, 8),
)


def series(nodes: list[Node]) -> dict[str, str]:
    """Write the series of targets: of a node without a state the scheduler knows nothing."""
    made = {}
    for number, node in enumerate(nodes):
        name = f'node="n{number}"'
        if node.watts is not None:
            made[f"rackwatt_node_power_watts{{{name}}}"] = f"{node.watts!r}x10"
        if node.state is None:
            continue
        common = f'{name},scheduler="s",cluster="{node.cluster}"'
        made[f'rackwatt_node_state{{{common},state="{node.state}"}}'] = "1x10"
        whole = sum(share.weight for share in node.shares) + node.idle
        for user, account, partition, weight in node.shares:
            holder = f'user="{user}",account="{account}",partition="{partition}"'
            made[f"rackwatt_node_allocation_ratio{{{common},{holder}}}"] = f"{weight / whole!r}x10"
    return made


@settings(max_examples=40)
@given(st.lists(NODES, max_size=6))
def test_the_series_of_a_cluster_add_up_to_the_power_of_its_nodes(nodes: list[Node]) -> None:
    known = [node for node in nodes if node.watts is not None and node.state is not None]
    queries = []
    for cluster in ("c", "d"):
        watts = sum(node.watts or 0 for node in known if node.cluster == cluster)
        there = any(node.cluster == cluster for node in known)
        for by in BY:
            recorded = f'sum({NAME}{{cluster="{cluster}",by="{by}"}})'
            queries.append(f"abs({recorded} - {watts!r}) > 1e-9 * {1 + watts!r}")
            queries.append(f"absent({recorded})" if there else recorded)
    with tempfile.TemporaryDirectory() as directory:
        check_empty(of_the_fleet(SCHEDULED), series(nodes), queries, Path(directory))


@settings(max_examples=20)
@given(st.lists(NODES, min_size=1, max_size=6), st.sampled_from(HOLDERS))
def test_a_holder_has_the_power_of_what_its_jobs_hold(nodes: list[Node], holder: str) -> None:
    queries = []
    for name in ("a", "b"):
        watts = 0.0
        for node in nodes:
            held = sum(share.weight for share in node.shares if getattr(share, holder) == name)
            whole = sum(share.weight for share in node.shares) + node.idle
            watts += (node.watts or 0) * held / whole if held and node.state else 0
        recorded = f'sum({NAME}{{by="{holder}",{holder}="{name}"}})'
        queries.append(f"abs({recorded} - {watts!r}) > 1e-9 * {1 + watts!r}")
    with tempfile.TemporaryDirectory() as directory:
        check_empty(of_the_fleet(SCHEDULED), series(nodes), queries, Path(directory))


def test_a_target_that_two_shards_serve_counts_once(tmp_path: Path) -> None:
    node = Node(100, "mixed", "c", (Share("a", "a", "a", 1),), 1)
    twice = series([node])
    # Of the other pod: another state, and the same jobs.
    twice |= {
        f'{name[:-1].replace("mixed", "idle")},instance="other"}}': values
        for name, values in series([node]).items()
    }
    queries = [f'sum({NAME}{{by="{by}"}}) != 100' for by in BY]
    queries += [f'{NAME}{{by="user",user="a"}} != 50', f'{NAME}{{by="user",user=""}} != 50']
    check_empty(of_the_fleet(SCHEDULED), twice, queries, tmp_path)


WATTS = 100
CPUS, GPUS, WEIGHT = 8, 4, 64
WHOLE = CPUS + GPUS * WEIGHT


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmCluster]:
    """Three nodes, a job with GPUs on one of them and a job on two."""
    with SlurmCluster("n[1-3]", gpus=GPUS) as cluster:
        cluster.submit("-n2", "--mem=100", "--gpus-per-node=h100:2", "--account=phys")
        cluster.submit("-N2", "-n5", "--mem=100", "--account=bio", "--partition=again")
        cluster.wait_for(n1="MIXED", n2="MIXED")
        yield cluster


HOSTS = f"hosts: [{{names: 'n[1-3],gone'}}], fake: {{min: {WATTS}, max: {WATTS}}}"
OPERATED = fleet("schedulerRef: {name: prod}\ninterval: 500ms", f"method: fake, {HOSTS}")
REAL = f"{OPERATED}---\n{binding('slurm: {cli: {}}, interval: 1s, timeout: 60s')}"
EXPECTED = {
    ("state", "mixed"): 2 * WATTS,
    ("state", "idle"): WATTS,
    ("user", "root"): (7 + 2 * WEIGHT) / WHOLE * WATTS,
    ("user", ""): 3 * WATTS - (7 + 2 * WEIGHT) / WHOLE * WATTS,
    ("account", "phys"): (2 + 2 * WEIGHT) / WHOLE * WATTS,
    ("account", "bio"): 5 / WHOLE * WATTS,
    ("account", ""): 3 * WATTS - (7 + 2 * WEIGHT) / WHOLE * WATTS,
    ("partition", "batch"): (2 + 2 * WEIGHT) / WHOLE * WATTS,
    ("partition", "again"): 5 / WHOLE * WATTS,
    ("partition", ""): 3 * WATTS - (7 + 2 * WEIGHT) / WHOLE * WATTS,
}


def recorded(peer: Prometheus, matchers: str) -> dict[tuple[str, str], float]:
    """Return what is recorded, by the kind of holder and its name."""
    return {
        (one["metric"]["by"], one["metric"].get(one["metric"]["by"], "")): float(one["value"][1])
        for one in peer.query(f"{NAME}{{{matchers}}}")
    }


def operated(address: str, directory: Path) -> Mapping[str, Any]:
    return configuration(address, of_the_fleet(REAL), directory)


def plain(address: str, directory: Path) -> Mapping[str, Any]:
    """Configure a Prometheus as docs/power-by-user.md does."""
    del directory
    pace = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    shown = yaml.safe_dump(SCRAPES).replace("rackwatt.example:9123", address)
    return {**yaml.safe_load(shown), "global": pace, "rule_files": [str(RULES)]}


@pytest.mark.parametrize(
    ("configure", "matchers"), [(operated, 'service="pt-lab"'), (plain, 'job="rackwatt"')]
)
def test_prometheus_records_the_power_of_jobs_of_a_real_slurm(
    slurm: SlurmCluster,
    configure: Callable[[str, Path], dict[str, Any]],
    matchers: str,
    tmp_path: Path,
) -> None:
    """Each holder has what was worked out by hand; the target that Slurm lacks is in no sum."""
    (tmp_path / "documents.yaml").write_text(REAL)
    environment = {name: slurm.environment[name] for name in ("SLURM_CONF", "PATH")}
    with running(
        "run", f"--config.file={tmp_path / 'documents.yaml'}", "--web.listen-address=127.0.0.1:0",
        **environment,
    ) as run:  # fmt: skip
        config = configure(run.url.removeprefix("http://"), tmp_path)
        with prometheus(tmp_path / "db", config) as peer:
            peer.until(lambda peer: len(recorded(peer, matchers)) == len(EXPECTED))
            peer.until(lambda peer: recorded(peer, matchers) == pytest.approx(EXPECTED))
            for by in BY:
                (whole,) = peer.query(f'sum by (cluster) ({NAME}{{{matchers},by="{by}"}})')
                assert whole["metric"] == {"cluster": "c"}
                assert float(whole["value"][1]) == pytest.approx(3 * WATTS, abs=1e-9)
            for query in QUERIES:
                peer.until(lambda peer, query=query: peer.query(query))  # type: ignore[misc]


def test_the_rules_for_a_prometheus_without_the_operator_are_those_of_the_operator() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    assert [rule["record"] for rule in group["rules"]] == [NAME] * (1 + 2 * len(HOLDERS))
    assert not any("namespace=" in rule["expr"] for rule in group["rules"])
    assert [Path(name).name for name in SCRAPES["rule_files"]] == [RULES.name]
    assert len(QUERIES) == 5
