"""Expressions: every selector is enforced, and what is not understood is refused.

The first tests are the ways around that other proxies had.
"""

import json
import re
import subprocess
import sys
from random import Random

import promql_parser as promql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.guard import selector as selector_module
from rackwatt_accounting.guard.expression import (
    AGGREGATIONS,
    FUNCTIONS,
    MAX_TEXT,
    Expression,
    nodes,
    parse,
)
from rackwatt_accounting.guard.families import UNIT_FAMILIES, Families, escaped
from rackwatt_accounting.guard.refusal import GuardError
from tests.accounting.guard import grammar
from tests.accounting.guard.fuzz import check, run
from tests.accounting.guard.reading import selectors
from tests.accounting.guard.series import FAMILIES, FOREIGN, MINE

CPU, MEMORY = "rackwatt_unit_cpu_seconds_total", "rackwatt_unit_memory_used_bytes"
OWN = r'unit=~"101|102|10\\.1"'


def enforced(text: str, ids: tuple[str, ...] = MINE) -> str:
    out = Expression(text).enforced(FAMILIES, ids)
    check(text, ids)
    return " ".join(out.split()).replace("( ", "(").replace(" )", ")")


def refused(text: str, families: tuple[Families, ...] = FAMILIES) -> str:
    with pytest.raises(GuardError) as caught:
        Expression(text).enforced(families, MINE)
    return str(caught.value)


def test_a_second_selector_behind_one_of_the_caller_is_enforced() -> None:
    out = enforced(f'{CPU}{{unit="101"}} or {CPU}{{unit=~".+"}}')
    assert out == f'{CPU}{{unit="101",{OWN}}} or {CPU}{{unit=~".+",{OWN}}}'


@pytest.mark.parametrize(
    ("text", "out"),
    [
        (CPU, f"{CPU}{{{OWN}}}"),
        (f"{CPU}{{}}", f"{CPU}{{{OWN}}}"),
        (f'{CPU}{{unit="201"}}', f'{CPU}{{unit="201",{OWN}}}'),
        (f'{CPU}{{unit!="101"}}', f'{CPU}{{unit!="101",{OWN}}}'),
        (f'{CPU}{{unit=""}}', f'{CPU}{{unit="",{OWN}}}'),
        (f'{CPU}{{"unit"=~".*"}}', f'{CPU}{{unit=~".*",{OWN}}}'),
        (f"rate({CPU}[5m])", f"rate({CPU}{{{OWN}}}[5m])"),
        (f"rate({CPU}[5m] offset 1h)", f"rate({CPU}{{{OWN}}}[5m] offset 1h)"),
        (f"{CPU} @ 100 offset -5m", f"{CPU}{{{OWN}}} @ 100.000 offset -5m"),
        (f"{CPU} @ start()", f"{CPU}{{{OWN}}} @ start()"),
        (
            f"max_over_time(rate({CPU}[5m])[1h:1m] @ end())",
            f"max_over_time(rate({CPU}{{{OWN}}}[5m])[1h:1m] @ end())",
        ),
        (f"{CPU}[1h:] offset 2m", f"{CPU}{{{OWN}}}[1h:] offset 2m"),
        (f"topk(scalar({MEMORY}), {CPU})", f"topk(scalar({MEMORY}{{{OWN}}}), {CPU}{{{OWN}}})"),
        (f"absent({CPU})", f"absent({CPU}{{{OWN}}})"),
        (f"-{CPU}", f"-{CPU}{{{OWN}}}"),
        (f"({CPU})", f"({CPU}{{{OWN}}})"),
        (f"{CPU} unless {MEMORY}", f"{CPU}{{{OWN}}} unless {MEMORY}{{{OWN}}}"),
        (f'{{"{CPU}"}}', f'{{__name__="{CPU}",__name__=~"rackwatt_unit_.*",{OWN}}}'),
        ('{__name__=~".+"}', f'{{__name__=~".+",__name__=~"rackwatt_unit_.*",{OWN}}}'),
        ('{node="n1"}', f'{{__name__=~"rackwatt_unit_.*",node="n1",{OWN}}}'),
        (
            f'{CPU}{{mode="user" or unit="201"}}',
            f'{CPU}{{mode="user", {OWN} or unit="201", {OWN}}}',
        ),
        (f"{CPU} # {{}}\n", f"{CPU}{{{OWN}}}"),
        ("vector(1)", "vector(1)"),
        ("1 + 1", "1 + 1"),
    ],
)
def test_every_selector_of_an_expression_is_enforced(text: str, out: str) -> None:
    assert enforced(text) == out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("up", "up has no label of units"),
        ('up{unit="101"}', "up has no label of units"),
        ('{__name__="up"}', "up has no label of units"),
        ('{"up"}', "up has no label of units"),
        (f'{{"{CPU}", "up"}}', "has no label of units"),
        (f'{{__name__="{CPU}" or __name__="up"}}', "up has no label of units"),
        (f"{CPU} or up", "up has no label of units"),
        (f"scalar(up) * {CPU}", "up has no label of units"),
        ('node_systemd_unit_state{unit="101"}', "has no label of units"),
        (f"info({CPU})", "the function info is not among those of users"),
        (f'info({CPU}, {{node=~".+"}})', "the function info is not among those of users"),
        (f"{CPU}[5m] smoothed", "not understood"),
        (f"rate({CPU}[5m] anchored)", "not understood"),
        (f"{CPU} offset scalar({MEMORY})", "not understood"),
        ("range()", "the function range is not among those of users"),
        ("nonsense(", "not understood"),
        ("", "not understood"),
        (f'label_replace({CPU}, "a", "\\x00", "b", "c")', "control characters"),
        (f'{CPU}{{a="\\x7f"}}', "control characters"),
        (f'{CPU}{{a="VectorSelector {{"}}', "a selector where none is understood"),
        (f'{CPU}{{__name__="up"}}', "not understood"),
        (f"{CPU}\udcff", "not understood"),
        (f"{CPU} @ 1e18", "not understood"),
    ],
)
def test_what_users_may_not_query_is_refused_with_the_reason(text: str, reason: str) -> None:
    assert reason in refused(text)


