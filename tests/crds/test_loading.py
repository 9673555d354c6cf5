import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.document import PowerTarget
from rackwatt_crds.loading import Loaded, load, load_with_raw, notes
from rackwatt_crds.yamltext import load_yaml

GOOD = b"""
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: lab, labels: {a: b}}
spec: {bmc: {method: fake, hosts: [{names: "n[1-3]"}]}}
"""


def only(text: bytes) -> Loaded:
    (one,) = load(text, "lab.yaml")
    return one


def problems_of(text: bytes) -> str:
    return "; ".join(str(problem) for one in load(text, "lab.yaml") for problem in one.problems)


def test_a_good_document_has_its_name_and_no_problem() -> None:
    one = only(GOOD)
    assert one.key == ("PowerTarget", "default", "lab")
    assert one.document is not None
    assert one.problems == ()
    assert str(one) == "lab.yaml PowerTarget lab"


def test_several_documents_are_in_one_file_and_invalid_yaml_affects_none_of_them() -> None:
    loaded = load(GOOD + b"---\nkind: [\n---\n" + GOOD.replace(b"lab", b"lob"), "lab.yaml")
    assert [one.name for one in loaded if one.document] == ["lab", "lob"]
    (broken,) = [one for one in loaded if not one.document]
    assert "line 8, column 1: not YAML" in str(broken.problems[0])


def test_a_document_of_another_kind_is_reported() -> None:
    assert "unknown kind 'Powertarget'; did you mean PowerTarget?" in problems_of(
        GOOD.replace(b"PowerTarget", b"Powertarget")
    )
    assert "apiVersion: expected rackwatt.dev/v1alpha1, found 'v1'" in problems_of(
        GOOD.replace(b"rackwatt.dev/v1alpha1", b"v1")
    )
    assert "expected apiVersion and kind" in problems_of(b"- 1\n")


def test_status_written_by_the_operator_is_passed_over() -> None:
    assert problems_of(GOOD + b"status: {anything: 1}\n") == ""


def test_ten_megabytes_of_garbage_are_refused_by_size_and_a_few_by_content() -> None:
    assert "has more than 4 MiB, the limit of one file: split it" in problems_of(
        os.urandom(10 * 1024 * 1024)
    )
    assert "not UTF-8" in problems_of(b"\xff\xfb garbage")
    assert "not YAML" in problems_of(b"\x00\x01")


def test_nesting_without_end_is_an_error_and_no_crash() -> None:
    assert problems_of(b"[" * 100_000)
    assert problems_of(b"a: " + b"{a: " * 5_000 + b"1" + b"}" * 5_000)


def test_aliases_that_multiply_do_not_take_time_or_memory() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    bomb = "\n".join([*lines, "spec: *a59", "apiVersion: *a59", "kind: *a59"]).encode()
    assert "apiVersion: expected" in problems_of(bomb)
    as_hosts = GOOD.replace(b'[{names: "n[1-3]"}]', b"*a59").strip()
    assert "hosts" in problems_of("\n".join(lines).encode() + b"\n" + as_hosts)


@given(st.binary(max_size=200))
def test_any_bytes_are_documents_or_problems(text: bytes) -> None:
    for one in load(text, "x"):
        assert one.document is not None or one.problems or one.note


@pytest.mark.parametrize(
    "value",
    ["!!int ''", "!!float ''", "!!bool x", "!!timestamp x", "!!int x", "!!map x"],
)
def test_a_value_that_is_not_what_its_tag_says_is_a_problem_with_its_line(value: str) -> None:
    problems = problems_of(GOOD + f"status: {value}\n".encode())
    assert "line 6, column 9: not YAML" in problems


def test_a_date_is_text_as_kubectl_reads_it() -> None:
    assert load_yaml("a: 2001-02-30\n2001-12-14: b") == [{"a": "2001-02-30", "2001-12-14": "b"}]


