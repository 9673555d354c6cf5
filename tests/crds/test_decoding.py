import re
import string
from collections.abc import Callable
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.bmc.hosts import HostEntry
from rackwatt_crds.bmc.snmp import Row
from rackwatt_crds.decoding import InvalidItem, decode
from rackwatt_crds.document import PowerTarget, SchedulerBinding
from rackwatt_crds.loading import parse_document
from rackwatt_crds.model import Model

METADATA = {"name": "lab"}


def problems(spec: object, model: type = PowerTarget) -> list[str]:
    _, found = decode({"metadata": METADATA, "spec": spec}, model)
    return [str(problem) for problem in found]


def fleet(*hosts: object, **more: object) -> dict[str, object]:
    return {"bmc": {"hosts": list(hosts)}, **more}


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    lines = problems(
        {
            "schedulerRef": "prod",
            "timeout": "1 second",
            "bmc": {"method": "impi", "ipmi": {"port": 70000}, "hosts": [{"adress": "a"}]},
        }
    )
    assert [line.split(":")[0] for line in lines] == [
        "spec.schedulerRef",
        "spec.timeout",
        "spec.bmc.ipmi.port",
        "spec.bmc.method",
        "spec.bmc.hosts[0].adress",
        "spec.bmc.hosts[0].names",
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"intervall": "1s"}, "spec.intervall: unknown field; did you mean interval?"),
        ({"interval": 30}, "spec.interval: expected text, found 30. A duration such as `30s`"),
        ({"interval": "soon"}, "spec.interval: 'soon' does not match. A duration such as `30s`"),
        ({"retries": 11}, "spec.retries: expected int <= 10, found 11"),
        (
            fleet({"names": "a", "snmp": {"oids": [{"oid": "1.3", "scale": 0}]}}),
            "spec.bmc.hosts[0].snmp.oids[0].scale: expected float > 0.0, found 0",
        ),
        ({"interval": "9" * 400 + "h"}, "spec.interval: '99"),
        ({"retries": 10**5000}, "spec.retries: expected int <= 10, found a number of thousands"),
        ({10**5000: 1}, "spec.a number of thousands of digits: unknown field"),
        (
            {"bmc": {"method": 10**5000}},
            "spec.bmc.method: unknown value a number of thousands of digits",
        ),
        ({"bmc": []}, "spec.bmc: expected an object, found []"),
        ({"bmc": {"hosts": []}}, "spec.bmc.hosts: expected at least 1 item, found 0"),
        ({"bmc": {"hosts": {}}}, "spec.bmc.hosts: expected a list, found an empty object"),
        ({"node": {"collectors": "rapl"}}, "spec.node.collectors: expected a list, found 'rapl'"),
        (
            {"node": {"collectors": ["cpu", "raple"]}},
            "spec.node.collectors[1]: unknown value 'raple'; did you mean rapl?",
        ),
        (
            {"pod": {"nodeSelector": ["a"]}},
            "spec.pod.nodeSelector: expected an object, found ['a']",
        ),
        (
            {"pod": {"nodeSelector": {"gpu": True}}},
            "spec.pod.nodeSelector.gpu: expected text, found true: write it in quotes",
        ),
        (
            {"pod": {"resources": {"limits": {"cpu": "1", "memory": "96MB"}}}},
            "spec.pod.resources.limits.memory: '96MB' does not match. A quantity such as `100m`",
        ),
        (
            {"pod": {"resources": {"limits": {"memory": -1}}}},
            "spec.pod.resources.limits.memory: expected int >= 0, found -1",
        ),
        ({"pod": {"labels": {1: "a"}}}, "spec.pod.labels"),
        ({}, "spec: exactly one of bmc, node, grid must be given, found none"),
        (
            fleet({"names": "a", "address": "b", "addresses": "c"}),
            "spec.bmc.hosts[0]: at most one of addresses and address may be given",
        ),
    ],
)
def test_a_problem_says_what_was_expected_and_what_was_found(spec: object, message: str) -> None:
    assert any(line.startswith(message) for line in problems(spec)), problems(spec)


def test_inside_an_unknown_field_nothing_is_a_problem() -> None:
    (unknown,) = problems(fleet({"names": "a"}, web={"secretRef": {"name": "web"}}))
    assert unknown.startswith("spec.web.secretRef: unknown field; did you mean configSecretRef?")
    (unknown,) = problems(fleet({"names": "a"}, colour={"port": "x", "retries": 99}))
    assert unknown.startswith("spec.colour: unknown field")