def test_an_expression_without_units_matches_no_series_not_even_those_without_the_label() -> None:
    assert enforced(CPU, ()) == f'{CPU}{{unit="",unit=~".+"}}'


@pytest.mark.parametrize("unit", FOREIGN + MINE)
def test_a_unit_s_id_is_matched_as_it_is(unit: str) -> None:
    for ids in ((unit,), (unit, "7")):
        (only,) = selectors(Expression(CPU).enforced(FAMILIES, ids))
        for other in (*FOREIGN, *MINE, "", "1", "7"):
            labels = {"__name__": CPU, "unit": other}
            assert only.matches(labels) == (other in ids)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), st.text(max_size=8))
def test_an_id_of_any_text_matches_no_other_or_is_refused(unit: str, other: str) -> None:
    try:
        out = Expression(CPU).enforced(FAMILIES, (unit, "x" + unit))
    except GuardError:
        return
    (only,) = selectors(out)
    assert only.matches({"__name__": CPU, "unit": other}) == (other in (unit, "x" + unit))


def test_pinned_labels_keep_clusters_apart_that_have_the_same_ids() -> None:
    families = (
        Families("unit", ("rackwatt_unit_*",), (("cluster", "alpha"), ("manager", "slurm"))),
    )
    out = Expression(f'{CPU}{{cluster="beta"}}').enforced(families, ("1",))
    assert out == f'{CPU}{{cluster="alpha",cluster="beta",manager="slurm",unit="1"}}'


def test_families_with_different_labels_need_a_name_in_each_selector() -> None:
    families = (UNIT_FAMILIES, Families("uuid", ("ceems_compute_unit_*",)))
    assert (
        Expression("ceems_compute_unit_x").enforced(families, ("1",))
        == 'ceems_compute_unit_x{uuid="1"}'
    )
    assert refused('{__name__=~"ceems.*"}', families) == "name a metric in each selector"


def test_every_function_of_the_list_is_one_of_the_parser() -> None:
    for name in FUNCTIONS:
        with pytest.raises(ValueError, match=r"argument|type"):
            promql.parse(f"{name}(1, 1, 1, 1, 1, 1, 1)" if name != "label_join" else f"{name}()")


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
def test_every_aggregation_of_the_list_is_enforced(name: str) -> None:
    parameter = {"count_values": '"a", '}.get(name, "1, " if name in {
        "topk", "bottomk", "quantile", "limitk", "limit_ratio"} else "")  # fmt: skip
    assert OWN in enforced(f"{name}({parameter}{CPU})")


def test_a_node_that_is_not_known_is_refused() -> None:
    later = promql.AggModifier(promql.AggModifierType.By, [])  # as a later parser may have a node
    with pytest.raises(GuardError):
        list(nodes(later))  # type: ignore[arg-type]


DEEP = [
    "(" * 8000 + CPU + ")" * 8000,
    "(" * 8000,
    "-" * 16000 + CPU,
    "^".join(["1"] * 8000),
    "+".join(["1"] * 8000),
    "1 and " * 2500 + "1",
    "abs(" * 3000 + CPU + ")" * 3000,
    CPU + "[5m:]" * 3000,
    '# "\n' + "-" * 10000 + '1 # "',
    "'" + '"' * 3 + "'" + "-" * 10000 + "1",
    "`\\`" + "-" * 10000 + '1 "`"',
    "-" * 20000,
]


