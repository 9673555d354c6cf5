import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rackwatt_exporter.pipelines.families import all_families
from rackwatt_operator.manifests.rules import power, unit_power
from tests.operator.manifests.builders import Manifest, binding, fleet, nodes, only, planned
from tests.operator.manifests.promql_parser import families, labels_grouped, labels_matched
from tests.operator.manifests.promtool import check, raised

ROOT = Path(__file__).parents[3]
GRID = fleet().replace(
    "bmc: {method: fake, hosts: [{names: n1}]}",
    "grid: {zone: FR, static: {gramsPerKilowattHour: 56}}",
)
SCHEDULED = fleet("schedulerRef: {name: prod}") + "---\n" + binding()
DOCUMENTS = {
    "fleet": fleet(),
    "seldom": fleet("interval: 1h\nmaxBackoff: 2h\nstaleAfter: 3h"),
    "shards": fleet(bmc="method: fake, shards: 3, hosts: [{names: n1}]"),
    "nodes": nodes(),
    "units": nodes("cpu").replace("[cpu]", "[cpu], units: {slurm: {}}"),
    "divided": nodes().replace("cpu]", "cpu], units: {slurm: {}}"),
    "grid": GRID,
    "binding": binding(),
    "token": binding("slurm: {rest: {url: http://slurm:6820, tokenSecretRef: {name: t, key: k}}}"),
    "counted": binding("slurm: {openMetrics: {url: 'http://slurmctld:6817'}}"),
    "lustre": binding("slurm: {cli: {}}, lustre: {prometheusURL: 'http://prometheus:9090'}"),
    "diagnostics": binding("slurm: {cli: {}}, metrics: {diagnostics: true}"),
    "job": fleet("monitoring: {serviceMonitor: {jobLabel: app.kubernetes.io/name}}"),
}
QUIET = {
    "up": "1x120",
    'rackwatt_target_up{node="n1",rack="r1"}': "1x120",
    'rackwatt_node_power_watts{node="n1"}': "100x120",
    'rackwatt_node_energy_joules_total{node="n1"}': "0+6000x120",
    'rackwatt_node_energy_covered_seconds_total{node="n1"}': "0+60x120",
    'rackwatt_target_reading_age_seconds{node="n1"}': "10x120",
    "rackwatt_document_problems": "0x120",
    "rackwatt_event_loop_lag_seconds": "0.01x120",
    'rackwatt_scheduler_up{scheduler="prod",cluster="c"}': "1x120",
    'rackwatt_collector_up{node="w1",collector="rapl"}': "1x120",
    'rackwatt_grid_up{zone="FR",provider="static"}': "1x120",
    'rackwatt_scheduler_answer_age_seconds{scheduler="prod",cluster="c"}': "20x120",
    'rackwatt_scheduler_nodes{scheduler="prod",cluster="c",state="idle"}': "95x120",
    'rackwatt_scheduler_nodes{scheduler="prod",cluster="c",state="drained"}': "5x120",
    'rackwatt_scheduler_jobs_known{scheduler="prod",cluster="c"}': "1x120",
    'rackwatt_scheduler_subject_known{scheduler="prod",cluster="c",subject="limits"}': "1x120",
    'cluster_exporter_scrape_ok{scheduler="prod",cluster="c"}': "1x120",
    'cluster_exporter_stage_execution_seconds{scheduler="prod",cluster="c",name="get"}': "1x120",
    'cluster_job_read_throughput_bytes{scheduler="prod",cluster="c",user="a"}': "9e6x120",
    'cluster_proc_write_throughput_bytes{scheduler="prod",cluster="c",user_name="a"}': "5e6x120",
    'rackwatt_scheduler_own_rpc_seconds_total{scheduler="prod",cluster="c"}': "0+0.6x120",
    'rackwatt_scheduler_user_rpc_seconds_total{scheduler="prod",cluster="c",user="watt"}': (
        "0+0.6x120"
    ),
    'rackwatt_scheduler_token_issued_timestamp_seconds{scheduler="prod",cluster="c"}': "0x120",
    'rackwatt_scheduler_token_expiry_timestamp_seconds{scheduler="prod",cluster="c"}': "86400x120",
}
JOBS = {
    "app.kubernetes.io/name": "rackwatt-collector",
    "app_kubernetes_io_component": "bmc",
    "app.kubernetes.io/instance": "pt-lab",
    "team": "pt-lab",
}
SCRAPED = ("Service", "ServiceMonitor")
N1 = 'rackwatt_target_up{node="n1"}'