def test_a_mistake_inside_a_misspelt_field_is_a_problem() -> None:
    lines = problems(fleet({"names": "a"}, web={"configSecretRf": {"name": "web"}}))
    assert [line.partition(":")[0] for line in lines] == [
        "spec.web.configSecretRf",
        "spec.web.configSecretRf.key",
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (True, "true"),
        (False, "false"),
        ([None, True], "[nothing, true]"),
        ({"a": None, "b": 1}, "an object with a, b"),
        ({}, "an empty object"),
    ],
)
def test_an_observed_value_is_shown_in_terms_of_yaml(found: object, words: str) -> None:
    (message,) = problems(fleet({"names": "a"}, interval=found))
    assert words in message
    assert not re.search("None|True|False", message)


def test_data_of_another_shape_is_described() -> None:
    messages = [
        str(parse_document(raw, "x").problems[0]) for raw in (None, {}, {"spec": 1, "b": 2})
    ]
    assert messages == [
        "expected apiVersion and kind, found nothing",
        "expected apiVersion and kind, found an empty object",
        "expected apiVersion and kind, found only spec, b",
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"nodeName": "shrt"}, "spec.nodeName: 'shrt' does not match. Such as `short`, `fqdn` or "),
        ({"slurm": {"cli": {}, "cluster": "-a"}}, "spec.slurm.cluster: '-a' does not match. One"),
        (
            {"slurm": {"rest": {"url": "unix:/a", "version": "40"}}},
            "spec.slurm.rest.version: '40' does not match. Such as `v0.0.40`.",
        ),
    ],
)
def test_a_text_that_does_not_fit_is_shown_one_that_does(
    spec: dict[str, object], message: str
) -> None:
    raw = {"metadata": {"name": "prod"}, "spec": {"cluster": "prod", **spec}}
    found = [str(problem) for problem in decode(raw, SchedulerBinding)[1]]
    assert any(line.startswith(message) for line in found), found


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize(
    ("path", "spec"),
    [
        ("spec.bmc.fake.max", lambda x: {"bmc": {"fake": {"max": x}, "hosts": [{"names": "a"}]}}),
        ("spec.bmc.hosts[0].fake.min", lambda x: fleet({"names": "a", "fake": {"min": x}})),
        (
            "spec.bmc.hosts[0].snmp.oids[0].scale",
            lambda x: fleet({"names": "a", "snmp": {"oids": [{"oid": "1.3", "scale": x}]}}),
        ),
        (
            "spec.grid.static.gramsPerKilowattHour",
            lambda x: {"grid": {"zone": "FR", "static": {"gramsPerKilowattHour": x}}},
        ),
        ("spec.retries", lambda x: fleet({"names": "a"}, retries=x)),
    ],
)
def test_a_number_that_json_does_not_know_is_a_problem(
    path: str, spec: Callable[[float], object], number: float
) -> None:
    message = f"{path}: expected a number that is finite, found {number}"
    assert problems(spec(number)) == [message]


@pytest.mark.parametrize(
    ("slurm", "message"),
    [
        ({}, "exactly one of cli, ssh, rest, openMetrics must be given, found none"),
        ({"cli": {}, "ssh": {"host": "a"}}, "found cli and ssh"),
        ({"rest": {"url": "http://a"}}, "jwtKeySecretRef or tokenSecretRef must be given"),
        ({"cli": {}, "cluster": "-a"}, "spec.slurm.cluster"),
        ({"cli": {}, "cluster": "prod,other"}, "spec.slurm.cluster"),
        ({"rest": {"url": "unix:slurmrestd.sock"}}, "spec.slurm.rest.url"),
        ({"rest": {"url": "unix:/run/rest.sock", "version": "0.0.40"}}, "spec.slurm.rest.version"),
        (
            {"rest": {"url": "unix:/a", "headers": [{"name": "A B", "value": ""}]}},
            "headers[0].name",
        ),
        (
            {"rest": {"url": "unix:/a", "headers": [{"name": "A", "value": "a\r\nB: b"}]}},
            "headers[0].value",
        ),
        (
            {"rest": {"url": "http://a", "jwtKeySecretRef": {"name": "a", "key": "b"}}},
            "jwtKeySecretRef needs user",
        ),
    ],
)
def test_rules_across_fields_are_problems_of_their_object(slurm: object, message: str) -> None:
    (line,) = problems({"cluster": "prod", "slurm": slurm}, SchedulerBinding)
    assert message in line
    assert line.startswith("spec.slurm")


