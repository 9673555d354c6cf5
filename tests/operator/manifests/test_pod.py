import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.document import Metadata, SchedulerBinding
from rackwatt_crds.endpoints import Endpoint, Url
from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_crds.kinds import METHODS, ProviderKind
from rackwatt_crds.node.requirements import REQUIREMENTS
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.schedulers.commands import Ssh
from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_operator.manifests import egress, naming
from rackwatt_operator.manifests.defaults import Defaults, defaults
from rackwatt_operator.manifests.egress import namespaces
from tests.operator.manifests.builders import (
    Manifest,
    binding,
    container,
    fleet,
    nodes,
    of_kind,
    only,
    planned,
    pods,
)


def over(text: str) -> Defaults:
    parsed, problems = defaults(text)
    assert parsed is not None, problems
    return parsed


def pod_spec(text: str, given: str = "{}") -> Manifest:
    (pod,) = pods(planned(text, over(given)))
    spec: Manifest = pod["spec"]
    return spec


def arguments(text: str) -> list[list[str]]:
    return [container(pod)["args"] for pod in pods(planned(text))]


def test_shard_flags_are_set_for_several_shards_and_not_for_one() -> None:
    shards = arguments(fleet(bmc="method: fake, shards: 3, hosts: [{names: a}]"))
    assert [one[-1] for one in shards] == ["--shard=1/3", "--shard=2/3", "--shard=3/3"]
    (alone,) = arguments(fleet())
    assert not [word for word in alone if "shard" in word]


def test_shards_are_spread_over_nodes_and_a_single_one_is_not_constrained() -> None:
    made = planned(fleet(bmc="method: fake, shards: 3, hosts: [{names: a}]"))
    for pod in pods(made):
        (apart,) = pod["spec"]["topologySpreadConstraints"]
        wanted = apart["labelSelector"]["matchLabels"].items()
        assert all(wanted <= other["metadata"]["labels"].items() for other in pods(made))
        assert apart["whenUnsatisfiable"] == "ScheduleAnyway"
    for text in (fleet(), nodes(), binding()):
        assert "topologySpreadConstraints" not in pod_spec(text)


def test_a_collector_finds_the_kernels_files_where_they_are_mounted() -> None:
    (both,), (one,) = arguments(nodes()), arguments(nodes("cpu"))
    assert both[-3:] == [
        "--node.name=$(NODE_NAME)", "--path.sysfs=/host/sys", "--path.procfs=/host/proc",
    ]  # fmt: skip
    assert one[-2:] == ["--node.name=$(NODE_NAME)", "--path.procfs=/host/proc"]


def test_a_startup_probe_runs_every_second_and_allows_a_slow_start() -> None:
    for pod in pods(planned(fleet())) + pods(planned(nodes())):
        start, alive = container(pod)["startupProbe"], container(pod)["livenessProbe"]
        assert start["periodSeconds"] == 1
        assert start["failureThreshold"] > alive["failureThreshold"] * alive["periodSeconds"]


