"""What sinfo prints: captures of each version, greetings around them, and garbage."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.output_format import MARK
from rackwatt_exporter.schedulers.slurm.sinfo_output import (
    Listed,
    parse_count,
    parse_nodes,
    parse_version,
)
from tests.exporter.schedulers.conftest import LONG_NAME

DATA = Path(__file__).parents[3] / "data"


def parse_states(output: bytes) -> dict[str, str]:
    return _states(parse_nodes(output, None))


def _states(listed: Listed) -> dict[str, str]:
    return {name: node.state for name, node in listed.nodes.items()}


@pytest.mark.parametrize("version", ["22.05", "24.11"])
def test_captures_of_both_versions_say_the_same(version: str) -> None:
    capture = (DATA / f"slurm-{version}" / "statecomplete.txt").read_text()
    printed = "".join(
        f"{line}|\n" for line in capture.splitlines()
    )  # no third column was requested
    assert parse_states(printed.encode()) == {
        "n01": "allocated",
        "n02": "idle",
        "n03": "idle",
        "n04": "idle",
        "n05": "drained",
        "n06": "down",
    }


def test_the_three_spellings_of_slurm_24_11_are_one_word() -> None:
    capture = (DATA / "slurm-24.11" / "states_three_spellings.txt").read_text()
    rows = [line.split("|") for line in capture.splitlines() if "|" in line]
    complete = "".join(f"{row[0]}|{row[1]}||\n" for row in rows)
    long = "".join(f"{row[0]}||{row[2]}|\n" for row in rows)
    assert parse_states(complete.encode()) == parse_states(long.encode())
    assert parse_states(long.encode())["n01"] == "draining"


def test_a_name_of_any_length_is_whole() -> None:
    assert parse_states(f"{LONG_NAME * 5}|idle|idle|\n".encode()) == {LONG_NAME * 5: "idle"}


@given(st.binary())
def test_any_output_is_states_or_a_bad_reply(output: bytes) -> None:
    try:
        states = parse_states(output)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert states
        snapshot = SchedulerSnapshot(parse_nodes(output, None).nodes)
        assert relay.decode(relay.encode(snapshot)) == snapshot
    assert (parse_count(output) or 0) >= 0


@given(st.binary())
def test_any_output_has_a_version_that_is_fit_to_show(output: bytes) -> None:
    assert parse_version(output).isprintable()


NODE_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True)


@given(st.dictionaries(NODE_NAMES, st.sampled_from(["idle", "mixed", "down"]), min_size=1))
def test_a_node_of_two_partitions_is_there_once(nodes: dict[str, str]) -> None:
    lines = [f"{name}|{state}|{state}|\n" for name, state in nodes.items()]
    assert parse_states("".join(lines + lines).encode()) == nodes


THREE = {"n1": "idle", "n2": "mixed", "n3": "down"}
LINES = (
    "n1|idle|idle|n1|batch|n1|none|n1|\n"
    "n2|MIXED+CLOUD|mixed|n2|batch|n2|none|n2|\n"
    "n3|down+not_responding|down*|n3|gpu|n3|Not responding|n3|\n"
)
GREETINGS = {
    "a window title": "\x1b]0;user@login1: ~\x07",
    "a window title with a string terminator": "\x1b]2;login1\x1b\\",
    "readline's meta mode": "\x1b[?1034h",
    "colours and a character set": "\x1b[1;31m\x1b(B\x1b[m",
    "keypad mode": "\x1b=\x1b>",
    "words that end in a blank": "Loading modules... ",
    "words that end in a letter": "Loading modules",
    "words that look like a name": "login-1.cluster",
    "a column mark": "module|list|",
    "a title without an end": "\x1b]0;login1",
    "a carriage return": "loading 10%\rloading 100%",
    "letters of another alphabet": "Добро пожаловать\u2026",
}


@pytest.mark.parametrize("greeting", GREETINGS.values(), ids=GREETINGS)
def test_a_greeting_without_a_newline_costs_no_node_its_state(greeting: str) -> None:
    assert parse_states(f"{greeting}{LINES}".encode()) == THREE


@pytest.mark.parametrize("words", [*GREETINGS.values(), "logout", "n9", "|", "n9|idle|"])
def test_words_right_behind_the_last_line_cost_no_node_its_state(words: str) -> None:
    assert parse_states(f"{LINES.rstrip()}{words}".encode()) == THREE
    assert parse_states(f"{LINES}{words}\n".encode()) == THREE


@given(st.text(), st.text())
def test_any_text_around_the_nodes_changes_none_of_them(before: str, behind: str) -> None:
    """No text at all brings a false state, or costs one: unless it controls the terminal."""
    if "\x1b" in before or "CLUSTER: " in before + behind:
        return
    states = parse_states(f"{before}{LINES}{behind}".encode("utf-8", "replace"))
    assert THREE.items() <= states.items()
    assert len(states) == 3 or "|" in before + behind


FULL = "n1{}idle|idle|n1|batch|n1|none|n1|0/4/0/4|1000|0|(null)|(null)|(null)|0|1|n1|0.5|9|n1|\n"
IMITATION = FULL.format("|").replace("n1", "n9")


@pytest.mark.parametrize(
    "greeting", [IMITATION, IMITATION.replace("n9", "n1").replace("idle", "down")]
)
@pytest.mark.parametrize("ends", ["\n", "", " "])
def test_a_greeting_that_has_every_column_of_a_node_is_none(greeting: str, ends: str) -> None:
    printed = FULL.format(MARK)
    for output in (f"{greeting.rstrip()}{ends}{printed}", f"{printed.rstrip()}{ends}{greeting}"):
        assert parse_states(output.encode()) == {"n1": "idle"}


@given(st.text(), st.text())
def test_no_text_without_the_mark_around_marked_lines_changes_anything(
    before: str, behind: str
) -> None:
    if "\x1b" in before or "CLUSTER: " in before + behind or MARK in before + behind:
        return
    output = f"{before}{FULL.format(MARK)}{behind}"
    assert parse_states(output.encode("utf-8", "replace")) == {"n1": "idle"}


def test_lines_without_the_mark_are_nodes_of_a_sinfo_that_prints_none() -> None:
    assert parse_states((FULL.format("|") + IMITATION).encode()) == {"n1": "idle", "n9": "idle"}


def test_a_line_that_other_output_broke_is_reported_and_gives_no_state() -> None:
    listed = parse_nodes(b"n1|idle|idle|n1|\nn2|idle|module: loaded\nidle|n2|\n", None)
    assert _states(listed) == {"n1": "idle"}
    assert listed.unread == ("n2|idle|module: loaded", "idle|n2|")


def test_a_line_whose_two_names_differ_gives_no_state() -> None:
    listed = parse_nodes(b"n1|idle|idle|n1|\nn2|idle|idle|n3|\n", None)
    assert listed[:2] == ({"n1": SchedulerNode("idle", "idle")}, ("n2|idle|idle|n3|",))


@pytest.mark.parametrize(
    ("greeting", "name"),
    [("\x1b]0;login1\x07", "title"), ("\x1b[?1034h", "readline"), ("Loading modules... ", "words")],
)
def test_lines_that_name_a_node_once_are_found_behind_a_greeting(greeting: str, name: str) -> None:
    lines = "n1|idle|idle|\nn2|mixed+cloud|mixed|\nn3|down+not_responding|down*|\n"
    assert parse_states(f"{greeting}{lines}".encode()) == THREE, name


@pytest.mark.parametrize(
    "output",
    [
        "CLUSTER: other\nn1|idle|idle|n1|\n",
        "Loading modules... CLUSTER: other\nn1|idle|idle|n1|\n",
        "CLUSTER: toy\nn1|idle|idle|n1|\n\nCLUSTER: other\nn1|down|down|n1|\n",
        "CLUSTER: other\n",
    ],
)
@pytest.mark.parametrize("cluster", [None, "toy"])
def test_the_answer_of_another_cluster_is_a_bad_reply_that_names_it(
    output: str, cluster: str | None
) -> None:
    with pytest.raises(ReadError) as caught:
        parse_nodes(output.encode(), cluster)
    assert caught.value.reason is Reason.BAD_REPLY
    assert "other" in str(caught.value)
    assert "slurm.cluster" in str(caught.value)


GREETING = "Welcome to CLUSTER: alpine"


@pytest.mark.parametrize("cluster", [None, "toy"])
@pytest.mark.parametrize(
    "greeting",
    [GREETING, f"{GREETING}\r", f"Hello\n  {GREETING}  \nBye", f"{GREETING}\n{GREETING}"],
)
def test_a_cluster_in_a_greeting_is_not_the_one_that_answers(
    greeting: str, cluster: str | None
) -> None:
    version = f"{greeting}\nslurm 24.11.5\n".encode()
    assert _states(parse_nodes(f"{greeting}\n{LINES}".encode(), cluster, version)) == THREE


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (f"{GREETING}\nCLUSTER: other\n", f"{GREETING}\n"),
        (f"{GREETING}\nLoading... CLUSTER: other\n", f"{GREETING}\nLoading... "),
        (f"{GREETING}\n{GREETING}\n", f"{GREETING}\n"),
        ("CLUSTER: other\n", "CLUSTER: other\n"),
        (f"{GREETING}\n", ""),
    ],
)
def test_a_cluster_that_no_greeting_names_is_the_one_that_answers(
    output: str, version: str
) -> None:
    with pytest.raises(ReadError, match="another cluster"):
        parse_nodes(f"{output}{LINES}".encode(), None, f"{version}slurm 24.11.5\n".encode())


def test_the_answer_of_the_cluster_that_is_meant_is_read() -> None:
    output = f"CLUSTER: toy\n{LINES}".encode()
    assert _states(parse_nodes(output, "toy")) == THREE
    with pytest.raises(ReadError, match="name it in") as caught:
        parse_nodes(output, None)
    assert "`slurm.cluster`" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("output", "count"),
    [
        ("5|5|\n", 5),
        ("Loading modules... 5|5|\n", 5),
        ("module 25|5|\n", 5),
        ("\x1b[?1034h12|12|logout", 12),
        ("12|12|\n3 users\n", 12),
        ("7\n", 7),
        ("", None),
        ("n1|idle|idle|n1|\n", None),
        ("5|6|\n", None),
    ],
)
def test_a_count_of_nodes_is_found_by_its_shape(output: str, count: int | None) -> None:
    assert parse_count(output.encode()) == count


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("slurm 22.05.8\n", "22.05.8"),
        ("slurm-wlm 24.11.5\n", "24.11.5"),
        ("Loading modules... slurm 23.11.0-0rc1\nlogout\n", "23.11.0-0rc1"),
        ("\x1b]0;login1\x07slurm 24.05.1", "24.05.1"),
        ("no such thing\n", ""),
    ],
)
def test_a_version_is_found_by_its_shape(output: str, version: str) -> None:
    assert parse_version(output.encode()) == version


def test_a_node_of_three_partitions_is_one_node_with_three_partitions() -> None:
    rows = "".join(f"n1|idle+drain|drained|n1|{name}|n1|bad dimm|n1|\n" for name in "bacb")
    assert parse_nodes(rows.encode(), None)[:2] == (
        {"n1": SchedulerNode("drained", "idle", ("drain",), ("a", "b", "c"), "bad dimm")},
        (),
    )


FORGED = "n2|idle|idle|n2|batch|n2|none|n2|"


@pytest.mark.parametrize(
    "reason",
    [
        "a | b",
        "n1|idle|idle|n1|",
        FORGED,
        f"|{FORGED}|n1|",
        "n1|",
        "|",
        'é "quoted": \\',
        "x" * 500,
    ],
)
def test_a_reason_with_column_marks_is_whole_and_no_other_node(reason: str) -> None:
    output = f"n1|down|down|n1|batch|n1|{reason}|n1|\n".encode()
    expected = SchedulerNode("down", "down", (), ("batch",), reason)
    assert parse_nodes(output, None)[:2] == ({"n1": expected}, ())


@given(st.text())
def test_no_reason_changes_a_state_or_makes_a_node(reason: str) -> None:
    if "\x1b" in reason or "\n" in reason:
        return
    output = f"n1|down|down|n1|batch|n1|{reason}|n1|\n{FORGED}\n".encode("utf-8", "replace")
    assert parse_states(output) == {"n1": "down", "n2": "idle"}


def test_a_reason_of_two_lines_is_unknown_and_costs_no_state() -> None:
    listed = parse_nodes(b"n1|down|down|n1|batch|n1|bad\ndimm|n1|\n" + FORGED.encode(), None)
    assert listed.nodes["n1"] == SchedulerNode("down", "down", (), ("batch",))
    assert listed.unread == ("dimm|n1|",)


@pytest.mark.parametrize("rest", ["batch|n9|none|n1|", "batch", "batch|n1", "a b|n1|none|n1|"])
def test_what_is_behind_a_state_and_is_not_sinfos_is_not_read(rest: str) -> None:
    listed = parse_nodes(f"n1|idle|idle|n1|{rest}\n".encode(), None)
    assert listed.nodes == {"n1": SchedulerNode("idle", "idle")}


def test_columns_that_a_sinfo_does_not_know_are_absent() -> None:
    listed = parse_nodes(b"n1||idle|n1||n1||n1|\n", None)
    assert listed[:2] == ({"n1": SchedulerNode("idle", "idle")}, ())


RESOURCES = "8/0/0/8|16000|2824|gpu:h100:4(S:0)|gpu:h100:3(IDX:0-2)|intel,ib|1795220732|10|"


def test_a_node_has_its_resources_features_and_the_time_of_its_reason() -> None:
    row = f"n1|allocated+drain|draining|n1|batch|n1|bad | dimm|n1|{RESOURCES}n1|\n"
    assert parse_nodes(row.encode(), None).nodes == {
        "n1": SchedulerNode(
            "draining", "allocated", ("drain",), ("batch",), "bad | dimm", 1795220732,
            ("intel", "ib"),
            Resources(8, 16_000 * 2**20, (Gres("gpu", 4, "h100"),)),
            Resources(8, 2824 * 2**20, (Gres("gpu", 3, "h100"),)), 10,
        )
    }  # fmt: skip


def test_resources_that_sinfo_does_not_know_are_unknown_and_not_zero() -> None:
    row = "n1|idle|idle|n1|batch|n1|none|n1|N/A|N/A|||gpu:0|(null)|Unknown|N/A|n1|\n"
    node = parse_nodes(row.encode(), None).nodes["n1"]
    assert node.total == Resources(None, None, None)
    assert node.allocated == Resources(None, None, ())
    assert (node.features, node.reason, node.reason_at_s, node.weight) == ((), "", None, None)


def row(
    name: str = "n1", state: str = "idle", reason: str = "none", usage: str = "0.14|23569",
    partition: str = "batch", mark: str = MARK,
) -> str:  # fmt: skip
    return (
        f"{name}{mark}{state}|{state}|{name}|{partition}|{name}|{reason}|{name}|{RESOURCES}{name}"
        f"|{usage}|{name}|\n"
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ("0.14|23569", NodeUsage(0.14, 23569 * 2**20)),
        ("0.00|0", NodeUsage(0.0, 0)),
        ("N/A|N/A", None),
        ("1.50|N/A", NodeUsage(1.5)),
        ("|7", NodeUsage(None, 7 * 2**20)),
        ("-1|x", None),
        ("0.14-2.71|1-2", None),
    ],
)
def test_load_and_free_memory_are_in_base_units_and_absent_where_there_is_none(
    usage: str, expected: NodeUsage | None
) -> None:
    listed = parse_nodes(row(usage=usage).encode(), None)
    assert listed.usage == ({} if expected is None else {"n1": expected})
    assert listed.nodes["n1"].weight == 10


@pytest.mark.parametrize("state", ["idle+not_responding", "down*", "idle~", "idle#", "mixed%"])
def test_of_a_node_that_is_silent_load_and_free_memory_are_not_known(state: str) -> None:
    listed = parse_nodes(row(state=state).encode(), None)
    assert (len(listed.nodes), listed.usage) == (1, {})


def test_a_line_is_not_parsed_again_where_only_its_load_has_changed() -> None:
    first = parse_nodes((row() + row("n2")).encode(), None)
    later = row(usage="7.00|1") + row("n2", state="down", usage="8.00|2")
    second = parse_nodes(later.encode(), None, b"", first)
    kept, parsed = second.by_line.values()
    assert any(kept is one for one in first.by_line.values())
    assert (kept.name, parsed.name) == ("n1", "n2")
    assert _states(second) == {"n1": "idle", "n2": "down"}
    assert second.usage == {"n1": NodeUsage(7.0, 2**20), "n2": NodeUsage(8.0, 2 * 2**20)}


TEXTS = st.sampled_from(["none", "bad | dimm", "n1|0.5|9|n1|", FORGED, f"{RESOURCES}n1|1|2"])
ROWS = st.builds(
    row,
    name=st.sampled_from(["n1", "n2"]),
    state=st.sampled_from(["idle", "down*", "mixed"]),
    reason=TEXTS,
    usage=st.sampled_from(["0.14|23569", "N/A|N/A", "3|n1", "n1|n1"]),
    partition=st.sampled_from(["batch", "gpu"]),
    mark=st.sampled_from([MARK, MARK, "|"]),
)
NOISE = st.sampled_from(["", "Loading... ", "module|list|", "n1|0.1|2|n1|", "\r"])


@given(st.lists(st.tuples(NOISE, ROWS), min_size=1), st.lists(st.tuples(NOISE, ROWS)))
def test_rows_of_the_last_poll_change_nothing_of_what_is_read(
    before: list[tuple[str, str]], now: list[tuple[str, str]]
) -> None:
    last = parse_nodes("".join(map("".join, before)).encode(), None)
    for output in (now, before, [(behind, line) for line, behind in now], [*now, *before]):
        printed = "".join(map("".join, output)).encode()
        if output:
            assert parse_nodes(printed, None, b"", last) == parse_nodes(printed, None)