def test_a_number_of_thousands_of_digits_is_a_problem() -> None:
    hexadecimal = b"0x" + b"f" * 5000
    problems = problems_of(
        GOOD.replace(b"{method: fake", b"{method: fake, ipmi: {port: %s}" % hexadecimal)
    )
    assert "spec.bmc.ipmi.port: expected int <= 65535, found a number of thousands" in problems
    assert "found a number of thousands of digits" in problems_of(hexadecimal)


def test_merges_that_multiply_do_not_take_time_or_memory() -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 60)]
    (note,) = passed_over("\n".join(lines).encode())
    assert "has no kind, only a0, a1, a2, a3, a4, a5 …" in note
    wide = ", ".join(f"k{i}: 1" for i in range(2000))
    lines = [f"a: &a {{{wide}}}", *(f"b{i}: {{<<: *a}}" for i in range(2000))]
    assert "more than 1000000 keys" in problems_of("\n".join(lines).encode())


def test_merges_that_follow_each_other_without_end_are_a_problem_and_no_crash() -> None:
    chain = [f"  - &a{i} {{<<: *a{i - 1}}}" for i in range(1, 3000)]
    text = "\n".join(["x:", "  y:", "  - &a0 {x: 1}", *chain, "b: {<<: *a2999}"])
    assert "merge keys (<<) form a cycle" in problems_of(text.encode())


def test_a_merged_key_may_be_overridden_wherever_the_merge_is_used_again() -> None:
    base = b"x-base: &b {k: 0}\nx: {y: [&a {<<: *b, k: 1}]}\nz: {<<: *a, k: 2}\n"
    assert "given twice" not in problems_of(base)
    hosts = b"""
metadata: {name: lab, labels: {a: &a {names: n1, rack: r1}, b: {y: [&b {<<: *a, rack: r2}]}}}
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
spec: {bmc: {method: fake, hosts: [{<<: *b, names: n2}]}}
"""
    document = only(hosts).document
    assert isinstance(document, PowerTarget)
    assert document.spec.bmc is not None
    (entry,) = document.spec.bmc.hosts
    assert (entry.names, entry.rack) == ("n2", "r2")


def test_each_document_comes_beside_the_plain_data_it_was_read_from() -> None:
    pairs = load_with_raw(GOOD + b"---\n[\n---\nkind: Nothing\n", "lab.yaml")
    assert [loaded for _, loaded in pairs] == load(
        GOOD + b"---\n[\n---\nkind: Nothing\n", "lab.yaml"
    )
    raws = [raw for raw, _ in pairs]
    assert raws[0]["spec"]["bmc"]["method"] == "fake"
    assert raws[1:] == [None, {"kind": "Nothing"}]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_as_json_is_the_same_number(number: float) -> None:
    (read,) = load_yaml(json.dumps([number]))
    assert read == [number]
    assert isinstance(read[0], float)


LIST = b"""
apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
- apiVersion: rackwatt.dev/v1alpha1
  kind: PowerTarget
  metadata:
    name: lab
    namespace: power
    uid: 8d0d9e5c-8a3c-4a0c-9a53-1d3f3a7b5b0e
    generation: 3
    resourceVersion: "812"
    creationTimestamp: 2026-01-02T03:04:05Z
    annotations: {argocd.argoproj.io/tracking-id: "power:rackwatt.dev/PowerTarget:power/lab"}
    managedFields: [{manager: kubectl, operation: Apply, fieldsV1: {"f:spec": {}}}]
  spec: {bmc: {method: fake, hosts: [{names: n1}, {names: n2, zzq: 1}]}}
  status: {conditions: [{type: Ready, status: "True"}]}
- apiVersion: v1
  kind: Secret
  metadata: {name: bmc, namespace: power}
  data: {password: aHVudGVyMg==}
- apiVersion: rackwatt.dev/v1
  kind: SchedulerBinding
  metadata: {name: prod, namespace: power}
  spec: {cluster: prod, noop: {}}
"""