def rules(manifests: list[Manifest]) -> Iterator[dict[str, Any]]:
    for group in only(manifests, "PrometheusRule")["spec"]["groups"]:
        yield from group["rules"]


def labelled(name: str) -> str:
    return f"monitoring: {{serviceMonitor: {{jobLabel: {name}}}}}" if name else ""


def alerts() -> list[dict[str, Any]]:
    return [rule for text in DOCUMENTS.values() for rule in rules(planned(text)) if "alert" in rule]


NAMES = sorted({rule["alert"] for rule in alerts()})


@pytest.mark.parametrize("case", DOCUMENTS)
def test_promtool_accepts_the_rules(case: str, tmp_path: Path) -> None:
    assert "SUCCESS" in check(planned(DOCUMENTS[case]), tmp_path)


def test_rules_query_only_families_and_labels_that_the_exporter_serves() -> None:
    added = {"namespace", "job", "service"}  # by Prometheus
    served = {family.name: {*family.labels, *added} for family in all_families()}
    served["up"] = {"instance", *added}
    served[power.NAME] = {"cluster", "by", "state", *power.HOLDERS, *added}  # recorded
    for name in (unit_power.NODE, unit_power.SYSTEM):
        served[name] = {"node", *added}
    served[unit_power.UNIT] = {"node", "manager", "unit", *added}
    made = [one for text in (*DOCUMENTS.values(), SCHEDULED) for one in planned(text)]
    written = [rule for one in made if one["kind"] == "PrometheusRule" for rule in rules([one])]
    for rule in written:
        used = families(rule["expr"])
        assert labels_grouped(rule["expr"]) <= added.union(*(served[family] for family in used))
        for family in used:
            assert labels_matched(rule["expr"], family) <= served[family]


