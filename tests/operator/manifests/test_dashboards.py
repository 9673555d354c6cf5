"""Dashboards and rules evaluated by a real Prometheus, which scrapes a real exporter."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import structs

from rackwatt_crds.monitoring import Monitoring, ServiceMonitor
from rackwatt_exporter.pipelines.families import all_families
from rackwatt_operator.manifests.rules import power
from tests.eventually import until
from tests.exporter.commands.exporter_process import running
from tests.operator.manifests.builders import (
    DEFAULTS,
    Manifest,
    binding,
    fleet,
    nodes,
    of_kind,
    planned,
)
from tests.operator.manifests.promql_parser import families, labels_grouped, labels_matched
from tests.peers.lustre_exporter import READ, WRITE, Counter, lustre_exporter, scraping
from tests.peers.prometheus import Prometheus, prometheus
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_accounting import SlurmAccounting
from tests.peers.slurm_release import NEWER

FLEET = fleet(
    "schedulerRef: {name: prod}\ninterval: 500ms",
    "method: fake, hosts: [{names: 'n[1-3]', rack: r1}, {names: bad, method: snmp, addresses: 127.0.0.1}]",
)
ROOT = Path(__file__).parents[3]
NODES = nodes(spec="interval: 500ms").replace("name: lab", "name: nodes")
GPU_NODES = nodes("nvidia, amd").replace("name: lab", "name: gpus")
DIVIDED = nodes().replace("cpu]", "cpu], units: {slurm: {}}")
GRID = fleet(name="grid").replace(
    "bmc: {method: fake, hosts: [{names: n1}]}",
    "grid: {zone: FR, static: {gramsPerKilowattHour: 56}}",
)
BINDING = binding(
    "slurm: {cli: {}}, interval: 1s, timeout: 60s, metrics: {licenses: true, limitUsage: true}, "
    "lustre: {prometheusURL: 'http://lustre.invalid', jobid: ['procname_uid', '%j']}"
)
COUNTED = binding(
    "slurm: {openMetrics: {url: 'http://slurmctld:6817'}}, interval: 1s, timeout: 60s"
)
TEXT = "---\n".join((FLEET, NODES, GRID, BINDING))
SERVED = {family.name: set(family.labels) for family in all_families()}
SERVED |= {
    f"{family.name}_bucket": {*family.labels, "le"}
    for family in all_families()
    if family.kind == "histogram"
}
SERVED[power.NAME] = {"cluster", "by", "state", *power.HOLDERS}  # recorded
SERVED["rackwatt_node_energy_joules_total"] |= {"part"}  # of ledgers
WHOSE = {"namespace", "job", "service"}
# Panels with data only after a failure that does not happen here.
MAY_BE_EMPTY = {"Failed polls by reason", "Failed readings by reason"}


def panels(manifests: list[Manifest]) -> Iterator[dict[str, Any]]:
    for one in of_kind(manifests, "ConfigMap"):
        if one["metadata"]["labels"].get("grafana_dashboard") == "1":
            for text in one["data"].values():
                yield from json.loads(text)["panels"]


def expressions(manifests: list[Manifest]) -> Iterator[tuple[str, str]]:
    for panel in panels(manifests):
        for target in panel["targets"]:
            expression = target["expr"].replace("$__range", "5m").replace("$__rate_interval", "1m")
            yield panel["title"], expression


@pytest.mark.parametrize("rules", ["true", "false"])
def test_dashboards_query_only_families_and_labels_that_the_exporter_serves(rules: str) -> None:
    for text in (FLEET, NODES, DIVIDED, GPU_NODES, GRID, BINDING, COUNTED):
        text += f"  monitoring: {{rules: {{enabled: {rules}}}}}\n" if "spec:\n" in text else ""
        for _, expression in expressions(planned(text)):
            named = families(expression)
            known = WHOSE.union(*(SERVED[family] for family in named), {"rack", "type"})
            assert labels_grouped(expression) <= known
            for family in named:
                assert labels_matched(expression, family) <= SERVED[family] | WHOSE


def test_dashboards_use_recording_rules_only_if_rules_are_enabled() -> None:
    quiet = planned(fleet("monitoring: {rules: {enabled: false}}"))
    assert all(":" not in expression.replace("[5m:", "") for _, expression in expressions(quiet))
    assert any("job:rackwatt" in expression for _, expression in expressions(planned(fleet())))


def test_dashboards_have_the_sidecars_label_and_a_stable_uid() -> None:
    (one,) = [m for m in planned(fleet()) if m["metadata"]["name"] == "pt-lab-dashboard"]
    assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
    model = json.loads(one["data"]["pt-lab.json"])
    assert model["title"] == "Rackwatt power/lab"
    assert model["uid"] == "rackwatt-eb264e52ce202d39e9d0"
    assert len(model["uid"]) <= 40
    assert [variable["type"] for variable in model["templating"]["list"]] == ["datasource"]
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in model["panels"])


def test_dashboards_count_the_cpu_modes_of_docs_as_busy() -> None:
    modes = re.compile(r'mode=~"([a-z|]+)"')
    documented = set(modes.findall((ROOT / "docs/node.md").read_text()))
    used = {mode for _, text in expressions(planned(NODES)) for mode in modes.findall(text)}
    assert used == documented == {"idle|iowait|steal"}


def models(text: str) -> dict[str, dict[str, Any]]:
    """Return the dashboards of a document, by the name of their file."""
    (one,) = [
        one for one in planned(text)
        if one["kind"] == "ConfigMap" and one["metadata"]["name"].endswith("-dashboard")
    ]  # fmt: skip
    return {name: json.loads(model) for name, model in one["data"].items()}


def test_dashboard_panels_never_overlap() -> None:
    for text in (FLEET, NODES, DIVIDED, GPU_NODES, GRID, BINDING, COUNTED):
        for model in models(text).values():
            taken: set[tuple[int, int]] = set()
            for panel in model["panels"]:
                area = panel["gridPos"]
                cells = {
                    (area["x"] + x, area["y"] + y)
                    for x in range(area["w"])
                    for y in range(area["h"])
                }
                assert area["x"] + area["w"] <= 24
                assert not cells & taken
                taken |= cells


def every_panel(*kinds: str) -> Iterator[dict[str, Any]]:
    for text in (FLEET, NODES, DIVIDED, GPU_NODES, GRID, BINDING):
        yield from (panel for panel in panels(planned(text)) if panel["type"] in kinds)


def test_dashboard_stats_are_neither_red_above_80_nor_rounded_to_thousands() -> None:
    stats = list(every_panel("stat"))
    colors = [one["fieldConfig"]["defaults"]["color"] for one in stats]
    assert colors == [{"mode": "fixed", "fixedColor": "text"}] * len(stats)
    units = {one["title"]: one["fieldConfig"]["defaults"]["unit"] for one in stats}
    assert units["Targets"] == units["Nodes"] == units["Running"] == units["GPUs"] == "locale"


def test_dashboard_stacks_start_at_zero_and_lines_do_not_have_to() -> None:
    for panel in every_panel("timeseries"):
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults.get("min") == (0 if "stacking" in defaults["custom"] else None)


def test_dashboard_tables_show_no_name_of_a_series_and_a_title_for_their_values() -> None:
    shown = {}
    for panel in every_panel("table"):
        ((_, options),) = [one.values() for one in panel["transformations"]]
        assert options["excludeByName"]["__name__"]
        assert options["renameByName"].keys() ^ (options["excludeByName"].keys() & {"Value"})
        shown[panel["title"]] = options["renameByName"].get("Value")
    assert shown["Nodes that draw most"] == "Power"
    assert shown["Nodes that are not measured"] is None  # only its labels say something


def test_dashboard_legends_have_a_word_where_a_label_is_empty() -> None:
    """An empty legend is `Value` in Grafana."""
    may_be_empty = re.compile(r"\{\{(rack|type|user|account|reason)\}\}")
    named = set()
    for panel in every_panel("timeseries"):
        for target in panel["targets"]:
            label = may_be_empty.fullmatch(target["legendFormat"])
            expression = target["expr"]
            if label is None or f'{label[1]}!=""' in expression:
                continue
            if label[1] == "reason" and "pending_jobs" not in expression:
                continue  # one of a closed list
            assert re.fullmatch(
                rf'label_replace\(.*, "{label[1]}", "\(.+\)", "{label[1]}", ""\)', expression
            )
            named.add(label[1])
    assert named == {"rack", "type", "user", "account", "reason"}


def test_dashboards_of_a_scheduler_are_those_that_its_metrics_have_data_for() -> None:
    def names(spec: str) -> list[str]:
        return [name.removesuffix(".json") for name in models(binding(spec))]

    slurm = "slurm: {cli: {}}"
    assert names(slurm) == ["sb-prod", "sb-prod-queue", "sb-prod-users"]
    assert names(f"{slurm}, metrics: {{jobs: false}}") == ["sb-prod", "sb-prod-users"]
    neither = f"{slurm}, metrics: {{users: false, accounts: false}}"
    assert names(neither) == ["sb-prod", "sb-prod-queue"]
    assert names("noop: {}") == ["sb-prod"]
    counted = "slurm: {openMetrics: {url: 'http://slurmctld:6817'}}"
    assert names(counted) == ["sb-prod", "sb-prod-queue", "sb-prod-users"]
    assert names(f"{counted}, metrics: {{jobs: false}}") == ["sb-prod", "sb-prod-users"]
    licenses = f"{slurm}, metrics: {{jobs: false, licenses: true}}"
    assert names(licenses) == ["sb-prod", "sb-prod-users", "sb-prod-licenses"]
    limits = f"{slurm}, metrics: {{jobs: false, limitUsage: true}}"
    assert names(limits) == ["sb-prod", "sb-prod-users", "sb-prod-limits"]


def test_dashboards_of_one_document_differ_in_title_and_uid() -> None:
    made = models(BINDING).values()
    assert [one["title"] for one in made] == [
        "Rackwatt power/prod", "Rackwatt power/prod queue", "Rackwatt power/prod users",
        "Rackwatt power/prod limits", "Rackwatt power/prod licenses", "Rackwatt power/prod lustre",
    ]  # fmt: skip
    assert len({one["uid"] for one in made}) == 6


def powercap(directory: Path, joules: int) -> None:
    """Write a package's energy counter in joules, as the kernel presents it."""
    zone = directory / "class/powercap/intel-rapl:0"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")
    # In place, as a file of the kernel changes: readers that have it open see the new value.
    counter = os.open(zone / "energy_uj", os.O_WRONLY | os.O_CREAT)
    os.pwrite(counter, f"{joules * 1_000_000:015d}\n".encode(), 0)
    os.close(counter)