def reports(text: bytes) -> list[str]:
    return [one.report(problem) for one in load(text, "f.yaml") for problem in one.problems]


def passed_over(text: bytes) -> list[str]:
    return notes(load(text, "f.yaml"))


def test_a_list_as_kubectl_prints_it_is_read_and_paths_name_the_item() -> None:
    lab, secret, prod = load(LIST, "f.yaml")
    assert (lab.name, lab.namespace, lab.within) == ("lab", "power", "items[0]")
    assert lab.document is not None
    assert secret.note
    assert prod.document is None
    first, second = reports(LIST)
    assert first.startswith("f.yaml PowerTarget lab: items[0].spec.bmc.hosts[1].zzq: unknown field")
    assert second == (
        "f.yaml SchedulerBinding prod: items[2].apiVersion: expected rackwatt.dev/v1alpha1, "
        "found 'rackwatt.dev/v1'"
    )


def test_a_list_of_one_kind_need_not_repeat_the_kind_in_each_item() -> None:
    text = b"""
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTargetList
items:
- metadata: {name: a}
  spec: {bmc: {method: fake, hosts: [{names: n1}]}}
- metadata: {name: b}
  spec: {bmc: {method: fake, hosts: []}}
"""
    first, second = load(text, "f.yaml")
    assert first.document is not None
    assert second.report(second.problems[0]) == (
        "f.yaml PowerTarget b: items[1].spec.bmc.hosts: expected at least 1 item, found 0"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"kind: List\nitems: hello\n", "f.yaml: items: expected a list, found 'hello'"),
        (b"kind: List\nitems: [17]\n", "f.yaml: items[0]: expected apiVersion and kind, found 17"),
        (
            b"kind: List\nitems: [{kind: List}]\n",
            "f.yaml: items[0]: a List within a List is not supported",
        ),
        (
            b"kind: List\nitems: [&a {x: 1}, *a]\n",
            "f.yaml: items[1]: repeats items[0] through a YAML alias",
        ),
    ],
)
def test_a_list_that_cannot_be_read_says_where(text: bytes, message: str) -> None:
    assert reports(text)[-1].startswith(message)


def test_a_resource_of_another_program_is_skipped_with_a_note_without_its_content() -> None:
    others = b"""
apiVersion: v1
kind: Namespace
metadata: {name: power}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
--- {apiVersion: v1, kind: Secret, metadata: {name: bmc}, stringData: {password: hunter2}}
---
apiVersion: v1
kind: Secret
metadata: {name: pdu}
---
"""
    assert reports(others + GOOD) == []
    assert passed_over(others + GOOD) == [
        "f.yaml Namespace power of v1 is not a Rackwatt resource: skipped",
        "f.yaml Deployment web of apps/v1 is not a Rackwatt resource: skipped",
        "f.yaml Secret bmc of v1 is not a Rackwatt resource: skipped, and 1 more",
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"resources: [fleet.yaml, bindings.yaml]\nnamespace: power\n",
        b"apiVersion: v2\nname: mine\nversion: 1.0.0\ndependencies: []\n",
        b"global: {scrape_interval: 15s}\nscrape_configs: []\n",
        b"services: {web: {image: nginx}}\n",
    ],
)
def test_an_object_without_kind_that_is_of_another_program_is_skipped_with_a_note(
    text: bytes,
) -> None:
    assert reports(text + b"---\n" + GOOD) == []
    (note,) = passed_over(text + b"---\n" + GOOD)
    assert note.startswith("f.yaml has no kind, only ")
    assert note.endswith(": it is not a Rackwatt resource, and was skipped")


@pytest.mark.parametrize("name", ["kustomization.yaml", "a/kustomization.yml", "Kustomization"])
def test_a_kustomization_without_kind_is_skipped_whatever_it_has(name: str) -> None:
    text = b"metadata: {name: power}\nresources: [fleet.yaml]\n"
    (one,) = load(text, name)
    assert not one.problems
    assert "was skipped" in one.note
    (mistake,) = load(text + b"spec: {bmc: {}}\n", name)
    assert mistake.problems


