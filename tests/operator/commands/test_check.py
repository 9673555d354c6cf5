from pathlib import Path

import pytest

from rackwatt_crds.node.requirements import REQUIREMENTS
from rackwatt_operator.__main__ import main
from tests.operator.manifests.builders import binding, fleet, nodes

ROOT = Path(__file__).parents[3]


def check(text: str, directory: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    path = directory / "d.yaml"
    path.write_text(text)
    status = main(["check", str(path)])
    output = capsys.readouterr()
    return status, output.out, output.err.replace(f"{path} ", "")


def test_check_accepts_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(ROOT / "docs/examples")]) == 0
    assert " 0 problems" in capsys.readouterr().out


def test_check_lists_targets_children_secrets_and_ports_of_a_fleet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = fleet(
        bmc="shards: 3, credentials: {secretRef: {name: bmc}}, hosts: ["
        "{names: 'n[1-3]', address: '{name}.bmc'}, "
        "{names: p, addresses: 10.0.0.1, method: snmp, preset: apc-rpdu, snmp: {port: 1161}}]"
    )
    status, output, doubts = check(text, tmp_path, capsys)
    assert (status, doubts) == (0, "")
    assert output.splitlines() == [
        "PowerTarget power/lab: 4 targets (3 ipmi, 1 snmp)",
        "  creates  ServiceAccount pt-lab",
        "  creates  ConfigMap pt-lab, pt-lab-dashboard",
        "  creates  NetworkPolicy pt-lab",
        "  creates  Service pt-lab",
        "  creates  Deployment pt-lab-0 to pt-lab-2",
        "  creates  PodDisruptionBudget pt-lab",
        "  creates  ServiceMonitor pt-lab",
        "  creates  PrometheusRule pt-lab",
        "  reads    Secret bmc",
        "  connects UDP 623",
        "  connects UDP 1161",
        "  admitted at Pod Security level restricted",
        "",
        "1 document, 0 problems, 0 warnings",
    ]


def test_check_lists_the_secrets_that_prometheus_needs_for_the_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web = (
        "web: {configSecretRef: {name: web, key: web.yml}, credentials: {secretRef: {name: reader}},"
        " tls: {caSecretRef: {name: pages-ca}, clientSecretRef: {name: client}}}"
    )
    _, output, _ = check(fleet(web), tmp_path, capsys)
    reads = [line for line in output.splitlines() if line.startswith("  reads ")]
    assert reads == [
        "  reads    Secret web",
        *(
            f"  reads    Secret {name}, by Prometheus and the operator for the pages"
            for name in ("client", "pages-ca", "reader")
        ),
    ]


def test_check_copies_labels_of_pods_and_service_without_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = "jobLabel: app.kubernetes.io/name, podTargetLabels: [team, rackwatt.dev/x]"
    pod = "pod: {labels: {team: a, rackwatt.dev/x: b}}"
    said = f"{pod}\nmonitoring: {{serviceMonitor: {{{monitor}}}}}"
    assert check(fleet(said), tmp_path, capsys)[2] == ""