def test_alerts_have_summary_description_and_a_runbook_in_docs() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    for rule in alerts():
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"].endswith("(docs/troubleshooting.md#alerts)")
        assert rule["labels"]["severity"] in ("warning", "critical")
    assert "\n## Alerts\n" in page
    assert sorted(re.findall(r"^\| `(Rackwatt\w+)` \|", page, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("label", ["", *JOBS])
def test_alerts_of_two_documents_never_match_each_others_machines(
    label: str, tmp_path: Path
) -> None:
    series = {N1: "0x60"}
    manifests = planned(fleet(labelled(label), name="theirs"))
    others = [one for one in planned(fleet(labelled(label))) if one["kind"] in SCRAPED]
    rule_only = [one for one in manifests if one["kind"] == "PrometheusRule"]
    assert raised(rule_only + others, series, "RackwattTargetDown", "40m", tmp_path) == []
    assert raised(manifests, series, "RackwattTargetDown", "40m", tmp_path)


@pytest.mark.parametrize(("label", "job"), JOBS.items())
def test_alerts_have_the_job_that_the_job_label_comes_to(
    label: str, job: str, tmp_path: Path
) -> None:
    manifests = planned(fleet(labelled(label)))
    for name, series in (("TargetDown", {N1: "0x60"}), ("CollectorAbsent", {"other": "1x60"})):
        (alert,) = raised(manifests, series, f"Rackwatt{name}", "40m", tmp_path)
        assert (alert["job"], alert["powertarget"]) == (job, "lab")


@pytest.mark.parametrize(
    "case", ["fleet", "seldom", "binding", "token", "diagnostics", "lustre", "grid"]
)
def test_alerts_stay_silent_while_all_is_well(case: str, tmp_path: Path) -> None:
    manifests = planned(DOCUMENTS[case])
    for name in {rule["alert"] for rule in rules(manifests) if "alert" in rule}:
        assert raised(manifests, QUIET, name, "90m", tmp_path) == []


def firing(text: str, name: str, after: str, tmp_path: Path, **series: str) -> list[dict[str, str]]:
    """Change some of the quiet series, and return the alerts of a name that fire."""
    return raised(planned(text), QUIET | series, name, after, tmp_path)


def test_target_down_fires_for_a_target_without_readings(tmp_path: Path) -> None:
    changed = {'rackwatt_target_up{node="n1",rack="r1"}': "1x9 0x60"}
    assert firing(fleet(), "RackwattTargetDown", "15m", tmp_path, **changed) == []
    (down,) = firing(fleet(), "RackwattTargetDown", "21m", tmp_path, **changed)
    assert (down["node"], down["powertarget"], down["severity"]) == ("n1", "lab", "warning")


def test_target_down_ignores_a_machine_that_is_powered_off(tmp_path: Path) -> None:
    changed = {
        'rackwatt_target_up{node="n1",rack="r1"}': "1x9 0x60",
        'rackwatt_target_errors_total{node="n1",reason="powered_off"}': "_x9 1+2x60",
    }
    for name in ("RackwattTargetDown", "RackwattFleetDown"):
        assert firing(fleet(), name, "40m", tmp_path, **changed) == []


def test_fleet_down_fires_once_when_most_of_a_fleet_is_down(tmp_path: Path) -> None:
    changed = {f'rackwatt_target_up{{node="m{i}"}}': "0x60" for i in range(3)}
    (down,) = firing(fleet(), "RackwattFleetDown", "20m", tmp_path, **changed)
    assert down["severity"] == "critical"
    few = {f'rackwatt_target_up{{node="m{i}"}}': "1x60" for i in range(3)} | {N1: "0x60"}
    assert firing(fleet(), "RackwattFleetDown", "20m", tmp_path, **few) == []


@pytest.mark.parametrize(
    ("name", "reason", "after"),
    [
        ("RackwattAccessRefused", "auth_failed", "15m"),
        ("RackwattAccessRefused", "credentials_missing", "15m"),
        ("RackwattPowerUnreadable", "no_power_sensor", "30m"),
    ],
)
def test_alerts_count_targets_that_fail_for_one_reason(
    name: str, reason: str, after: str, tmp_path: Path
) -> None:
    changed = {}
    for node in ("a", "b"):
        changed[f'rackwatt_target_up{{node="{node}"}}'] = "0x60"
        errors = f'rackwatt_target_errors_total{{node="{node}",reason="{reason}"}}'
        changed[errors] = "1+0.2x60"
    (alert,) = firing(fleet(), name, after, tmp_path, **changed)
    assert alert["reason"] == reason
    healed = {key: "1x60" if "_up" in key else values for key, values in changed.items()}
    assert firing(fleet(), name, after, tmp_path, **healed) == []


def test_reading_stale_fires_for_a_withdrawn_reading_of_a_bmc_that_answers(tmp_path: Path) -> None:
    changed = {'rackwatt_node_power_watts{node="n1"}': "100x9 _x60"}
    (stale,) = firing(fleet(), "RackwattReadingStale", "25m", tmp_path, **changed)
    assert stale["node"] == "n1"


def test_power_implausible_fires_for_watts_and_joules_that_disagree(tmp_path: Path) -> None:
    changed = {'rackwatt_node_energy_joules_total{node="n1"}': "0+3000x150"}
    changed |= {key: "1x150" for key in QUIET if "_up" in key}
    (alert,) = firing(fleet(), "RackwattPowerImplausible", "115m", tmp_path, **changed)
    assert alert["node"] == "n1"


def test_collector_absent_fires_even_for_a_collector_that_never_existed(tmp_path: Path) -> None:
    for text in (fleet(), nodes(), binding(), GRID):
        (absent,) = raised(
            planned(text), {"other": "1x60"}, "RackwattCollectorAbsent", "6m", tmp_path
        )
        assert (absent["namespace"], absent["severity"]) == ("power", "critical")


def test_collector_absent_fires_for_one_shard_of_three(tmp_path: Path) -> None:
    up = {f'up{{instance="{i}"}}': "1x60" for i in range(3)}
    manifests = planned(DOCUMENTS["shards"])
    assert raised(manifests, up, "RackwattCollectorAbsent", "20m", tmp_path) == []
    up['up{instance="1"}'] = "0x60"
    assert raised(manifests, up, "RackwattCollectorAbsent", "20m", tmp_path)


def test_collector_down_names_the_node(tmp_path: Path) -> None:
    series = {'up{instance="worker1"}': "0x60", 'up{instance="worker2"}': "1x60"}
    (down,) = raised(planned(nodes()), series, "RackwattCollectorDown", "6m", tmp_path)
    assert down["instance"] == "worker1"


def test_node_reading_failing_names_node_and_collector(tmp_path: Path) -> None:
    series = {'rackwatt_collector_up{node="w1",collector="rapl"}': "0x60"}
    (failing,) = raised(planned(nodes()), series, "RackwattNodeReadingFailing", "11m", tmp_path)
    assert (failing["node"], failing["collector"]) == ("w1", "rapl")
    grid = {'rackwatt_grid_up{zone="FR",provider="static"}': "0x60"}
    assert raised(planned(GRID), grid, "RackwattGridUnknown", "16m", tmp_path)


@pytest.mark.parametrize(
    ("name", "family", "values"),
    [
        ("RackwattDocumentProblems", "rackwatt_document_problems", "2x60"),
        ("RackwattCollectorLate", "rackwatt_event_loop_lag_seconds", "3x60"),
    ],
)
def test_alerts_fire_for_a_collector_in_difficulties(
    name: str, family: str, values: str, tmp_path: Path
) -> None:
    assert firing(fleet(), name, "20m", tmp_path, **{family: values})


def test_scheduler_down_fires_for_a_binding_and_states_stale_for_every_server_of_states(
    tmp_path: Path,
) -> None:
    changed = {
        'rackwatt_scheduler_up{scheduler="prod",cluster="c"}': "0x60",
        'rackwatt_scheduler_answer_age_seconds{scheduler="prod",cluster="c"}': "0+60x60",
    }
    for name in ("RackwattSchedulerDown", "RackwattSchedulerStatesStale"):
        (alert,) = firing(binding(), name, "10m", tmp_path, **changed)
        assert (alert["scheduler"], alert["schedulerbinding"]) == ("prod", "prod")
    asking = [one for one in planned(SCHEDULED) if one["metadata"]["name"].startswith("pt-")]
    (stale,) = raised(asking, changed, "RackwattSchedulerStatesStale", "10m", tmp_path)
    assert stale["powertarget"] == "lab"


def test_states_stale_waits_for_the_stale_after_of_the_binding(tmp_path: Path) -> None:
    age = {'rackwatt_scheduler_answer_age_seconds{scheduler="prod",cluster="c"}': "200x60"}
    slow = binding("noop: {}, interval: 2m")
    assert firing(slow, "RackwattSchedulerStatesStale", "10m", tmp_path, **age) == []
    assert firing(binding(), "RackwattSchedulerStatesStale", "10m", tmp_path, **age)


NODES = 'rackwatt_scheduler_nodes{scheduler="prod",cluster="c",state="%s"}'


def test_nodes_out_fires_above_a_tenth_of_the_cluster_and_resolves(tmp_path: Path) -> None:
    few = {NODES % "idle": "90x120", NODES % "drained": "5x120", NODES % "down": "5x120"}
    assert firing(binding(), "RackwattSchedulerNodesOut", "90m", tmp_path, **few) == []
    more = few | {NODES % "down": "6x60 5x60"}
    assert firing(binding(), "RackwattSchedulerNodesOut", "14m", tmp_path, **more) == []
    (out,) = firing(binding(), "RackwattSchedulerNodesOut", "16m", tmp_path, **more)
    assert (out["scheduler"], out["cluster"], out["schedulerbinding"]) == ("prod", "c", "prod")
    assert firing(binding(), "RackwattSchedulerNodesOut", "61m", tmp_path, **more) == []


BASES = 'rackwatt_scheduler_base_state_nodes{scheduler="prod",cluster="c",base="%s"}'
FLAGS = 'rackwatt_scheduler_flagged_nodes{scheduler="prod",cluster="c",flag="%s"}'


@pytest.mark.parametrize("bad", [BASES % "down", FLAGS % "drain", FLAGS % "not_responding"])
def test_nodes_out_fires_for_nodes_that_are_only_counted(bad: str, tmp_path: Path) -> None:
    few = {BASES % "idle": "90x120", BASES % "down": "10x120", FLAGS % "maintenance": "50x120"}
    few |= {FLAGS % "drain": "10x120", FLAGS % "not_responding": "10x120"}
    text = DOCUMENTS["counted"]
    assert firing(text, "RackwattSchedulerNodesOut", "90m", tmp_path, **few) == []
    (out,) = firing(text, "RackwattSchedulerNodesOut", "16m", tmp_path, **few | {bad: "13x120"})
    assert (out["scheduler"], out["cluster"], out["schedulerbinding"]) == ("prod", "c", "prod")


LUSTRE = '{scheduler="prod",cluster="c"%s}'
OK = "cluster_exporter_scrape_ok" + LUSTRE % ""


def lustre_firing(name: str, after: str, tmp_path: Path, **series: str) -> list[dict[str, str]]:
    return firing(DOCUMENTS["lustre"], f"RackwattLustre{name}", after, tmp_path, **series)


def test_lustre_failing_fires_for_polls_that_do_not_return_everything(tmp_path: Path) -> None:
    failing = {OK: "1x9 0x40 1x60"}
    assert lustre_firing("Failing", "14m", tmp_path, **failing) == []
    (alert,) = lustre_firing("Failing", "16m", tmp_path, **failing)
    assert (alert["scheduler"], alert["cluster"], alert["schedulerbinding"]) == (
        "prod",
        "c",
        "prod",
    )
    assert lustre_firing("Failing", "52m", tmp_path, **failing) == []


def test_lustre_slow_names_the_stage_that_takes_a_third_of_the_timeout(tmp_path: Path) -> None:
    """The timeout is 10 s, of which queries have 6 s."""
    stage = "cluster_exporter_stage_execution_seconds" + LUSTRE % ',name="%s"'
    slow = {stage % "build_read_throughput_metrics": "3.1x60", stage % "other": "2.9x60"}
    (alert,) = lustre_firing("Slow", "16m", tmp_path, **slow)
    assert alert["name"] == "build_read_throughput_metrics"
    patient = DOCUMENTS["lustre"].replace("cluster: c", "cluster: c, timeout: 20s")
    assert firing(patient, "RackwattLustreSlow", "16m", tmp_path, **slow) == []


@pytest.mark.parametrize(
    ("reason", "bytes_per_second", "fires"),
    [
        ("unknown_job", "2e6x60", True),  # of 16e6
        ("unknown_format", "2e6x60", True),
        ("unknown_job", "1.5e6x60", False),
        ("scheduler_unavailable", "9e6x60", False),  # another alert's
    ],
)
def test_lustre_unmatched_fires_above_a_tenth_of_all_bytes(
    reason: str, bytes_per_second: str, fires: bool, tmp_path: Path
) -> None:
    family = "rackwatt_lustre_unmatched_write_bytes_per_second" + LUSTRE % f',reason="{reason}"'
    found = lustre_firing("Unmatched", "31m", tmp_path, **{family: bytes_per_second})
    assert bool(found) is fires


def test_lustre_unmatched_is_silent_where_little_is_read_and_where_a_poll_fails(
    tmp_path: Path,
) -> None:
    family = "rackwatt_lustre_unmatched_read_bytes_per_second" + LUSTRE % ',reason="unknown_job"'
    job = "cluster_job_read_throughput_bytes" + LUSTRE % ',user="a"'
    process = "cluster_proc_write_throughput_bytes" + LUSTRE % ',user_name="a"'
    idle = {family: "9e5x60", job: "_x60", process: "_x60"}
    assert lustre_firing("Unmatched", "31m", tmp_path, **idle) == []
    alone = idle | {family: "2e6x60"}
    assert lustre_firing("Unmatched", "31m", tmp_path, **alone)
    assert lustre_firing("Unmatched", "31m", tmp_path, **alone, **{OK: "0x60"}) == []


def test_lustre_users_unresolved_fires_where_other_users_have_names(tmp_path: Path) -> None:
    process = "cluster_proc_read_throughput_bytes" + LUSTRE % ',user_name="%s"'
    named = "cluster_proc_write_throughput_bytes" + LUSTRE % ',user_name="a"'
    assert lustre_firing("UsersUnresolved", "31m", tmp_path, **{process % "4711": "6e6x60"})
    few = {process % "4711": "4e6x60"}
    assert lustre_firing("UsersUnresolved", "31m", tmp_path, **few) == []
    # A pod has no users of the site but root.
    in_a_pod = {process % "4711": "9e6x60", process % "root": "1e6x60", named: "_x60"}
    assert lustre_firing("UsersUnresolved", "31m", tmp_path, **in_a_pod) == []


def test_lustre_has_alerts_in_bindings_that_have_it() -> None:
    names = {str(rule.get("alert")) for rule in rules(planned(SLURM))}
    assert not [name for name in names if "Lustre" in name]


SLURM = binding("slurm: {cli: {}}")


def test_jobs_unknown_fires_while_nodes_are_known_and_scheduler_down_does_not(
    tmp_path: Path,
) -> None:
    unknown = {'rackwatt_scheduler_jobs_known{scheduler="prod",cluster="c"}': "1x9 0x50 1x60"}
    name = "RackwattSchedulerJobsUnknown"
    assert firing(SLURM, name, "14m", tmp_path, **unknown) == []
    (alert,) = firing(SLURM, name, "16m", tmp_path, **unknown)
    assert (alert["scheduler"], alert["cluster"], alert["schedulerbinding"]) == (
        "prod",
        "c",
        "prod",
    )
    assert firing(SLURM, "RackwattSchedulerDown", "16m", tmp_path, **unknown) == []
    assert firing(SLURM, name, "62m", tmp_path, **unknown) == []


def test_subject_unknown_names_what_has_been_unknown_for_half_an_hour(tmp_path: Path) -> None:
    subject = 'rackwatt_scheduler_subject_known{scheduler="prod",cluster="c",subject="%s"}'
    unknown = {subject % "fairshare": "1x9 0x60", subject % "partitions": "0x20 1x60"}
    name = "RackwattSchedulerSubjectUnknown"
    assert firing(SLURM, name, "38m", tmp_path, **unknown) == []
    (alert,) = firing(SLURM, name, "41m", tmp_path, **unknown)
    assert (alert["subject"], alert["scheduler"]) == ("fairshare", "prod")


def test_jobs_unknown_is_no_alert_of_bindings_without_jobs() -> None:
    counted = "slurm: {openMetrics: {url: http://slurmctld:6817}}"
    names = {rule.get("alert") for rule in rules(planned(binding(counted)))}
    assert "RackwattSchedulerJobsUnknown" not in names
    for spec in ("noop: {}", "exporter: {url: http://other:9123}"):
        names = {rule.get("alert") for rule in rules(planned(binding(spec)))}
        assert not names & {"RackwattSchedulerJobsUnknown", "RackwattSchedulerSubjectUnknown"}


TOKEN = 'rackwatt_scheduler_token_{}_timestamp_seconds{{scheduler="prod",cluster="c"}}'


@pytest.mark.parametrize(
    ("issued", "expiry", "silent", "fires"),
    [
        ("0x120", "3600x120", "53m", "57m"),  # a tenth of an hour
        ("0x120", "6000x120", "89m", "93m"),
        ("_x120", "3600x120", "49m", "53m"),  # ten minutes, where its age is not known
    ],
)
def test_token_expiring_fires_while_there_is_time_to_renew_it(
    issued: str, expiry: str, silent: str, fires: str, tmp_path: Path
) -> None:
    changed = {TOKEN.format("issued"): issued, TOKEN.format("expiry"): expiry}
    name, text = "RackwattSchedulerTokenExpiring", DOCUMENTS["token"]
    assert firing(text, name, silent, tmp_path, **changed) == []
    (expiring,) = firing(text, name, fires, tmp_path, **changed)
    assert (expiring["scheduler"], expiring["severity"]) == ("prod", "warning")


def test_token_expiring_resolves_for_a_token_that_is_renewed_at_four_fifths(tmp_path: Path) -> None:
    name, text = "RackwattSchedulerTokenExpiring", DOCUMENTS["token"]
    late = {TOKEN.format("issued"): "0x57 3480x60", TOKEN.format("expiry"): "3600x57 7080x60"}
    assert firing(text, name, "57m", tmp_path, **late)
    assert firing(text, name, "59m", tmp_path, **late) == []
    ours = {TOKEN.format("issued"): "0x47 2880x60", TOKEN.format("expiry"): "3600x47 6480x60"}
    for minute in range(40, 60):
        assert firing(text, name, f"{minute}m", tmp_path, **ours) == []


def test_token_expiring_is_an_alert_of_bindings_that_have_a_token() -> None:
    def has(spec: str) -> bool:
        names = {rule.get("alert") for rule in rules(planned(binding(spec)))}
        return "RackwattSchedulerTokenExpiring" in names

    key = "jwtKeySecretRef: {name: t, key: k}, user: watt"
    assert has(f"slurm: {{rest: {{url: http://slurm:6820, {key}}}}}")
    header = "headers: [{name: Authorization, valueSecretRef: {name: t, key: k}}]"
    assert has(f"slurm: {{rest: {{url: http://gateway:6820, {header}}}}}")
    assert has("slurm: {cli: {}}")  # SLURM_JWT
    assert has(f"slurm: {{openMetrics: {{url: http://slurmctld:6817, {key}}}}}")
    assert not has("slurm: {openMetrics: {url: http://slurmctld:6817}}")
    assert not has("slurm: {rest: {url: unix:/run/slurmrestd.sock}}")
    assert not has("slurm: {ssh: {host: login1}}")
    assert not has("noop: {}")


def rpcs(ours: str, others: str) -> dict[str, str]:
    """Write the seconds that slurmctld spent on our user and on another one, each minute."""
    user = 'rackwatt_scheduler_user_rpc_seconds_total{scheduler="prod",cluster="c",user="%s"}'
    own = 'rackwatt_scheduler_own_rpc_seconds_total{scheduler="prod",cluster="c"}'
    return {own: ours, user % "watt": ours, user % "alice": others}


def test_scheduler_loaded_fires_for_a_large_share_of_a_busy_slurmctld(tmp_path: Path) -> None:
    text, name = DOCUMENTS["diagnostics"], "RackwattSchedulerLoaded"
    small_share = rpcs("0+6x120", "0+60x120")
    small_load = rpcs("0+1x120", "0+1x120")
    for quiet in (small_share, small_load):
        assert firing(text, name, "90m", tmp_path, **quiet) == []
    loaded = rpcs("0+6x60 360+0.1x60", "0+12x120")
    (alert,) = firing(text, name, "40m", tmp_path, **loaded)
    assert (alert["cluster"], alert["schedulerbinding"]) == ("c", "prod")
    assert firing(text, name, "90m", tmp_path, **loaded) == []


def test_scheduler_loaded_is_an_alert_of_bindings_with_diagnostics() -> None:
    names = {rule.get("alert") for rule in rules(planned(binding("slurm: {cli: {}}")))}
    assert "RackwattSchedulerLoaded" not in names
