import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.loading import load
from rackwatt_exporter.config.fleet import Fleet, resolve_fleet
from rackwatt_exporter.config.options import (
    InvalidOptions,
    IpmiOptions,
    OidOptions,
    RedfishOptions,
    SnmpOptions,
    TlsOptions,
)

LAB = Path(__file__).parents[3] / "docs/examples/lab.yaml"


def target_document(*hosts: str, name: str = "lab", spec: str = "", bmc: str = "") -> str:
    lines = "\n".join(f"      - {host}" for host in hosts)
    return (
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\n"
        f"metadata: {{name: {name}}}\nspec:\n  {spec}\n  bmc:\n    {bmc}\n    hosts:\n{lines}\n"
    )


def resolved(*documents: str, before: Fleet | None = None) -> Fleet:
    loaded = load("---\n".join(documents).encode(), "lab.yaml")
    return resolve_fleet(loaded, before.documents if before else ())


def problems_of(built: Fleet) -> str:
    return "\n".join(built.problems)


def test_the_document_of_the_readme_works_unchanged() -> None:
    built = resolve_fleet(load(LAB.read_bytes(), "lab.yaml"))
    assert built.problems == ()
    assert list(built.targets) == ["n1", "n2", "n3", "pdu1", "g1", "g2"]
    assert list(built.schedulers) == ["prod"]
    n2, pdu1, g2 = (built.targets[node] for node in ("n2", "pdu1", "g2"))
    assert (n2.address, n2.method, n2.credentials, n2.scheduler) == (
        "127.3.7.2", "ipmi", "bmc", "prod",
    )  # fmt: skip
    assert (n2.interval_s, n2.timeout_s, n2.stale_after_s) == (2, 1, 6)
    assert n2.options == IpmiOptions(623, 17, "user", True, ("PSU1 PIN", "PSU2 PIN"))
    assert (pdu1.type, pdu1.rack, pdu1.credentials) == ("core", "r1", "pdu")
    assert isinstance(pdu1.options, SnmpOptions)
    assert pdu1.options.version == "3"
    assert pdu1.options.oids[1] == OidOptions("SNMPv2-SMI::enterprises.318.1.1.26.4.3.1.5.2", 10.0)
    assert g2.address == "g2-bmc.example"
    assert g2.options == RedfishOptions(tls=TlsOptions(ca_secret="bmc-ca"))


def test_an_entry_says_it_better_than_the_document_and_the_document_better_than_a_preset() -> None:
    built = resolved(
        target_document(
            "{names: a, address: a}",
            "{names: b, address: b, ipmi: {port: 7000, kgSecretRef: {name: key}}, interval: 5s,"
            " credentials: {secretRef: {name: own}}}",
            "{names: c, address: c, method: redfish, preset: idrac}",
            "{names: d, address: d, method: redfish, preset: idrac, redfish: {value: current}}",
            spec="interval: 20s",
            bmc="ipmi: {port: 6000, privilege: admin}\n    credentials: {secretRef: {name: all}}",
        )
    )
    a, b, c, d = built.targets.values()
    assert a.options == IpmiOptions(port=6000, privilege="admin")
    assert b.options == IpmiOptions(port=7000, privilege="admin", kg_secret="key")
    assert (a.interval_s, b.interval_s) == (20, 5)
    assert (a.stale_after_s, b.stale_after_s) == (60, 15)
    assert (a.credentials, b.credentials) == ("all", "own")
    assert isinstance(c.options, RedfishOptions)
    assert isinstance(d.options, RedfishOptions)
    assert (c.options.value, d.options.value) == ("average", "current")


