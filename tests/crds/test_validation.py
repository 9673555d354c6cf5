from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.document import Document
from rackwatt_crds.endpoints import parse_url
from rackwatt_crds.loading import parse_document
from rackwatt_crds.quoting import shown
from rackwatt_crds.validation import semantic_problems
from rackwatt_exporter.config.fleet import resolve_fleet


def document(kind: str, spec: dict[str, Any]) -> Document:
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "lab"},
        "spec": spec,
    }
    loaded = parse_document(raw, "test")
    assert loaded.document is not None, loaded.problems
    return loaded.document


def problems_of(kind: str, spec: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in semantic_problems(document(kind, spec))]


def fleet(*hosts: dict[str, Any], **access: Any) -> list[str]:
    return problems_of("PowerTarget", {"bmc": {**access, "hosts": list(hosts)}})


def test_a_fleet_whose_names_have_addresses_has_no_problem() -> None:
    hosts = {"names": "n[1-3]", "addresses": "10.0.0.[1-3]"}, {"names": "a", "address": "{name}-b"}
    assert fleet(*hosts) == []
    assert fleet({"names": "n[1-3]"}, method="fake") == []


def test_lists_of_unequal_length_are_reported_with_both_lengths() -> None:
    host = {"names": "n[1-3]", "addresses": "10.0.0.[1-2]"}
    assert fleet(host) == ["spec.bmc.hosts[0].addresses: 3 names but 2 addresses"]


def test_an_address_with_credentials_is_a_problem_that_does_not_repeat_them() -> None:
    (problem,) = fleet({"names": "a", "address": "admin:hunter2@10.0.0.1"})
    assert problem.startswith("spec.bmc.hosts[0].address: an address must not contain a user name")
    assert "hunter2" not in problem


def test_a_node_named_twice_is_reported_with_both_places() -> None:
    (within,) = fleet({"names": "a,b,a"}, method="fake")
    assert within == "spec.bmc.hosts[0].names: node 'a' is listed twice"
    (across,) = fleet({"names": "a"}, {"names": "b,a"}, method="fake")
    assert across == "spec.bmc.hosts[1].names: node 'a' is already defined at spec.bmc.hosts[0]"


ONE_BMC = {"names": "n[1-3]", "address": "bmc"}
READ_TWICE = "bmc is already read, with the same settings, for node 'n1'"


@pytest.mark.parametrize(
    ("hosts", "access", "expected"),
    [
        ([ONE_BMC], {"method": "redfish"}, ["[0]"]),
        ([ONE_BMC], {}, ["[0]"]),
        ([ONE_BMC], {"method": "fake"}, []),
        ([ONE_BMC], {"method": "redfish", "redfish": {"chassis": "{name}"}}, []),
        ([ONE_BMC], {"method": "redfish", "redfish": {"sensors": ["PSU{index}"]}}, []),
        ([ONE_BMC], {"method": "redfish", "redfish": {"chassis": "1"}}, ["[0]"]),
        (
            [{"names": "n1", "address": "bmc"}, {"names": "n2", "addresses": "bmc"}],
            {"method": "redfish"},
            ["[1]"],
        ),
        (
            [
                {"names": "n1", "address": "bmc"},
                {"names": "n2", "address": "bmc", "redfish": {"port": 443}},
                {"names": "n3", "address": "bmc", "redfish": {"port": 8443}},
                {"names": "n4", "address": "bmc", "method": "ipmi"},
                {"names": "n5", "address": "bmc", "credentials": {"secretRef": {"name": "b"}}},
            ],
            {"method": "redfish"},
            ["[1]"],
        ),
    ],
)
def test_both_programs_say_the_same_of_nodes_that_are_read_from_one_bmc(
    hosts: list[Any], access: dict[str, Any], expected: list[str]
) -> None:
    expected = [f"spec.bmc.hosts{index}: {READ_TWICE}" for index in expected]
    assert fleet(*hosts, **access) == expected
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "metadata": {"name": "lab"},
        "spec": {"bmc": {**access, "hosts": hosts}},
    }
    problems = resolve_fleet([parse_document(raw, "x")]).problems
    assert list(problems) == [f"x PowerTarget lab: {line}" for line in expected]