@pytest.mark.parametrize(
    "text",
    [
        b"metadata: {name: lab}\nspec: {}\n",
        b"spec: {bmc: {hosts: []}}\n",
        b"bmc: {hosts: []}\n",
        b"cluster: prod\nslurm: {cli: {}}\n",
        b"sepc: {bmc: {}}\n",
        b"PowerTarget: {bmc: {}}\n",
        b"api: rackwatt.dev/v1alpha1\n",
        b"Kind: PowerTarget\n",
        b"kind:\n",
        b"{}\n",
    ],
)
def test_a_document_whose_kind_is_forgotten_or_misspelt_is_a_problem(text: bytes) -> None:
    assert passed_over(text) == []
    assert len(reports(text)) >= 1


@given(st.permutations(GOOD.split(b"\n", 3)), st.booleans())
def test_no_document_of_ours_is_skipped_for_want_of_a_kind(lines: list[bytes], both: bool) -> None:
    text = b"\n".join(line for line in lines if not line.startswith(b"kind:"))
    if both:
        text = text.replace(b"apiVersion: rackwatt.dev/v1alpha1", b"")
    assert not any("has no kind" in note for note in passed_over(text))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"rackwatt.dev/v1alpha1", b"rackwatt.dev/v1", "apiVersion: expected rackwatt.dev/v1alph"),
        (b"rackwatt.dev/v1alpha1", b"v1", "apiVersion: expected rackwatt.dev/v1alpha1, found 'v1'"),
        (b"rackwatt.dev/v1alpha1", b"rackwat.dev/v1alpha1", "apiVersion: expected rackwatt.dev"),
        (b"apiVersion: rackwatt.dev/v1alpha1", b"", "apiVersion: expected rackwatt.dev/v1alpha1"),
        (b"PowerTarget", b"powertarget", "kind: unknown kind 'powertarget'; did you mean PowerTa"),
        (b"PowerTarget", b"PowerTargets", "kind: unknown kind 'PowerTargets'; did you mean Power"),
        (b"PowerTarget", b"[]", "kind: unknown kind []; known are PowerTarget, SchedulerBinding"),
        (b"kind: PowerTarget", b"", "kind: is missing; known are PowerTarget, SchedulerBinding"),
    ],
)
def test_a_nearly_correct_document_is_a_problem(before: bytes, after: bytes, message: str) -> None:
    text = GOOD.replace(before, after)
    assert passed_over(text) == []
    assert message in reports(text)[0]


def test_mistakes_behind_a_wrong_version_or_kind_are_reported_with_it() -> None:
    wrong = GOOD.replace(b"v1alpha1", b"v1").replace(b"names:", b"zzq: 1, names:")
    assert len(reports(wrong)) == 2
    assert len(reports(wrong.replace(b"PowerTarget", b"Powertarget"))) == 3


@pytest.mark.parametrize(
    "text", [b"", b"\n\n", b"# nothing\n", b"---\n", b"---\n# a\n---\n...\n", b"null\n", b"\xef\xbb\xbf",
             b"apiVersion: v1\nkind: List\nitems: []\n", b"%YAML 1.1\n---\n"],
)  # fmt: skip
def test_an_empty_file_is_said_to_be_empty(text: bytes) -> None:
    assert reports(text) == []
    assert passed_over(text) == ["f.yaml is empty: it has no document"]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"\n", b"\r"),
        GOOD.decode().encode("utf-16"),
        b"\xfe\xff" + GOOD.decode().encode("utf-16-be"),
        b"%YAML 1.1\n---" + GOOD,
        b"# Source: chart/templates/lab.yaml\n---" + GOOD + b"...\n---\n...\n",
        json.dumps(load_yaml(GOOD.decode())[0]).encode(),
        json.dumps(load_yaml(GOOD.decode())[0], indent="\t").encode(),
        json.dumps({**load_yaml(GOOD.decode())[0], "status": "\N{GRINNING FACE}"}).encode(),
    ],
)
def test_a_document_is_read_however_its_text_is_written(text: bytes) -> None:
    one = only(text)
    assert one.problems == ()
    assert one.document is not None