def test_a_preset_of_one_method_is_not_taken_for_another() -> None:
    built = resolved(
        target_document(
            "{names: a, address: a}",
            "{names: b, address: b, method: ipmi}",
            bmc="{method: redfish, preset: idrac}".strip("{}").replace(", ", "\n    "),
        )
    )
    assert built.problems == ()


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('{names: "n[1-4]", addresses: "10.0.0.[1-3]"}', "hosts[1].addresses: 4 names but 3 addresses"),
        ('{names: "n[1-"}', "hosts[1].names: 'n[1-': [ at character 2 is never closed"),
        ("{names: n1}", "hosts[1].addresses: no address is given"),
        ("{names: n1, address: 'http://n1'}", "hosts[1].address: 'http://n1' is neither a host name"),
        ("{names: n1, address: a, adress: b}", "hosts[1].adress: unknown field; did you mean address?"),
        ("{names: n1, address: a, method: snmp}", "hosts[1].snmp.oids: method snmp needs oids"),
        ("{names: n1, address: a, ipmi: {dcmi: false}}", "hosts[1].ipmi.sensors: with dcmi false"),
        ("{names: n1, address: a, preset: dell}", "hosts[1].preset: unknown preset 'dell' of method ipmi"),
        ("{names: n1, address: a, staleAfter: 1s}", "hosts[1].staleAfter: 1s is shorter than"),
        ("{names: n1, address: a, interval: 1ms}", "hosts[1].interval: interval must be at least 100ms"),
        ("{names: 'n1,n1', address: '{name}'}", "hosts[1].names: node 'n1' is listed twice"),
    ],
)  # fmt: skip
def test_a_bad_entry_fails_for_all_to_see_and_takes_no_other_down(entry: str, problem: str) -> None:
    built = resolved(target_document("{names: good, address: g}", entry))
    assert f"lab.yaml PowerTarget lab: spec.bmc.{problem}" in problems_of(built)
    assert isinstance(built.targets["good"].options, IpmiOptions)
    failing = [t for t in built.targets.values() if isinstance(t.options, InvalidOptions)]
    assert failing
    assert all(t.method == "invalid" and problem[:9] in str(t.options) for t in failing)


def test_several_problems_of_an_entry_are_reported_together() -> None:
    entry = '{names: "n[1-2]", addresses: a, preset: none, staleAfter: 1s}'
    assert len(resolved(target_document(entry)).problems) == 3


def test_the_same_node_twice_keeps_the_first_and_names_both_places() -> None:
    built = resolved(
        target_document('{names: "n[1-2]", address: "{name}"}', '{names: "n[2-3]", address: "x{name}"}'),
        target_document("{names: n1, address: other}", name="second"),
    )  # fmt: skip
    assert list(built.targets) == ["n1", "n2", "n3"]
    assert built.targets["n2"].address == "n2"
    assert (
        "hosts[1].names: node 'n2' is already defined at PowerTarget lab spec.bmc.hosts[0]"
        in problems_of(built)
    )
    assert (
        "PowerTarget second: spec.bmc.hosts[0].names: node 'n1' is already defined at"
        in problems_of(built)
    )


def test_one_bmc_read_alike_for_two_nodes_is_a_problem() -> None:
    built = resolved(target_document('{names: "n[1-2]", address: bmc}'))
    assert "bmc is already read, with the same settings, for node 'n1'" in problems_of(built)
    assert built.targets["n2"].method == "invalid"


def test_several_nodes_behind_one_bmc_are_distinguished_by_their_chassis() -> None:
    entry = '{names: "x0n[0-1]", address: x0, method: redfish, redfish: {chassis: "Node{index}"}}'
    built = resolved(target_document(entry))
    assert built.problems == ()
    assert [t.options.chassis for t in built.targets.values()] == ["Node0", "Node1"]  # type: ignore[attr-defined]


def test_sensors_of_redfish_may_be_named_after_the_node_too() -> None:
    entry = (
        '{names: "x0n[0-1]", address: x0, method: redfish, '
        'redfish: {sensors: ["Node{index}_Power", "{name} input"]}}'
    )
    built = resolved(target_document(entry))
    assert built.problems == ()
    assert [t.options.sensors for t in built.targets.values()] == [  # type: ignore[attr-defined]
        ("Node0_Power", "x0n0 input"),
        ("Node1_Power", "x0n1 input"),
    ]


def test_one_bad_document_takes_no_other_down() -> None:
    built = resolved(
        target_document("{names: a, address: a}", name="first"),
        target_document("{names: b, address: b}", name="second", spec="intervall: 1s"),
        "kind: [\n",
        target_document("{names: c, address: c}", name="third"),
    )
    assert list(built.targets) == ["a", "c"]
    assert len(built.problems) == 2


def test_a_scheduler_that_no_document_describes_is_a_problem_and_the_power_stays() -> None:
    built = resolved(target_document("{names: a, address: a}", spec="schedulerRef: {name: prod}"))
    assert "no valid SchedulerBinding is named 'prod'" in problems_of(built)
    assert isinstance(built.targets["a"].options, IpmiOptions)


def test_the_same_document_twice_counts_once() -> None:
    document = target_document("{names: a, address: a}")
    built = resolved(document, document)
    assert list(built.targets) == ["a"]
    assert "duplicate: already defined in lab.yaml" in problems_of(built)