X = "1.3.6.1.4.1.9.1"


@pytest.mark.parametrize(
    "oids",
    [
        [{"oid": X}, {"oid": f".{X}"}],
        [{"oid": X}, {"oid": X, "scale": 10}],
        [{"oid": X, "where": {"oid": X}}, {"oid": f".{X}", "where": {"oid": f".{X}"}}],
        [{"oid": "PDU-MIB::load.1"}, {"oid": "PDU-MIB::load.1"}],
    ],
)
def test_an_object_that_is_summed_twice_is_a_problem_of_its_entry(oids: list[Any]) -> None:
    host = {"names": "a", "address": "b"}
    (above,) = fleet(host, method="snmp", snmp={"oids": oids})
    assert above.startswith("spec.bmc.snmp.oids[1]: ")
    assert above.endswith("is already summed by oids[0]")
    (within,) = fleet({**host, "method": "snmp", "snmp": {"oids": oids}})
    assert within.startswith("spec.bmc.hosts[0].snmp.oids[1]: ")


def test_rows_of_one_column_by_two_texts_are_no_problem() -> None:
    rows = [{"oid": X, "where": {"oid": f"{X}0", "equals": text}} for text in ("A", "B")]
    host = {"names": "a", "address": "b", "snmp": {"oids": [*rows, {"oid": f"{X}.1"}]}}
    assert fleet(host, method="snmp") == []


@pytest.mark.parametrize("method", ["ipmi", "ipmiSsh", "redfish"])
def test_a_sensor_that_is_named_twice_is_refused_with_its_path(method: str) -> None:
    bmc = {"hosts": [{"names": "a", "address": "b"}], method: {"sensors": ["A", "B", "A"]}}
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "metadata": {"name": "lab"},
        "spec": {"bmc": bmc},
    }
    (problem,) = parse_document(raw, "test").problems
    assert str(problem) == f"spec.bmc.{method}.sensors: sensors must be unique, found 'A' twice"


def test_a_broken_entry_is_reported_once_by_its_model_and_not_here() -> None:
    assert fleet({"names": 3}, {"names": "a"}, method="fake") == []


@pytest.mark.parametrize("url", ["http://a:0", "http://["])
def test_a_url_of_nothing_is_a_problem_of_its_field(url: str) -> None:
    (problem,) = problems_of("SchedulerBinding", {"cluster": "c", "exporter": {"url": url}})
    assert problem.startswith(f"spec.exporter.url: {url!r} is not a base URL: expected")


@pytest.mark.parametrize(
    "url",
    [
        "http://admin:hunter2@power:9123",
        "https://hunter2@power",
        "http://:hunter2@power:9123/path",
        "http://admin:hunter2#@power",  # as no parser reads it, and people write it
        "http://admin:hunter2/@power:x",
    ],
)
@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (lambda url: {"exporter": {"url": url}}, "spec.exporter.url"),
        (
            lambda url: {
                "slurm": {"rest": {"url": url, "tokenSecretRef": {"name": "a", "key": "b"}}}
            },
            "spec.slurm.rest.url",
        ),
        (lambda url: {"slurm": {"openMetrics": {"url": url}}}, "spec.slurm.openMetrics.url"),
    ],
    ids=["exporter", "slurmrestd", "slurmctld"],
)
def test_a_url_with_credentials_is_a_problem_that_does_not_repeat_them(
    url: str, spec: Callable[[str], dict[str, Any]], field: str
) -> None:
    (problem,) = problems_of("SchedulerBinding", {"cluster": "c", **spec(url)})
    assert problem.startswith(f"{field}: a URL must not contain a user name or a password")
    assert "Secret" in problem
    assert "hunter2" not in problem


def test_nodes_in_two_states_are_a_problem() -> None:
    states = [{"names": "a", "state": "idle"}, {"names": "[", "state": "down"}]
    (problem,) = problems_of("SchedulerBinding", {"cluster": "c", "noop": {"states": states}})
    assert problem.startswith("spec.noop.states[1].names: '[': [ at character 1")


@given(st.text())
def test_any_text_is_a_service_or_an_error_that_shows_it(url: str) -> None:
    try:
        assert parse_url(url).hostname
    except ValueError as error:
        expected = "must not contain" if "@" in url else f"{shown(url)} is not a base URL"
        assert expected in str(error)