def test_an_expression_of_many_levels_is_refused_and_ends_no_process() -> None:
    code = (
        "import json, sys\n"
        "from rackwatt_accounting.guard.expression import Expression\n"
        "from rackwatt_accounting.guard.refusal import GuardError\n"
        "for text in json.load(sys.stdin):\n"
        "    try: Expression(text)\n"
        "    except GuardError: print('refused', flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(DEEP), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()) == (0, ["refused"] * len(DEEP)), done.stderr


def test_the_most_levels_that_are_taken_are_printed_and_read_back() -> None:
    for text in ("(" * 80 + CPU + ")" * 80, "-" * 80 + CPU, "^".join(["1"] * 81)):
        assert Expression(text).enforced(FAMILIES, MINE)


@pytest.mark.parametrize("number", ["1e300", "1e20", "9" * 400])
def test_a_number_at_which_the_parser_panics_is_refused(number: str) -> None:
    for text in (f"{CPU}[{number}]", f"{CPU}[5m:{number}]", f"{CPU} offset {number}",
                 f"{CPU} offset -{number}", f"{CPU} @ {number}"):  # fmt: skip
        refused(text)


def test_an_expression_that_is_too_long_is_refused() -> None:
    assert "longer" in refused(CPU + " " * MAX_TEXT)


def test_many_units_in_many_selectors_are_refused_before_they_are_written() -> None:
    text = "+".join([CPU] * 80)
    ids = tuple(f"{number:036d}" for number in range(500))
    with pytest.raises(GuardError, match="too many units"):
        Expression(text).enforced(FAMILIES, ids)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (CPU, None),
        (f'{CPU}{{unit="7"}}', {"7"}),
        (f'{CPU}{{unit=~"7|8"}}', {"7", "8"}),
        (f'{CPU}{{unit=~"(7|8)"}}', {"7", "8"}),
        (f'{CPU}{{unit=~"7.*"}}', None),
        (f'{CPU}{{unit=~"7|8*"}}', None),
        (f'{CPU}{{unit!="7"}}', None),
        (f'{CPU}{{unit=""}}', None),
        (f'{CPU}{{node="7"}}', None),
        (f'{CPU}{{unit="7"}} + {CPU}{{unit="8"}}', {"7", "8"}),
        (f'{CPU}{{unit="7"}} + {CPU}', None),
        (f'{CPU}{{unit="7" or mode="user"}}', None),
        (f'{CPU}{{unit="7" or unit="8"}}', {"7", "8"}),
        ("1", set()),
    ],
)
def test_units_that_an_expression_names_are_found(text: str, ids: set[str] | None) -> None:
    assert Expression(text).ids(FAMILIES) == ids


@given(st.integers(0, 2**32))
def test_a_random_query_never_selects_a_foreign_series(seed: int) -> None:
    check(grammar.query(Random(seed)))


@given(st.text(st.sampled_from("x{}\"=~or,()[]: \\#`'@5mu"), max_size=40))
def test_a_random_text_never_selects_a_foreign_series(text: str) -> None:
    check(text)
    check(f"{CPU}{{{text}}}")
    check(f'{CPU}{{a="{text}"}}')


def test_some_thousand_random_queries_never_select_a_foreign_series() -> None:
    counts = run(3000, 20261130)
    assert counts["passed"] > 900
    assert counts["selects"] > 300


def unescaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector_module, "alternatives", "|".join)


def unenforced_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = selector_module.required_by
    monkeypatch.setattr(
        selector_module, "required_by",
        lambda one, group, *rest: [] if group and group[0].label == "owner" else whole(one, group, *rest),
    )  # fmt: skip
    monkeypatch.setattr("rackwatt_accounting.guard.expression.required_by", lambda *_: [])


def unlimited_families(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Families, "has", lambda *_: True)


@pytest.mark.parametrize("broken", [unescaped, unenforced_alternatives, unlimited_families])
def test_random_queries_find_a_guard_that_is_broken(
    broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(broken)
    broken(monkeypatch)
    with pytest.raises(AssertionError, match="which selects"):
        run(3000, 1)


def test_the_second_reading_finds_a_metric_without_matchers() -> None:
    for text in (
        f"{CPU}{{unit='1'}} + up",
        "up",
        "sum(up)",
        "sum by (unit) (up)",
        "up[5m]",
        "a or b",
    ):
        with pytest.raises(AssertionError):
            list(selectors(text))


@given(st.text(max_size=20))
def test_an_escaped_text_is_matched_alone(text: str) -> None:
    assert re.fullmatch(escaped(text), text, re.DOTALL)


def test_the_parser_s_own_text_of_a_matcher_is_never_sent() -> None:
    # It is not escaped: the reason why `selector` writes its own.
    assert str(promql.Matcher(promql.MatchOp.Equal, "a", 'x"} or up{b="')) == 'a="x"} or up{b=""'
    assert isinstance(parse(f'{CPU}{{a="x\\"}} or up{{b=\\""}}'), promql.VectorSelector)