@pytest.mark.parametrize("broken", ["spec: {}", "x: [", ""])
def test_a_document_broken_by_an_edit_goes_on_as_it_was_and_one_removed_is_gone(
    broken: str,
) -> None:
    first = target_document("{names: a, address: a}", name="first")
    second = target_document("{names: b, address: b}", name="second")
    before = resolved(first, second)
    head = second.split("spec:")[0] if broken.startswith("spec") else ""
    after = resolved(first, head + broken, before=before)
    assert list(after.targets) == (["a", "b"] if broken else ["a"])
    assert bool(after.problems) == bool(broken)
    again = resolved(first, head + broken, before=after)
    assert list(again.targets) == list(after.targets)


entries = st.sampled_from(
    [
        '{names: "n[1-3]", address: "{name}"}',
        "{names: n2, address: z}",
        "{names: m1, method: fake}",
        "{name: x}",
        '{names: "k[1-2]", addresses: k}',
        "17",
    ]
)


@given(st.lists(entries, min_size=1, max_size=6))
def test_every_entry_comes_to_targets_or_problems_and_the_same_each_time(hosts: list[str]) -> None:
    document = target_document(*hosts)
    one, two = resolved(document), resolved(document)
    assert (one.targets, one.problems) == (two.targets, two.problems)
    assert one.targets
    for target, other in itertools.combinations(one.targets.values(), 2):
        assert target.node != other.node


def test_a_node_that_is_listed_twice_in_a_long_list_is_found_at_once() -> None:
    entry = "{names: 'n[1-100000],n100000', address: '{name}'}"
    assert "node 'n100000' is listed twice" in problems_of(resolved(target_document(entry)))


def test_an_entry_without_readable_names_is_named_by_its_path() -> None:
    built = resolved(target_document("{names: ' ', adress: a}", "{names: ' ', address: a}"))
    assert list(built.targets) == ["lab/hosts[0]", "lab/hosts[1]"]


@pytest.mark.parametrize("times", ["interval: 0s", "timeout: 0s", "interval: 0s, timeout: 0s"])
def test_an_invalid_target_is_not_polled_without_pause(times: str) -> None:
    """Found by fuzzing: an interval of nothing, kept, had the exporter do nothing else."""
    entry = f"{{names: n1, address: a, {times}}}"
    (target,) = resolved(target_document(entry)).targets.values()
    assert isinstance(target.options, InvalidOptions)
    assert 0 < target.interval_s <= min(target.stale_after_s, target.max_backoff_s)
    assert target.timeout_s > 0


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        ("interval: 0s", "spec.interval: interval must be at least 100ms, found 0s"),
        ("timeout: 0s", "spec.timeout: timeout must be at least 1ms, found 0s"),
        (
            "interval: 1m\n  staleAfter: 30s",
            "spec.staleAfter: staleAfter must not be shorter than interval",
        ),
    ],
)
def test_times_that_cannot_be_spoil_the_document(times: str, problem: str) -> None:
    built = resolved(target_document("{names: n1, address: a}", spec=times))
    assert built.targets == {}
    assert problem in problems_of(built)


def test_first_contacts_are_as_many_as_the_document_says_else_as_the_method_allows() -> None:
    host = "{names: n1, address: 10.0.0.1, method: %s}"
    hosts = [host % method for method in ("ipmi", "snmp", "redfish", "ipmiSsh")]
    said = [target_document(h, bmc="preset: apc-rpdu2" if "snmp" in h else "") for h in hosts]
    limits = [t.credential_limit for d in said for t in resolved(d).targets.values()]
    assert limits == [512, 512, 128, 128]
    narrow = target_document(hosts[0], bmc="concurrency: {perCredential: 3}")
    assert resolved(narrow).targets["n1"].credential_limit == 3


def test_max_watts_is_the_entrys_else_the_documents_else_the_methods() -> None:
    built = resolved(
        target_document(
            "{names: a, addresses: a.example}",
            "{names: b, addresses: b.example, maxWatts: 900}",
            bmc="maxWatts: 1500",
        ),
        target_document(
            "{names: c, addresses: c.example}",
            "{names: d, addresses: d.example, method: redfish}",
            "{names: e, addresses: e.example, method: snmp, preset: apc-rpdu2}",
            name="plain",
        ),
    )
    assert [target.max_watts for target in built.targets.values()] == [
        1500, 900, 60_000, 200_000, 1_000_000,
    ]  # fmt: skip