def test_collectors_inside_nodes_get_what_they_need_and_nothing_else() -> None:
    rapl, cpu = pod_spec(nodes("rapl")), pod_spec(nodes("cpu"))
    paths = [
        {volume["hostPath"]["path"] for volume in one["volumes"] if "hostPath" in volume}
        for one in (rapl, cpu)
    ]
    assert paths == [{"/sys"}, {"/proc"}]
    assert rapl["securityContext"]["runAsUser"] == 0
    assert cpu["securityContext"]["runAsNonRoot"] is True
    for one in (rapl, cpu):
        (inside,) = one["containers"]
        assert inside["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        mounts = [m for m in inside["volumeMounts"] if m["name"].startswith("host-")]
        assert all(mount["readOnly"] for mount in mounts)


@pytest.mark.parametrize("text", [nodes("auto"), nodes().replace("collectors: [rapl, cpu]", "")])
def test_auto_gets_what_any_collector_needs_short_of_a_privileged_container(text: str) -> None:
    pod = pod_spec(text)
    granted = [needs for needs in REQUIREMENTS.values() if not needs.privileged]
    needed = {path for needs in granted for path in needs.host_paths}
    assert needed == {one["hostPath"]["path"] for one in pod["volumes"] if "hostPath" in one}
    assert pod["securityContext"]["runAsUser"] == 0
    (inside,) = pod["containers"]
    added = set(inside["securityContext"]["capabilities"].get("add", ()))
    assert added == {one for needs in granted for one in needs.capabilities}
    assert "privileged" not in inside["securityContext"]


@pytest.mark.parametrize("manager", ["slurm", "pbs", "gridengine"])
def test_control_groups_are_seen_without_root(manager: str) -> None:
    (template,) = pods(planned(nodes("cpu").replace("[cpu]", f"[cpu], units: {{{manager}: {{}}}}")))
    pod = template["spec"]
    paths = {one["hostPath"]["path"] for one in pod["volumes"] if "hostPath" in one}
    assert paths == {"/proc", "/sys"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert not pod.get("hostPID")
    arguments = container(template)["args"]
    assert {"--path.sysfs=/host/sys", "--path.procfs=/host/proc"} <= set(arguments)
    assert not [one for one in arguments if one.startswith("--path.rootfs")]


@pytest.mark.parametrize(
    ("manager", "named_by"),
    [("libvirt", {"/run/libvirt", "/etc/libvirt"}), ("kubernetes", {"/var/log/pods"})],
)
def test_domains_and_pods_are_named_by_files_that_root_reads(
    manager: str, named_by: set[str]
) -> None:
    (template,) = pods(planned(nodes("cpu").replace("[cpu]", f"[cpu], units: {{{manager}: {{}}}}")))
    pod = template["spec"]
    paths = {one["hostPath"]["path"] for one in pod["volumes"] if "hostPath" in one}
    assert paths == {"/proc", "/sys", *named_by}
    assert pod["securityContext"]["runAsUser"] == 0
    assert container(template)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "--path.rootfs=/host/root" in container(template)["args"]


@pytest.mark.parametrize(
    "node",
    [
        "collectors: [rapl], units: {slurm: {}}",
        "collectors: [cray], units: {slurm: {}}",
        "units: {slurm: {}}",
        "collectors: [rapl], energy: {}",
    ],
)
def test_a_ledger_of_energy_is_kept_on_the_node_by_root(node: str) -> None:
    (template,) = pods(planned(nodes().replace("collectors: [rapl, cpu]", node)))
    path = {"path": "/var/lib/rackwatt/power/lab", "type": "DirectoryOrCreate"}
    assert {"name": "state", "hostPath": path} in template["spec"]["volumes"]
    assert {"name": "state", "mountPath": "/var/lib/rackwatt"} in container(template)[
        "volumeMounts"
    ]
    assert template["spec"]["securityContext"]["runAsUser"] == 0
    assert container(template)["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("node", ["collectors: [cpu], units: {slurm: {}}", "collectors: [rapl]"])
def test_what_has_no_ledger_of_energy_writes_nothing_to_the_node(node: str) -> None:
    (template,) = pods(planned(nodes().replace("collectors: [rapl, cpu]", node)))
    assert {"name": "state", "emptyDir": {}} in template["spec"]["volumes"]


def test_ledgers_of_two_documents_are_apart_on_a_node() -> None:
    text = nodes().replace("[rapl, cpu]", "[rapl], units: {slurm: {}}")
    others = (text.replace("name: lab", "name: lab2"), text.replace("power", "power2"))
    states = [
        volume["hostPath"]["path"]
        for one in (text, *others)
        for volume in pod_spec(one)["volumes"]
        if volume["name"] == "state"
    ]
    assert states == [
        f"/var/lib/rackwatt/{one}" for one in ("power/lab", "power/lab2", "power2/lab")
    ]


def test_a_collector_of_gpus_has_the_variables_of_its_runtime_and_no_privilege() -> None:
    (template,) = pods(planned(nodes("nvidia", "pod: {runtimeClassName: nvidia}")))
    pod = template["spec"]
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["securityContext"]["runAsNonRoot"] is True
    variables = container(template)["env"]
    assert {one["name"]: one.get("value") for one in variables} == {
        "NODE_NAME": None,
        "NVIDIA_VISIBLE_DEVICES": "all",
        "NVIDIA_DRIVER_CAPABILITIES": "utility",
    }
    (template,) = pods(planned(nodes("cpu")))
    assert [one["name"] for one in container(template)["env"]] == ["NODE_NAME"]


def test_a_collector_that_opens_devices_gets_a_privileged_container() -> None:
    spec = pod_spec(nodes("ipmi"))
    (inside,) = spec["containers"]
    assert inside["securityContext"] == {"privileged": True, "readOnlyRootFilesystem": True}
    assert spec["securityContext"]["runAsUser"] == 0
    assert {"name": "host-dev", "hostPath": {"path": "/dev", "type": "Directory"}} in spec[
        "volumes"
    ]
    assert "--path.devfs=/host/dev" in inside["args"]


def test_who_holds_a_gpu_takes_the_processes_of_all_users_where_gpus_are_named() -> None:
    def pod(collectors: str, units: str) -> Manifest:
        text = nodes(collectors)
        (template,) = pods(planned(text.replace("]}", f"], units: {{{units}}}}}")))
        return template

    granted = pod("nvidia", "slurm: {}")
    assert granted["spec"]["hostPID"] is True
    assert granted["spec"]["securityContext"]["runAsUser"] == 0
    assert container(granted)["securityContext"]["capabilities"]["add"] == ["SYS_PTRACE"]
    for other in (pod("nvidia", "libvirt: {}"), pod("cpu", "slurm: {}"), pod("auto", "slurm: {}")):
        assert "hostPID" not in other["spec"]


REDFISH = "redfish: {{{}credentials: {{secretRef: {{name: bmc}}}}}}"


def test_a_bmc_of_a_node_that_is_named_needs_a_secret_and_its_port_and_no_privilege() -> None:
    text = nodes("redfish").replace(
        "node: {", "node: {" + REDFISH.format("hostname: '{hostname}-bmc', ") + ", "
    )
    spec = pod_spec(text)
    (inside,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert "privileged" not in inside["securityContext"]
    assert not [volume for volume in spec["volumes"] if "hostPath" in volume]
    assert "bmc" in [v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v]
    (rule,) = allowed(text)
    assert [port["port"] for port in rule["ports"]] == [443]


def test_a_bmc_of_a_node_whose_address_is_read_over_ipmi_needs_a_privileged_container() -> None:
    text = nodes("redfish").replace("node: {", "node: {" + REDFISH.format("") + ", ")
    (inside,) = pod_spec(text)["containers"]
    assert inside["securityContext"]["privileged"] is True
    (inside,) = pod_spec(text.replace("redfish]", "auto]"))["containers"]
    assert "privileged" not in inside["securityContext"]


def test_a_proxy_of_bmcs_is_what_pods_connect_to() -> None:
    proxy = "hostname: b, externalURL: 'http://proxy.ns.svc:5000', "
    text = nodes("redfish").replace("node: {", "node: {" + REDFISH.format(proxy) + ", ")
    named, within_cluster = allowed(text)
    assert [port["port"] for port in named["ports"]] == [5000]
    assert within_cluster == {"to": [within("ns")]}


def test_a_document_grants_the_variables_of_jobs_and_the_directories_of_a_prolog() -> None:
    def pod(units: str) -> Manifest:
        (template,) = pods(planned(nodes("cpu").replace("[cpu]", f"[cpu], units: {{{units}}}")))
        return template

    plain, reads = pod("slurm: {}"), pod("slurm: {environment: true}")
    assert (plain["spec"].get("hostPID"), reads["spec"].get("hostPID")) == (None, True)
    assert container(reads)["securityContext"]["capabilities"]["add"] == ["SYS_PTRACE"]
    files = pod(
        "slurm: {propertiesDirectory: /run/slurmjobprops, gpuMapDirectory: /Run/gpu_map, "
        "gresConf: /etc/slurm/gres.conf}"
    )
    mounts = {one["mountPath"]: one["name"] for one in container(files)["volumeMounts"]}
    assert mounts["/host/root/run/slurmjobprops"] == "host-run-slurmjobprops"
    assert "/host/root/etc/slurm/gres.conf" in mounts
    assert "/host/root/etc/slurm/gres.conf" not in {
        one["mountPath"] for one in container(plain)["volumeMounts"]
    }
    assert re.fullmatch("host-[a-z2-7]{20}", mounts["/host/root/Run/gpu_map"])
    assert "--path.rootfs=/host/root" in container(files)["args"]
    assert "add" not in container(files)["securityContext"]["capabilities"]


def test_profiling_grants_the_processes_of_the_node_and_variables_only_where_they_are_named() -> (
    None
):
    def pod(profiling: str) -> Manifest:
        more = f"[cpu], units: {{slurm: {{}}}}, profiling: {{{profiling}}}"
        (template,) = pods(planned(nodes("cpu").replace("[cpu]", more)))
        return template

    every, named = pod(""), pod("environmentVariables: [PROFILE]")
    assert every["spec"]["hostPID"] is named["spec"]["hostPID"] is True
    assert "add" not in container(every)["securityContext"]["capabilities"]
    assert container(named)["securityContext"]["capabilities"]["add"] == ["SYS_PTRACE"]


def test_host_paths_have_volumes_of_different_names() -> None:
    paths = {path for needs in REQUIREMENTS.values() for path in needs.host_paths}
    assert len({naming.host_volume(path) for path in paths}) == len(paths)


def test_pod_templates_do_not_depend_on_the_content_of_a_document() -> None:
    before = pods(planned(fleet(bmc="method: fake, hosts: [{names: a}]")))
    after = pods(planned(fleet("interval: 1m", "method: fake, hosts: [{names: 'a[1-9]'}]")))
    assert before == after


def test_pod_settings_of_a_document_override_defaults_and_merge_objects() -> None:
    given = (
        "{pod: {resources: {requests: {cpu: 5m}, limits: {memory: 1Gi}}, nodeSelector: {a: b}},"
        " nodePod: {resources: {limits: {memory: 2Gi}}}}"
    )
    merged = pod_spec(fleet("pod: {resources: {requests: {cpu: 7m}}, nodeSelector: {c: d}}"), given)
    assert merged["containers"][0]["resources"] == {
        "requests": {"cpu": "7m", "memory": "64Mi"},
        "limits": {"memory": "1Gi"},
    }
    assert merged["nodeSelector"] == {"a": "b", "c": "d", "kubernetes.io/os": "linux"}
    inside = pod_spec(nodes(), given)
    assert inside["containers"][0]["resources"]["limits"] == {"memory": "2Gi"}


def test_tolerations_are_removed_by_an_empty_list() -> None:
    assert pod_spec(nodes())["tolerations"] == [
        {"operator": "Exists", "effect": effect} for effect in ("NoSchedule", "NoExecute")
    ]
    assert "tolerations" not in pod_spec(nodes(spec="pod: {tolerations: []}"))


SECCOMP = {"seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize("text", [fleet(), nodes("cpu"), binding()], ids=["bmc", "cpu", "binding"])
def test_pod_security_contexts_request_no_uid_unless_needed(text: str) -> None:
    assert pod_spec(text)["securityContext"] == {"runAsNonRoot": True} | SECCOMP


def test_secret_volumes_are_readable_by_any_user_of_the_container() -> None:
    made = pod_spec(
        fleet(bmc="credentials: {secretRef: {name: s}}, hosts: [{names: a, addresses: b}]")
    )
    (secret,) = [volume["secret"] for volume in made["volumes"] if "secret" in volume]
    assert secret["defaultMode"] == 0o444


def test_pod_ids_come_from_the_document_then_the_defaults_and_are_root_where_needed() -> None:
    given = "{pod: {securityContext: {runAsUser: 7, fsGroup: 8}}}"
    spec = "pod: {securityContext: {runAsUser: 9, seLinuxOptions: {level: 's0:c1,c2'}}}"
    ids = {"runAsUser": 9, "fsGroup": 8, "seLinuxOptions": {"level": "s0:c1,c2"}}
    assert pod_spec(fleet(spec), given)["securityContext"] == {"runAsNonRoot": True} | ids | SECCOMP
    root = ids | {"runAsUser": 0, "runAsGroup": 0}
    assert pod_spec(nodes("rapl", spec), given)["securityContext"] == root | SECCOMP


def test_pod_dns_settings_are_those_of_the_document() -> None:
    spec = (
        "pod:\n"
        "  hostAliases: [{ip: 10.0.0.1, hostnames: [n1-bmc, n1-bmc.example]}]\n"
        "  dnsConfig: {nameservers: [10.0.0.53], searches: [bmc.example], "
        "options: [{name: ndots, value: '2'}, {name: rotate}]}\n"
        "  dnsPolicy: None"
    )
    made = pod_spec(fleet(spec))
    assert made["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": ["n1-bmc", "n1-bmc.example"]}]
    assert made["dnsConfig"] == {
        "nameservers": ["10.0.0.53"],
        "searches": ["bmc.example"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
    }
    assert made["dnsPolicy"] == "None"
    assert "hostNetwork" not in made


@pytest.mark.parametrize(
    ("dns", "policy"),
    [("", "ClusterFirstWithHostNet"), (", dnsPolicy: Default", "Default")],
)
def test_host_network_pods_use_cluster_dns_unless_configured_otherwise(
    dns: str, policy: str
) -> None:
    for text in (fleet, nodes):
        made = pod_spec(text(spec=f"pod: {{hostNetwork: true{dns}}}"))
        assert (made["hostNetwork"], made["dnsPolicy"]) == (True, policy)
    given = "{pod: {hostNetwork: true}}"
    assert "hostNetwork" not in pod_spec(fleet("pod: {hostNetwork: false}"), given)


def test_service_monitors_have_the_settings_of_the_document() -> None:
    settings = {
        "sampleLimit": 50000,
        "targetLimit": 10,
        "targetLabels": ["app.kubernetes.io/component"],
        "podTargetLabels": ["team"],
        "scrapeClass": "mesh",
        "jobLabel": "app.kubernetes.io/name",
    }
    whole = settings | {"honorLabels": False, "annotations": {"a.example/b": "c"}}
    made = only(planned(fleet(f"monitoring: {{serviceMonitor: {whole}}}")), "ServiceMonitor")
    (endpoint,) = made["spec"]["endpoints"]
    assert {key: made["spec"].get(key) for key in settings} == settings
    assert endpoint["honorLabels"] is False
    assert made["metadata"]["annotations"] == {"a.example/b": "c"}
    plain = only(planned(fleet()), "ServiceMonitor")
    assert set(plain["spec"]) == {"selector", "endpoints"}
    assert plain["spec"]["endpoints"][0]["honorLabels"] is True


def test_pod_labels_of_a_document_never_override_the_operators() -> None:
    (pod,) = pods(planned(fleet("pod: {labels: {app.kubernetes.io/instance: mine, x: y}}")))
    assert pod["metadata"]["labels"]["app.kubernetes.io/instance"] == "pt-lab"
    assert pod["metadata"]["labels"]["x"] == "y"


@pytest.mark.parametrize(
    ("interval", "timeout", "cut"),
    [("10s", "30s", "10s"), ("1m", "30s", "30s"), ("", "30s", "30s")],
)
def test_scrape_timeouts_are_cut_to_the_interval(interval: str, timeout: str, cut: str) -> None:
    setting = f"interval: {interval}" if interval else ""
    text = fleet(f"monitoring: {{serviceMonitor: {{{setting}}}}}")
    given = over(f"{{monitoring: {{serviceMonitor: {{scrapeTimeout: {timeout}}}}}}}")
    (endpoint,) = only(planned(text, given), "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["scrapeTimeout"] == cut


def test_service_monitors_of_nodes_use_the_node_as_instance() -> None:
    text = nodes(
        spec="monitoring: {serviceMonitor: {relabelings: [{targetLabel: x, replacement: y}]}}"
    )
    (endpoint,) = only(planned(text), "ServiceMonitor")["spec"]["endpoints"]
    first, second = endpoint["relabelings"]
    assert (first["sourceLabels"], first["targetLabel"]) == (
        ["__meta_kubernetes_pod_node_name"], "instance",
    )  # fmt: skip
    assert second == {"targetLabel": "x", "replacement": "y"}


def allowed(text: str) -> list[Manifest]:
    rules: list[Manifest] = of_kind(planned(text), "NetworkPolicy")[0]["spec"]["egress"]
    return rules[1:]  # the first is DNS


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        (fleet(bmc="hosts: [{names: a, addresses: b}]"), {("UDP", 623)}),
        (
            fleet(bmc="ipmi: {port: 1}, hosts: [{names: a, addresses: b}, {names: c, addresses: d, "
                  "ipmi: {port: 2}}, {names: e, addresses: f, method: redfish}]"),
            {("UDP", 1), ("UDP", 2), ("TCP", 443)},
        ),
        (
            fleet(bmc="method: ipmiSsh, hosts: [{names: a, addresses: b}, {names: c, addresses: d, "
                  "method: snmp}, {names: e, method: fake}]"),
            {("TCP", 22), ("UDP", 161)},
        ),
        (fleet(), set()),
        (nodes(), set()),
        (binding("exporter: {url: 'https://far.hpc.example.org'}"), {("TCP", 443)}),
        (binding("slurm: {ssh: {host: far.hpc.example.org, port: 2222}}"), {("TCP", 2222)}),
        (binding("slurm: {cli: {}}"), {("TCP", 6817)}),
        (binding("gridengine: {ssh: {host: far.hpc.example.org}}"), {("TCP", 22)}),
        (binding("gridengine: {cli: {}}"), {("TCP", 6444)}),
        (binding("pbs: {ssh: {host: far.hpc.example.org, port: 2222}}"), {("TCP", 2222)}),
        (binding("pbs: {cli: {}}"), {("TCP", 15001)}),
        (
            binding("openstack: {authURL: 'https://k.cloud.example.org/identity/v3', "
                    "applicationCredential: {secretRef: {name: a}}}"),
            {("TCP", 443), ("TCP", 8774), ("TCP", 8778), ("TCP", 6385)},
        ),
        (
            binding("openstack: {authURL: 'http://k.cloud.example.org:5000', "
                    "applicationCredential: {secretRef: {name: a}}, endpoints: {compute: "
                    "'https://n.cloud.example.org', baremetal: 'http://i.cloud.example.org:80'}}"),
            {("TCP", 5000), ("TCP", 443), ("TCP", 8778), ("TCP", 80)},
        ),
        (binding("htcondor: {ssh: {host: far.hpc.example.org}}"), {("TCP", 22)}),
        (binding("htcondor: {cli: {}}"), {("TCP", 9618)}),
        (binding("lsf: {ssh: {host: far.hpc.example.org}}"), {("TCP", 22)}),
        (binding("lsf: {cli: {}}"), {("TCP", 7869), ("UDP", 7869), ("TCP", 6881)}),
        (binding("flux: {ssh: {host: far.hpc.example.org}}"), {("TCP", 22)}),
        (binding("flux: {cli: {}}"), set()),
    ],
)  # fmt: skip
def test_egress_allows_what_the_document_needs(text: str, ports: set[tuple[str, int]]) -> None:
    rules = allowed(text)
    allowed_ports = {(port["protocol"], port["port"]) for rule in rules for port in rule["ports"]}
    assert allowed_ports == ports


@pytest.mark.parametrize("method", METHODS)
def test_egress_allows_each_method_its_own_port_and_no_other(method: str) -> None:
    rules = allowed(fleet(bmc=f"method: {method}, hosts: [{{names: a, addresses: b}}]"))
    endpoints = [Endpoint("", port["port"], port["protocol"]) for r in rules for port in r["ports"]]
    assert endpoints == [end for end in (METHODS[method].endpoint,) if end is not None]


def test_egress_allows_a_grid_provider_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = [Url("url", "https://carbon.example"), Url("url", "http://own.ns.svc:8080")]
    kind = ProviderKind("static", StaticIntensity, lambda _: urls)
    monkeypatch.setattr(egress, "PROVIDERS", {"static": kind})
    zone = "grid: {zone: FR, static: {gramsPerKilowattHour: 56}}"
    text = fleet().replace("bmc: {method: fake, hosts: [{names: n1}]}", zone)
    named, within_cluster = allowed(text)
    assert [port["port"] for port in named["ports"]] == [443, 8080]
    assert within_cluster == {"to": [within("ns")]}


def test_a_collector_finds_every_path_of_the_node_where_it_is_mounted() -> None:
    (words,) = arguments(nodes(", ".join(REQUIREMENTS)))
    mounts = {path for needs in REQUIREMENTS.values() for path in needs.host_paths.values()}
    flags = [argument for argument in words if argument.startswith("--path.")]
    assert {flag.partition("=")[2] for flag in flags} == mounts


OWN: Manifest = {"podSelector": {}}


def within(namespace: str) -> Manifest:
    """Select the pods of a namespace."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


def peers(text: str) -> list[Manifest]:
    return [peer for rule in allowed(text) for peer in rule.get("to", ())]


def elsewhere(host: str) -> str:
    return binding(f"exporter: {{url: 'http://{host}:9123/path'}}")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (elsewhere("power"), [OWN]),
        (elsewhere("power.power"), [OWN]),
        (elsewhere("power.ns"), [within("ns")]),
        (elsewhere("Power.NS"), [within("ns")]),
        (elsewhere("power.ns.svc"), [within("ns")]),
        (elsewhere("power.ns.svc.cluster.local"), [within("ns")]),
        (elsewhere("power.ns.svc.corp.example."), [within("ns")]),
        (elsewhere("pod-0.power.ns"), [within("ns")]),
        (elsewhere("pod-0.power.ns.svc.cluster.local"), [within("ns")]),
        (elsewhere("svc.ns"), [within("ns")]),
        (elsewhere("slurm.hpc.example.org"), []),
        (elsewhere("slurm.example."), []),
        (elsewhere("10.0.0.1"), []),
        (elsewhere("10.1"), []),
        (elsewhere("[fd00::1]"), []),
        (elsewhere("[fd00::1%25eth0]"), []),
        (binding("slurm: {ssh: {host: login.ns.svc.cluster.local}}"), [within("ns")]),
        (binding("slurm: {ssh: {host: login.slurm}}"), [within("slurm")]),
        (
            binding(
                "slurm: {rest: {url: 'http://slurmrestd.slurm:6820', "
                "tokenSecretRef: {name: t, key: k}}}"
            ),
            [within("slurm")],
        ),
        (fleet(bmc="hosts: [{names: a, address: '{name}.sim.svc'}]"), [within("sim")]),
        (fleet(bmc="hosts: [{names: 'a,b', addresses: 'x.s1.svc,y.s2.svc'}]"),
         [within("s1"), within("s2")]),
        (fleet(bmc="hosts: [{names: 'n[1,2]', addresses: 'x[1,2].sim.svc.cluster.local'}]"),
         [within("sim")]),
        (fleet(bmc="hosts: [{names: a, address: '{name}-bmc'}]"), []),
        (fleet(bmc="hosts: [{names: a, address: '{name}.bmc'}]"), []),
    ],
)  # fmt: skip
def test_egress_to_a_service_allows_every_port_of_pods_in_its_namespace(
    text: str, named: list[Manifest]
) -> None:
    assert peers(text) == named
    assert all("ports" not in rule for rule in allowed(text) if "to" in rule)


@given(st.text(st.characters(codec="utf-8", exclude_characters="'{}"), max_size=40))
def test_egress_never_opens_all_namespaces_or_selects_by_an_invalid_label(host: str) -> None:
    spec = Ssh(host=host or "x")
    document = SchedulerBinding(
        metadata=Metadata(name="prod", namespace="power"),
        spec=SchedulerBindingSpec(cluster="c", slurm=Slurm(ssh=spec)),
    )
    for namespace in namespaces(document, "power"):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", namespace)


def test_egress_allows_collectors_of_a_fleet_the_collector_of_its_binding() -> None:
    text = fleet("schedulerRef: {name: prod}") + "---\n" + binding()
    (rule,) = allowed(text)
    (peer,) = rule["to"]
    (pod,) = pods(planned(binding()))
    assert peer["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert rule["ports"] == [{"protocol": "TCP", "port": 9123}]