def planned_rules(manifests: list[Manifest]) -> Iterator[dict[str, Any]]:
    for one in of_kind(manifests, "PrometheusRule"):
        for group in one["spec"]["groups"]:
            yield from group["rules"]


class Outcome(list[str]):
    """True when it is empty; printed when it does not become so."""

    def __bool__(self) -> bool:
        return len(self) == 0


def _meta(label: str | None) -> str:
    return "__meta_kubernetes_service_label_" + re.sub(r"\W", "_", label or "")


def configuration(address: str, manifests: list[Manifest], directory: Path) -> dict[str, Any]:
    """Scrape one exporter once for each document, as the ServiceMonitors would, by the rules."""
    scrapes = []
    for monitor in of_kind(manifests, "ServiceMonitor"):
        name = monitor["metadata"]["name"]
        (endpoint,) = monitor["spec"]["endpoints"]
        (service,) = [
            one for one in of_kind(manifests, "Service") if one["metadata"]["name"] == name
        ]
        labels = {"namespace": "power", "pod": f"{name}-0", "service": name}
        labels |= {_meta(label): value for label, value in service["metadata"]["labels"].items()}
        static = [{"targets": [address], "labels": labels}]
        named = monitor["spec"].get("jobLabel")
        by_label = {"source_labels": [_meta(named)], "regex": "(.+)", "target_label": "job"}
        scrapes.append(
            {
                "job_name": name,
                "honor_labels": endpoint["honorLabels"],
                "metrics_path": endpoint["path"],
                "static_configs": static,
                "relabel_configs": [by_label] if named else [],
            }
        )
    rules = directory / "rules.yaml"
    groups = [one["spec"]["groups"] for one in of_kind(manifests, "PrometheusRule")]
    rules.write_text(yaml.safe_dump({"groups": [group for part in groups for group in part]}))
    pace = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    return {"global": pace, "rule_files": [str(rules)], "scrape_configs": scrapes}


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmCluster]:
    """A cluster with jobs that hold GPUs, licences or several nodes, or wait, and with limits."""
    more = "Licenses=matlab:4,ansys:1\nAccountingStorageEnforce=limits"
    with (
        SlurmAccounting() as accounting,
        SlurmCluster("n[1-3]", gpus=4, more=more, accounting=accounting) as cluster,
    ):
        accounting.sacctmgr("add", "account", "phys,bio", "GrpTRES=cpu=2", "GrpJobs=90000")
        accounting.sacctmgr("add", "user", "root", "account=phys,bio", "MaxJobs=90000")
        accounting.sacctmgr("modify", "qos", "normal", "set", "GrpTRES=cpu=100")
        gpus = ("--gpus-per-node=h100:2", "--licenses=ansys:1")
        cluster.submit("-n2", "--mem=100", "--account=phys", *gpus)
        cluster.submit("-N2", "-n5", "--mem=100", "--account=bio")
        cluster.wait_for(n1="MIXED", n2="MIXED")
        cluster.submit("-n1", "--mem=100", "--hold", "--account=bio")
        yield cluster