@pytest.mark.parametrize(
    ("gridengine", "message"),
    [
        ({"cli": {}, "ssh": {"host": "a"}}, "exactly one of cli, ssh must be given, found cli and"),
        ({"cli": {}, "root": "opt/sge"}, "spec.gridengine.root"),
        ({"cli": {}, "cell": "a/b"}, "spec.gridengine.cell"),
        ({"ssh": {}}, "spec.gridengine.ssh.host"),
    ],
)
def test_mistakes_in_grid_engines_settings_are_problems_of_their_field(
    gridengine: object, message: str
) -> None:
    (line,) = problems({"cluster": "prod", "gridengine": gridengine}, SchedulerBinding)
    assert message in line


def test_an_invalid_entry_keeps_its_neighbours_and_its_index() -> None:
    document, found = decode(
        {"metadata": METADATA, "spec": fleet({"names": "a"}, {"name": "b"}, {"names": "c"})},
        PowerTarget,
    )
    assert document is not None
    assert document.spec.bmc is not None
    hosts: list[object] = [*document.spec.bmc.hosts]
    assert hosts == [HostEntry(names="a"), InvalidItem({"name": "b"}), HostEntry(names="c")]
    assert [problem.item_only for problem in found] == [True]


def test_an_invalid_item_of_an_inner_list_invalidates_the_entry() -> None:
    oids = {"oids": [{"oid": "1.3.1"}, {"oid": "(1.3.2"}]}
    entry = {"names": "a", "snmp": oids}
    document, found = decode({"metadata": METADATA, "spec": fleet(entry)}, PowerTarget)
    assert document is not None
    assert document.spec.bmc is not None
    hosts: list[object] = [*document.spec.bmc.hosts]
    assert hosts == [InvalidItem(entry)]
    (problem,) = found
    assert problem.item_only
    assert str(problem).startswith("spec.bmc.hosts[0].snmp.oids[1].oid: '(1.3.2' does not match")


def test_every_field_can_be_read() -> None:
    """msgspec looks at a field's type when the field is first met, which may be at a user's."""
    waiting: list[type[msgspec.Struct]] = [Model]
    for model in waiting:
        waiting += model.__subclasses__()
        hints = get_type_hints(model, include_extras=True)
        for field in msgspec.structs.fields(model):
            msgspec.json.Decoder(hints[field.name])
    assert Row in waiting


def test_a_row_is_chosen_by_its_value() -> None:
    oid = {"oid": "1.3", "where": {"oid": "1.4", "equals": "1"}}
    assert problems(fleet({"names": "a", "snmp": {"oids": [oid]}})) == []
    oid["where"] = {"oid": "1.4", "equals": "x" * 257}
    (message,) = problems(fleet({"names": "a", "snmp": {"oids": [oid]}}))
    assert "where.equals: expected str of length <= 256" in message


@pytest.mark.parametrize(
    "pattern", ["{value}", "Load: {value} VA", "({value})", "a+)+ {value}", "Größe {value}"]
)
def test_a_pattern_has_one_place_for_the_number(pattern: str) -> None:
    oid = {"oid": "1.3", "unit": "W", "pattern": pattern}
    assert problems(fleet({"names": "a", "snmp": {"oids": [oid]}})) == []


@pytest.mark.parametrize(
    "pattern",
    ["", "W", "{watts} W", "{value} {value}", "{value", "{{value}}", "{value}" + "x" * 64],
)
def test_a_pattern_without_one_place_for_the_number_is_refused_with_its_path(pattern: str) -> None:
    oids = [{"oid": "1.2"}, {"oid": "1.3", "pattern": pattern}]
    (message,) = problems(fleet({"names": "a", "snmp": {"oids": oids}}))
    assert message.startswith("spec.bmc.hosts[0].snmp.oids[1].pattern: ")


def test_a_unit_is_one_of_those_of_power() -> None:
    oids = [{"oid": "1.3", "unit": "VA"}]
    (message,) = problems(fleet({"names": "a", "snmp": {"oids": oids}}))
    assert message.startswith("spec.bmc.hosts[0].snmp.oids[0].unit: ")
    assert "kW" in message


def test_null_means_not_said() -> None:
    assert problems(fleet({"names": "a", "rack": None}, interval=None)) == []


plain = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(string.printable, max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["bmc", "hosts", "names", "ipmi", "port", "spec", "metadata", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(plain)
def test_any_data_is_a_document_or_has_problems(raw: object) -> None:
    document, found = decode(raw, PowerTarget)
    assert document is not None or found
    assert all(problem.reason for problem in found)