@given(st.lists(st.text(max_size=8), max_size=3), st.lists(st.text(max_size=8), max_size=3))
def test_any_texts_are_places_or_problems(names: list[str], addresses: list[str]) -> None:
    hosts = [
        {"names": name or "a", "addresses": address or "b"}
        for name, address in zip(names, addresses, strict=False)
    ] or [{"names": "a"}]
    spec = {"bmc": {"hosts": hosts}}
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "metadata": {"name": "lab"},
        "spec": spec,
    }
    loaded = parse_document(raw, "test")
    if loaded.document is not None:
        for problem in semantic_problems(loaded.document):
            assert problem.path.startswith("spec.bmc.hosts[")
            assert problem.reason


def test_a_pattern_of_families_that_is_no_regular_expression_is_a_problem() -> None:
    binding = {"cluster": "prod", "noop": {}, "metrics": {"exclude": "rackwatt_(.*"}}
    (problem,) = problems_of("SchedulerBinding", binding)
    assert problem.startswith("spec.metrics.exclude: 'rackwatt_(.*' is no regular expression")
    binding["metrics"] = {"exclude": "rackwatt_scheduler_(user|account)_.*"}
    assert problems_of("SchedulerBinding", binding) == []


LUSTRE = "http://prometheus.example:9090"


@pytest.mark.parametrize(
    ("lustre", "problem"),
    [
        ({"prometheusURL": "http://u:p@h:1"}, "spec.lustre.prometheusURL: a URL must not contain"),
        ({"prometheusURL": LUSTRE, "jobid": ["%j", "%x"]},
         "spec.lustre.jobid[1]: '%x' is no template of job ids: '%x' is no field"),
        ({"prometheusURL": LUSTRE, "jobid": ["%e%u"]}, "spec.lustre.jobid[0]: '%e%u' is no"),
        ({"prometheusURL": LUSTRE, "jobid": ["plain"]}, "spec.lustre.jobid[0]: 'plain' does not"),
        ({"prometheusURL": LUSTRE, "jobid": ["%j", "%j"]}, "spec.lustre.jobid: jobid must be unique"),
        ({"prometheusURL": LUSTRE, "range": "500ms"}, "spec.lustre.range: range must be at least 1s"),
        ({"prometheusURL": "prometheus"}, "spec.lustre.prometheusURL: 'prometheus' does not"),
        ({}, "spec.lustre.prometheusURL: is missing"),
    ],
)  # fmt: skip
def test_a_mistake_in_lustre_is_a_problem_with_its_path(
    lustre: dict[str, Any], problem: str
) -> None:
    found = every_problem({"cluster": "c", "noop": {}, "lustre": lustre})
    assert any(one.startswith(problem) for one in found), found


def test_limit_usage_by_slurmrestd_is_a_problem_that_names_what_was_found() -> None:
    slurm = {"rest": {"url": "unix:/run/slurmrestd.sock"}}
    found = every_problem({"cluster": "c", "slurm": slurm, "metrics": {"limitUsage": True}})
    assert found == [
        "spec.metrics.limitUsage: metrics.limitUsage needs slurm.cli or slurm.ssh: slurmrestd does "
        "not report it, found slurm.rest"
    ]


def every_problem(spec: dict[str, Any]) -> list[str]:
    """Return the problems of a binding, those that its model sees first."""
    raw = {"apiVersion": "rackwatt.dev/v1alpha1", "kind": "SchedulerBinding"}
    loaded = parse_document({**raw, "metadata": {"name": "prod"}, "spec": spec}, "test")
    partial = semantic_problems(loaded.partial) if loaded.partial is not None else []
    return [str(problem) for problem in (*loaded.problems, *partial)]


def test_lustre_belongs_into_the_binding_that_polls_the_scheduler() -> None:
    lustre = {"cluster": "c", "lustre": {"prometheusURL": LUSTRE}}
    (problem,) = every_problem({**lustre, "exporter": {"url": LUSTRE}})
    assert "lustre belongs into the binding that it polls" in problem
    assert every_problem({**lustre, "noop": {}}) == []
