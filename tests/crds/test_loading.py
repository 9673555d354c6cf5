import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.document import PowerTarget
from rackwatt_crds.loading import Loaded, load, load_beside
from rackwatt_crds.yamltext import plain

GOOD = b"""
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: lab, labels: {a: b}}
spec: {bmc: {method: fake, hosts: [{names: "n[1-3]"}]}}
"""


def only(text: bytes) -> Loaded:
    (one,) = load(text, "lab.yaml")
    return one


def told(text: bytes) -> str:
    return "; ".join(str(problem) for one in load(text, "lab.yaml") for problem in one.problems)


def test_a_good_document_has_its_name_and_no_problem() -> None:
    one = only(GOOD)
    assert one.key == ("PowerTarget", "default", "lab")
    assert one.document is not None
    assert one.problems == ()
    assert str(one) == "lab.yaml PowerTarget lab"


def test_several_documents_stand_in_one_file_and_broken_yaml_takes_none_of_them_down() -> None:
    loaded = load(GOOD + b"---\nkind: [\n---\n" + GOOD.replace(b"lab", b"lob"), "lab.yaml")
    assert [one.name for one in loaded if one.document] == ["lab", "lob"]
    (broken,) = [one for one in loaded if not one.document]
    assert "line 8, column 1: not YAML" in str(broken.problems[0])


def test_what_is_no_document_of_ours_says_so() -> None:
    assert "unknown kind 'Powertarget'; did you mean PowerTarget?" in told(
        GOOD.replace(b"PowerTarget", b"Powertarget")
    )
    assert "apiVersion: expected rackwatt.dev/v1alpha1, found 'v1'" in told(
        GOOD.replace(b"rackwatt.dev/v1alpha1", b"v1")
    )
    assert "expected apiVersion and kind" in told(b"- 1\n")


def test_a_key_given_twice_is_a_problem() -> None:
    assert "key 'names' is given twice" in told(GOOD.replace(b"{names:", b"{names: a, names:"))


def test_status_written_by_the_operator_is_passed_over() -> None:
    assert told(GOOD + b"status: {anything: 1}\n") == ""


def test_ten_megabytes_of_garbage_are_refused_by_size_and_a_few_by_content() -> None:
    assert "has more than the 4 MiB that one file may have: split it" in told(
        os.urandom(10 * 1024 * 1024)
    )
    assert "not UTF-8" in told(b"\xff\xfb garbage")
    assert "not YAML" in told(b"\x00\x01")


def test_nesting_without_end_is_an_error_and_no_crash() -> None:
    assert told(b"[" * 100_000)
    assert told(b"a: " + b"{a: " * 5_000 + b"1" + b"}" * 5_000)


def test_aliases_that_multiply_do_not_take_time_or_memory() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    bomb = "\n".join([*lines, "spec: *a59", "apiVersion: *a59", "kind: *a59"]).encode()
    assert "apiVersion: expected" in told(bomb)
    as_hosts = GOOD.replace(b'[{names: "n[1-3]"}]', b"*a59").strip()
    assert "hosts" in told("\n".join(lines).encode() + b"\n" + as_hosts)


@given(st.binary(max_size=200))
def test_any_bytes_are_documents_or_problems(text: bytes) -> None:
    for one in load(text, "x"):
        assert one.document is not None or one.problems or one.note


@pytest.mark.parametrize(
    "value",
    ["!!int ''", "!!float ''", "!!bool x", "!!timestamp x", "!!int x", "2001-02-30", "!!map x"],
)
def test_a_value_that_is_not_what_its_tag_says_is_a_problem_with_its_line(value: str) -> None:
    said = told(GOOD + f"status: {value}\n".encode())
    assert "line 6, column 9: not YAML" in said


def test_a_number_of_thousands_of_digits_is_a_problem() -> None:
    hexadecimal = b"0x" + b"f" * 5000
    said = told(GOOD.replace(b"{method: fake", b"{method: fake, ipmi: {port: %s}" % hexadecimal))
    assert "spec.bmc.ipmi.port: expected int <= 65535, found a number of thousands" in said
    assert "found a number of thousands of digits" in told(hexadecimal)


def test_merges_that_multiply_do_not_take_time_or_memory() -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 60)]
    assert "apiVersion: expected" in told("\n".join(lines).encode())
    wide = ", ".join(f"k{i}: 1" for i in range(2000))
    lines = [f"a: &a {{{wide}}}", *(f"b{i}: {{<<: *a}}" for i in range(2000))]
    assert "more than 1000000 keys" in told("\n".join(lines).encode())


def test_merges_that_follow_each_other_without_end_are_a_problem_and_no_crash() -> None:
    chain = [f"  - &a{i} {{<<: *a{i - 1}}}" for i in range(1, 3000)]
    text = "\n".join(["x:", "  y:", "  - &a0 {x: 1}", *chain, "b: {<<: *a2999}"])
    assert "merges (<<) follow each other without end" in told(text.encode())


def test_a_merged_key_may_be_said_anew_wherever_the_merge_is_used_again() -> None:
    base = b"x-base: &b {k: 0}\nx: {y: [&a {<<: *b, k: 1}]}\nz: {<<: *a, k: 2}\n"
    assert "given twice" not in told(base)
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
    pairs = load_beside(GOOD + b"---\n[\n---\nkind: Nothing\n", "lab.yaml")
    assert [loaded for _, loaded in pairs] == load(
        GOOD + b"---\n[\n---\nkind: Nothing\n", "lab.yaml"
    )
    raws = [raw for raw, _ in pairs]
    assert raws[0]["spec"]["bmc"]["method"] == "fake"
    assert raws[1:] == [None, {"kind": "Nothing"}]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_as_json_is_the_same_number(number: float) -> None:
    (read,) = plain(json.dumps([number]))
    assert read == [number]
    assert isinstance(read[0], float)