@pytest.fixture(scope="module")
def lustre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """The I/O of a job, of processes with a name and without one, and of no job."""
    target = "hebe-MDT0000"
    rates = {
        counter: 1e6
        for jobid in ("1", "rsync.0", "rsync.4000000123", "99999")
        for counter in (
            Counter.of_storage(READ, jobid, "hebe-OST0000"),
            Counter.of_storage(WRITE, jobid, "hebe-OST0000"),
            Counter.of_metadata(jobid, target, "open"),
        )
    }
    directory: Path = tmp_path_factory.mktemp("lustre") / "db"
    with lustre_exporter(rates) as counters, prometheus(directory, scraping(counters)) as peer:
        yield peer


@pytest.mark.parametrize("job_label", [None, "app.kubernetes.io/part-of"], ids=["own", "shared"])
def test_prometheus_answers_every_panel_and_every_rule(
    slurm: SlurmCluster, lustre: Prometheus, job_label: str | None, tmp_path: Path
) -> None:
    monitoring = Monitoring(service_monitor=ServiceMonitor(job_label=job_label))
    text = TEXT.replace("http://lustre.invalid", lustre.url)
    manifests = planned(text, structs.replace(DEFAULTS, monitoring=monitoring))
    (tmp_path / "documents.yaml").write_text(text)
    powercap(tmp_path / "sys", 1)
    with running(
        "run", f"--config.file={tmp_path / 'documents.yaml'}", "--web.listen-address=127.0.0.1:0",
        f"--path.sysfs={tmp_path / 'sys'}", "--node.name=worker1",
        SLURM_CONF=slurm.environment["SLURM_CONF"], PATH=slurm.environment["PATH"],
    ) as run:  # fmt: skip
        address = run.url.removeprefix("http://")
        with prometheus(tmp_path / "db", configuration(address, manifests, tmp_path)) as peer:
            joules = iter(range(2, 1_000_000))
            rules = list(planned_rules(manifests))
            records = [(one["record"], one["record"]) for one in rules if "record" in one]

            def silent() -> list[str]:
                powercap(tmp_path / "sys", next(joules))
                slurm.submit("-n1", "--mem=1", command="true")  # starts and ends while we look
                return [
                    f"{title}: {expression}"
                    for title, expression in (*expressions(manifests), *records)
                    if title not in MAY_BE_EMPTY and not peer.query(expression)
                ]

            until(lambda: Outcome(silent()))
            until(lambda: all(rule["health"] != "unknown" for rule in peer.rules()))
            assert len(peer.rules()) == len(rules)
            assert {rule["health"] for rule in peer.rules()} == {"ok"}
            (lost,) = [text for title, text in expressions(manifests) if "not measured" in title]
            assert {one["metric"]["node"] for one in peer.query(lost)} == {"bad"}
            (watts,) = peer.query("job:rackwatt_node_power_watts:sum")
            job = "rackwatt" if job_label else "pt-lab"
            assert (watts["metric"]["job"], watts["metric"]["service"]) == (job, "pt-lab")