@pytest.mark.parametrize("name", ["not a label!", "-x", "a/b/c", "A.example/x", "x" * 64, "/x", ""])
@pytest.mark.parametrize("field", ["jobLabel: {}", "targetLabels: [{}]", "podTargetLabels: [{}]"])
def test_check_refuses_what_is_no_name_of_a_label(
    field: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = field.format(f'"{name}"')
    status, _, problems = check(
        fleet(f"monitoring: {{serviceMonitor: {{{monitor}}}}}"), tmp_path, capsys
    )
    assert status == 1
    assert f"spec.monitoring.serviceMonitor.{field.split(':')[0]}" in problems


def test_check_lists_host_network_as_a_privilege_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, output, _ = check(fleet("pod: {hostNetwork: true}"), tmp_path, capsys)
    assert "  admitted at Pod Security level privileged\n" in output
    assert "    privileged: hostNetwork (pod.hostNetwork of the document or defaults)\n" in output


def test_check_lists_connections_to_the_namespace_of_a_named_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, output, _ = check(binding("exporter: {url: 'http://power.hpc:9123'}"), tmp_path, capsys)
    assert "  connects any pod of namespace hpc, for the Service that is named\n" in output


def test_check_lists_requirements_of_a_collector_inside_nodes_with_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, output, _ = check(nodes(), tmp_path, capsys)
    assert status == 0
    assert "PowerTarget power/lab: each node from inside, by rapl, cpu" in output
    assert "  admitted at Pod Security level privileged\n" in output
    assert "    privileged: hostPath /sys on /host/sys, read-only (rapl: " in output
    assert "    privileged: hostPath /proc on /host/proc, read-only (cpu: " in output
    assert "    baseline: uid 0 (rapl: energy_uj is readable only by root" in output
    assert "kubectl label namespace power pod-security.kubernetes.io/enforce=privileged" in output


def test_check_lists_what_the_ledger_of_energy_writes_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, output, _ = check(nodes().replace("cpu]", "cpu], units: {slurm: {}}"), tmp_path, capsys)
    state = "hostPath /var/lib/rackwatt/power/lab, writable"
    assert f"    privileged: {state} (energy.state: counters of energy go on when " in output
    assert "    baseline: uid 0 (energy.state: the directory of the counters belongs to " in output


def test_check_lists_what_auto_may_need(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = check(nodes("auto"), tmp_path, capsys)
    assert status == 0
    assert "PowerTarget power/lab: each node from inside, by auto" in output
    granted = {name: needs for name, needs in REQUIREMENTS.items() if not needs.privileged}
    for name, needs in granted.items():
        assert all(f"({name}: {reason})" in output for reason in needs.reasons.values())


@pytest.mark.parametrize(
    ("bmc", "expected"),
    [
        (
            "hosts: [{names: 'n[1-3]', addresses: '10.0.0.[1-2]'}]",
            "spec.bmc.hosts[0].addresses: 3 names but 2 addresses",
        ),
        ("hosts: [{names: n1}]", "spec.bmc.hosts[0].addresses: no address is given"),
        (
            "method: fake, hosts: [{names: 'n[1'}]",
            "spec.bmc.hosts[0].names: 'n[1': [ at character 2",
        ),
        (
            "method: fake, hosts: [{names: a}, {names: 'b,a'}]",
            "spec.bmc.hosts[1].names: node 'a' is already defined at spec.bmc.hosts[0]",
        ),
        (
            "method: redfish, hosts: [{names: 'n[1-2]', address: one-bmc}]",
            "spec.bmc.hosts[0]: one-bmc is already read, with the same settings, for node 'n1'",
        ),
        ("hosts: [{names: a, addresses: 'a b'}]", "'a b' is neither a host name nor an IP address"),
        ("method: fax, hosts: [{names: a}]", "spec.bmc.method: unknown value 'fax'"),
        (
            "hosts: [{names: a, addresses: a, method: redfish, preset: idrak}]",
            "spec.bmc.hosts[0].preset: unknown preset 'idrak' of method redfish; did you mean idrac?",
        ),
        (
            "preset: idrac, hosts: [{names: a, addresses: a}, {names: b, addresses: b}]",
            "spec.bmc.preset: unknown preset 'idrac' of method ipmi; this method has none",
        ),
        (
            "method: snmp, hosts: [{names: a, addresses: a}]",
            "spec.bmc.snmp.oids: method snmp needs oids, or one of the presets apc-rpdu,",
        ),
        (
            "ipmi: {dcmi: false}, hosts: [{names: a, addresses: a}]",
            "spec.bmc.ipmi.sensors: with dcmi false, sensors must name what to sum",
        ),
        (
            "hosts: [{names: a, addresses: a, staleAfter: 10s}]",
            "spec.bmc.hosts[0].staleAfter: 10s is shorter than the interval, 30s",
        ),
    ],
)
def test_check_reports_an_invalid_document_with_path_and_reason(
    bmc: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, errors = check(fleet(bmc=bmc), tmp_path, capsys)
    assert status == 1
    assert f"PowerTarget lab: {expected}" in errors or expected in errors


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("slurm: {rest: {url: 'http://', user: u, tokenSecretRef: {name: t, key: k}}}", "rest.url"),
        ("exporter: {url: 'http://a:0'}", "spec.exporter.url: 'http://a:0' is not a base URL"),
        (
            "noop: {states: [{names: a, state: idle}, {names: a, state: down}]}",
            "spec.noop.states[1].names: node 'a' already has the state idle",
        ),
    ],
)
def test_check_reports_an_invalid_binding_with_path_and_reason(
    spec: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, errors = check(binding(spec), tmp_path, capsys)
    assert status == 1
    assert expected in errors


def test_check_explains_what_a_binding_of_its_own_cluster_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, output, _ = check(binding("kubernetes: {}"), tmp_path, capsys)
    assert status == 0
    assert "reads    nodes and pods of its cluster, as ServiceAccount sb-prod: if rbac" in output
    assert "  connects TCP 6443\n" in output


def test_check_says_where_reports_of_jobs_are_accepted_and_by_which_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "tracing: {enabled: true, tokenSecretRef: {name: trace, key: token}}"
    status, output, doubts = check(binding(f"noop: {{}}, {token}"), tmp_path, capsys)
    assert (status, doubts) == (0, "")
    assert "  accepts  reports of jobs at http://sb-prod.power.svc:9123/trace\n" in output
    assert "  reads    Secret trace\n" in output
    off = check(binding("noop: {}, tracing: {path: /x}"), tmp_path, capsys)
    assert "accepts" not in off[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            binding("noop: {}, tracing: {enabled: true}"),
            "tracing.tokenSecretRef: without it, whatever reaches the Service may report any job",
        ),
        (fleet("schedulerRef: {name: prod}"), "no SchedulerBinding 'prod' of namespace power"),
        (
            fleet("schedulerRef: {name: prod}") + "---\n" + binding().replace("power", "other"),
            "no SchedulerBinding 'prod' of namespace power",
        ),
        (binding("slurm: {cli: {}}"), "slurm.cli: the collector's image would need"),
        (
            binding("slurm: {rest: {url: 'unix:/run/slurmrestd.sock'}}"),
            "slurm.rest.url: a pod has no socket of its host",
        ),
        (
            binding("htcondor: {ssh: {host: login}}"),
            "htcondor.ssh.keySecretRef: a pod has no key of its own",
        ),
        (binding("htcondor: {cli: {}}"), "htcondor.cli: the collector's image would need"),
        (binding("slurm: {ssh: {host: login}}"), "slurm.ssh.knownHostsSecretRef: a pod knows no"),
        (
            binding("gridengine: {ssh: {host: login}}"),
            "gridengine.ssh.keySecretRef: a pod has no key of its own",
        ),
        (binding("gridengine: {cli: {}}"), "gridengine.cli: the collector's image would need"),
        (binding("pbs: {ssh: {host: login}}"), "pbs.ssh.knownHostsSecretRef: a pod knows no host"),
        (
            fleet(bmc="method: ipmiSsh, hosts: [{names: a, addresses: a}]"),
            "ipmiSsh.keySecretRef: a pod has no key of its own",
        ),
        (
            fleet(
                bmc="method: snmp, snmp: {oids: [{oid: 'A-MIB::b.1'}]}, hosts: [{names: a, addresses: a}]"
            ),
            "snmp.oids: symbolic names need their MIBs",
        ),
        (
            fleet(bmc="method: snmp, preset: ilo, hosts: [{names: a, addresses: a}]"),
            "credentials: snmp needs a Secret, and none is named",
        ),
        (
            fleet(bmc="snmp: {version: '3'}, hosts: [{names: a, addresses: a}]"),
            "snmp: has no effect on targets with method ipmi; should `method` be snmp?",
        ),
        (
            fleet(
                bmc="method: redfish, hosts: [{names: a, addresses: a}, {names: b, addresses: b, "
                "snmp: {port: 1161}}]"
            ),
            "snmp: has no effect on targets with method redfish; should `method` be snmp?",
        ),
        (
            fleet("monitoring: {serviceMonitor: {jobLabel: team}}"),
            "monitoring.serviceMonitor.jobLabel: the Service has no label 'team', only app.kub",
        ),
        (
            fleet("monitoring: {serviceMonitor: {targetLabels: [app.kubernetes.io/name, team]}}"),
            "monitoring.serviceMonitor.targetLabels: the Service has no label 'team'",
        ),
        (
            fleet("monitoring: {serviceMonitor: {podTargetLabels: [team]}}"),
            "monitoring.serviceMonitor.podTargetLabels: the pods have no label 'team'",
        ),
        (
            fleet() + "---\n" + fleet(name="other"),
            "PowerTarget other: 1 node, first n1, also of",
        ),
    ],
)
def test_check_warns_of_what_may_not_work_in_a_cluster(
    text: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, counted, doubts = check(text, tmp_path, capsys)
    assert status == 0
    assert expected in doubts
    assert " 0 problems" in counted
    assert " 0 warnings" not in counted


def test_check_does_not_warn_of_a_binding_beside_its_fleet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = fleet("schedulerRef: {name: prod}") + "---\n" + binding()
    assert check(text, tmp_path, capsys)[2] == ""


@pytest.mark.parametrize(("nodes_of_an_entry", "warned"), [(10, False), (60, True)])
def test_check_warns_of_a_document_too_large_for_client_side_apply(
    nodes_of_an_entry: int, warned: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        ",".join(f"n{entry}x{number}" for number in range(nodes_of_an_entry))
        for entry in range(1000)
    ]
    hosts = ", ".join(f"{{names: '{names}'}}" for names in entries)
    status, _, doubts = check(fleet(bmc=f"method: fake, hosts: [{hosts}]"), tmp_path, capsys)
    assert status == 0
    assert ("kubectl apply --server-side" in doubts) is warned


def test_check_reports_all_mistakes_and_an_inherited_one_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = fleet(
        "zzq: 1",
        "method: snmp, preset: nonesuch, hosts: [{names: 'n[1', address: a}, "
        "{names: b, adress: b}, {names: c, address: '10.0.0.300', retries: x}, {names: d}]",
    )
    status, counted, errors = check(text, tmp_path, capsys)
    assert status == 1
    paths = [line.split(": ")[0].removeprefix("PowerTarget lab: ") for line in errors.splitlines()]
    assert len(paths) == len(set(errors.splitlines())) == 7
    assert errors.count("unknown preset 'nonesuch' of method snmp") == 1
    for path in (
        "spec.zzq",
        "spec.bmc.preset",
        "spec.bmc.hosts[0].names",
        "spec.bmc.hosts[1].adress",
        "spec.bmc.hosts[2].address",
        "spec.bmc.hosts[2].retries",
        "spec.bmc.hosts[3].addresses",
    ):
        assert f"PowerTarget lab: {path}: " in errors
    assert counted.endswith("1 document, 7 problems, 0 warnings\n")


def test_check_notes_foreign_resources_and_exits_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: bmc}\nstringData: {password: hunter2}\n"
    )
    status, counted, notes = check(f"{secret}---\n{fleet()}---\n{secret}", tmp_path, capsys)
    assert status == 0
    assert notes == "note: Secret bmc of v1 is not a Rackwatt resource: skipped, and 1 more\n"
    assert counted.endswith("\n1 document, 0 problems, 0 warnings\n")
    assert check("# nothing\n", tmp_path, capsys) == (
        0,
        "0 documents, 0 problems, 0 warnings\n",
        f"note: {tmp_path}/d.yaml is empty: it has no document\n".replace(
            f"{tmp_path}/d.yaml ", ""
        ),
    )