def test_json_values_one_behind_another_are_documents() -> None:
    raw = {**load_yaml(GOOD.decode())[0], "status": "\N{GRINNING FACE}"}
    loaded = load(f"{json.dumps(raw)}\n{json.dumps(raw)}\n".encode(), "f.json")
    assert [one.document is not None for one in loaded] == [True, True]
    deep = '{"a": "\\ud83d\\ude00", "b": ' + "[" * 100 + "]" * 100 + "}"
    assert "not YAML" in problems_of(deep.encode())


def test_files_with_marks_put_one_behind_another_are_read() -> None:
    marked = b"\xef\xbb\xbf---" + GOOD
    loaded = load(marked + marked.replace(b"lab", b"lob"), "f.yaml")
    assert [one.name for one in loaded if one.document] == ["lab", "lob"]


def test_line_ends_of_windows_keep_broken_yaml_apart_too() -> None:
    text = GOOD + b"---\nkind: [\n---\n" + GOOD.replace(b"lab", b"lob")
    loaded = load(text.replace(b"\n", b"\r\n"), "f.yaml")
    assert [one.name for one in loaded if one.document] == ["lab", "lob"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            GOOD.replace(b"a: b", b"a: caf\xe9"),
            "is not UTF-8 text (line 4, byte 90: 0xe9, 'é' in Windows-1252): save it as UTF-8",
        ),
        (
            b"a:\n\tb: 1\n",
            "line 2, column 1: not YAML: found character that cannot start any token",
        ),
        (b"a:\n\tb: 1\n", "the line begins with a tab; indent with spaces"),
        (b"a: {{ .Values.x }}\n", "this is a template; render it first, as `helm template` does"),
        (b"a: [\n\xc2\xa0 }\n", "the line has a no-break space (U+00A0); type a space instead"),
    ],
)
def test_text_that_cannot_be_read_says_the_line_and_what_to_change(
    text: bytes, message: str
) -> None:
    (report,) = reports(text)
    assert message in report


@pytest.mark.parametrize(
    ("before", "after", "message", "usable"),
    [
        (
            b"{names:", b"{names: a, names:",
            "spec.bmc.hosts[0].names: key 'names' is given twice (line 5, column 47)", True,
        ),
        (b"{a: b}", b"{a: b, a: c}", "metadata.labels.a: key 'a' is given twice (line 4", False),
        (
            b"spec: {", b"spec: {pod: {nodeSelector: {a: b, a: c}}, ",
            "spec.pod.nodeSelector.a: key 'a' is given twice (line 5, column 35)", False,
        ),
        (b"metadata:", b"metadata: {name: x}\nmetadata:", "metadata: key 'metadata' is given", False),
    ],
)  # fmt: skip
def test_a_key_given_twice_is_a_problem_of_its_mapping_and_spoils_no_more(
    before: bytes, after: bytes, message: str, usable: bool
) -> None:
    text = GOOD.replace(before, after)
    (report,) = reports(text)
    assert message in report
    assert (only(text).document is not None) == usable
    both = reports(text.replace(b"method: fake", b"method: fake, zzq: 1"))
    assert len(both) == 2


def test_many_problems_and_many_parts_take_neither_time_nor_memory() -> None:
    wide = ", ".join(f"k{i}: 1" for i in range(20_000))
    hosts = "[" + ", ".join(["*a"] * 8000) + "]"
    text = f"x: &a {{{wide}}}\n" + GOOD.decode().replace('[{names: "n[1-3]"}]', hosts)
    assert "has more than 10000 problems" in reports(text.encode())[-1]
    assert passed_over(b"---\n" * 1_000_000) == ["f.yaml is empty: it has no document"]