def test_prometheus_answers_every_panel_of_a_scheduler_that_only_counts(tmp_path: Path) -> None:
    more = "MetricsType=metrics/openmetrics\n"
    with SlurmCluster("n[1-2]", more=more, release=NEWER[-1]) as cluster:
        cluster.submit("-n1", "--mem=100", "-A", "phys")
        cluster.submit("-n1", "--mem=100", "-A", "phys", "--hold")
        cluster.scontrol("update", "nodename=n2", "state=drain", "reason=test")
        text = COUNTED.replace("http://slurmctld:6817", cluster.controller_url)
        manifests = planned(text)
        (tmp_path / "documents.yaml").write_text(text)
        with running(
            "run",
            f"--config.file={tmp_path / 'documents.yaml'}",
            "--web.listen-address=127.0.0.1:0",
        ) as run:
            address = run.url.removeprefix("http://")
            with prometheus(tmp_path / "db", configuration(address, manifests, tmp_path)) as peer:

                def silent() -> list[str]:
                    return [
                        f"{title}: {expression}"
                        for title, expression in expressions(manifests)
                        if title not in MAY_BE_EMPTY and not peer.query(expression)
                    ]

                until(lambda: Outcome(silent()))
                until(lambda: all(rule["health"] == "ok" for rule in peer.rules()))
                assert len(peer.rules()) == len(list(planned_rules(manifests)))
