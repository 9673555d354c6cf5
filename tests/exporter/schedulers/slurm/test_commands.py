"""Node states through sinfo: a real Slurm 22.05, whose oracle is scontrol, and captures of 24.11."""

import asyncio
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from tests.eventually import PATIENCE_S, eventually
from tests.exporter.schedulers.conftest import REASON, SILENT, TRUTH, WORDS
from tests.exporter.schedulers.snapshots import details, details_by_scontrol, states
from tests.peers.slurm import SlurmCluster

LOOPS = ("asyncio", "uvloop")  # each starts and reaps children in its own way


def here(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, path: str | None = None
) -> SlurmCommands:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    return SlurmCommands(
        SchedulerCommands(LocalHost(VARIABLES, SETTINGS), path, PATIENCE_S), jobs=False
    )


def wrapper(directory: Path, script: str) -> str:
    """Put a script in the place of sinfo, as sites do, and give its folder."""
    path = directory / "sinfo"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(directory)


async def failure_of(sinfo: SlurmCommands) -> ReadError:
    with pytest.raises(ReadError) as caught:
        await sinfo.read()
    return caught.value


async def test_every_state_of_a_real_slurm_is_read(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await here(stage, monkeypatch).read()
    assert stage.truth() == TRUTH
    assert states(answer) == WORDS
    assert answer.version == "22.05.8"
    assert answer.usage is not None
    assert set(WORDS) - answer.usage.keys() - {"d1", "d2"} == SILENT


async def test_base_flags_partitions_and_reason_of_a_real_slurm_are_those_of_scontrol(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = await here(stage, monkeypatch).read()
    expected = details_by_scontrol(stage)
    # sinfo itself prints allocated+drain of a node that is mixed and drains.
    expected["n11"] = "allocated", {"drain"}, {"again", "batch"}, "test"
    assert details(snapshot) == expected
    assert snapshot.nodes["n6"].reason == REASON
    assert snapshot.nodes["n1"].partitions == ("again", "batch")


async def test_the_long_state_replaces_the_complete_one_where_sinfo_lacks_it(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An older Slurm does not know StateComplete; here sinfo gets a field that it does not know."""
    real = shutil.which("sinfo")
    script = f'exec {real} $(echo "$@" | sed s/StateComplete/StateUnheardOf/)'
    answer = await here(stage, monkeypatch, wrapper(tmp_path, script)).read()
    assert states(answer) == WORDS


async def test_words_on_stderr_are_no_failure(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f'echo "sinfo: be warned" >&2; exec {shutil.which("sinfo")} "$@"'
    answer = await here(stage, monkeypatch, wrapper(tmp_path, script)).read()
    assert states(answer) == WORDS


async def test_a_greeting_before_the_nodes_is_passed_over(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f'echo "Welcome | to | this | machine"; exec {shutil.which("sinfo")} "$@"'
    answer = await here(stage, monkeypatch, wrapper(tmp_path, script)).read()
    assert states(answer) == WORDS


def as_daemon(directory: Path) -> str:
    """Give the folder of a sinfo that an ordinary user runs: root sees what others do not."""
    directory.mkdir()
    ordinary = "setpriv --reuid=daemon --regid=daemon --clear-groups"
    return wrapper(directory, f'exec {ordinary} {shutil.which("sinfo")} "$@"')


async def test_nodes_of_a_hidden_partition_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with SlurmCluster("n1") as cluster:
        for partition in ("batch", "again"):
            cluster.scontrol("update", f"partitionname={partition}", "hidden=yes")
        answer = await here(cluster, monkeypatch, as_daemon(tmp_path / "bin")).read()
        assert states(answer) == {"n1": "idle"}


async def test_a_slurmctld_that_is_gone_is_unreachable_and_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SlurmCluster("n1", more="SlurmctldTimeout=1\nMessageTimeout=3") as cluster:
        sinfo = here(cluster, monkeypatch)
        await sinfo.read()
        cluster.stop_controller()
        error = await failure_of(sinfo)
        assert error.reason in (Reason.UNREACHABLE, Reason.TIMEOUT)
        assert "slurmctld" in str(error)
        cluster.start_controller()
        assert set((await sinfo.read()).nodes) == {"n1"}


async def test_a_munge_key_that_is_not_the_clusters_is_auth_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with SlurmCluster("n1") as cluster, SlurmCluster("n1") as other:
        text = cluster.configuration.read_text()
        (tmp_path / "slurm.conf").write_text(
            text.replace(f"{cluster.directory}/munge.socket", f"{other.directory}/munge.socket")
        )
        monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
        error = await failure_of(
            SlurmCommands(
                SchedulerCommands(LocalHost(VARIABLES, SETTINGS), None, PATIENCE_S), jobs=False
            )
        )
    assert error.reason is Reason.AUTH_FAILED
    assert "munged" in str(error)


async def test_a_user_whom_nodes_are_hidden_from_has_not_the_privilege(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with SlurmCluster("n1", more="PrivateData=nodes") as cluster:
        error = await failure_of(here(cluster, monkeypatch, as_daemon(tmp_path / "bin")))
    assert error.reason is Reason.PRIVILEGE_INSUFFICIENT
    assert "PrivateData" in str(error)


async def test_a_missing_sinfo_is_command_failed_and_says_what_to_do(tmp_path: Path) -> None:
    error = await failure_of(
        SlurmCommands(
            SchedulerCommands(LocalHost(VARIABLES, SETTINGS), str(tmp_path), PATIENCE_S), jobs=False
        )
    )
    assert error.reason is Reason.COMMAND_FAILED
    assert "install" in str(error)


async def test_a_missing_slurm_conf_is_command_failed_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    said = "sinfo: error: fetch_config: DNS SRV lookup failed"  # by the real one of 22.05
    fatal = "sinfo: fatal: Could not establish a configuration source"
    script = f"printf '%s\n' '{said}' '{fatal}' >&2; exit 1"
    error = await failure_of(
        SlurmCommands(
            SchedulerCommands(
                LocalHost(VARIABLES, SETTINGS), wrapper(tmp_path, script), PATIENCE_S
            ),
            jobs=False,
        )
    )
    assert error.reason is Reason.COMMAND_FAILED
    assert "SLURM_CONF" in str(error)


async def test_another_failure_is_command_failed_in_the_words_of_the_command(
    tmp_path: Path,
) -> None:
    folder = wrapper(tmp_path, "echo 'sinfo: the cat sat on it' >&2; exit 3")
    error = await failure_of(
        SlurmCommands(
            SchedulerCommands(LocalHost(VARIABLES, SETTINGS), folder, PATIENCE_S), jobs=False
        )
    )
    assert error.reason is Reason.COMMAND_FAILED
    assert str(error).endswith("sinfo ended with status 3: sinfo: the cat sat on it")


async def test_what_a_wrapper_started_does_not_outlive_the_deadline(tmp_path: Path) -> None:
    """The grandchild holds the pipe; it goes with the whole process group."""
    mark = tmp_path / "grandchild"
    folder = wrapper(tmp_path, f"sh -c 'echo $$ > {mark}; sleep 600' & wait")
    for timeout_s in (1, 4, 16, 64):  # until there was time for it to start
        error = await failure_of(
            SlurmCommands(
                SchedulerCommands(LocalHost(VARIABLES, SETTINGS), folder, timeout_s), jobs=False
            )
        )
        assert error.reason is Reason.TIMEOUT
        if mark.exists() and mark.read_text():
            break
    await gone(int(mark.read_text()))


async def test_a_cancelled_reading_leaves_no_process_and_can_be_repeated(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    real = shutil.which("sinfo")
    script = f'[ -e {mark} ] && exec {real} "$@"; echo $$ > {mark}; exec sleep 600'
    sinfo = here(stage, monkeypatch, wrapper(tmp_path, script))
    reading = asyncio.create_task(sinfo.read())
    await eventually(lambda: mark.exists() and mark.read_text())
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await gone(int(mark.read_text()))
    assert states(await sinfo.read()) == WORDS


async def gone(pid: int) -> None:
    """Wait until a process is no more than a zombie."""
    command = Path(f"/proc/{pid}/cmdline")
    await eventually(lambda: not command.exists() or not command.read_bytes())


class Printing:
    """A host where sinfo prints what a test says; `commands` keeps what was run."""

    def __init__(self, nodes: bytes, count: bytes | ReadError = b"") -> None:
        self.nodes, self.count = nodes, count
        self.commands: list[str] = []

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        words = " ".join(argv)
        if "--version" in words:
            return b"slurm 24.11.5\n"
        output = self.count if "%D" in words else self.nodes
        self.commands.append("count" if "%D" in words else "nodes")
        if isinstance(output, ReadError):
            raise output
        return output

    async def close(self) -> None:
        return


async def test_no_node_at_all_is_a_bad_reply_that_names_the_likely_reason() -> None:
    error = await failure_of(
        SlurmCommands(SchedulerCommands(Printing(b"\n"), None, PATIENCE_S), jobs=False)
    )
    assert error.reason is Reason.BAD_REPLY
    assert "PrivateData" in str(error)


async def test_something_else_than_nodes_is_a_bad_reply_that_shows_it() -> None:
    error = await failure_of(
        SlurmCommands(
            SchedulerCommands(Printing(b"<html>\x1b[0m</html>"), None, PATIENCE_S), jobs=False
        )
    )
    assert error.reason is Reason.BAD_REPLY
    assert "<html>" in str(error)
    assert "\x1b" not in str(error)


TWO = b"n1|idle|idle|n1|\nn2|down|down|n2|\n"
FOUR = TWO + b"n3|idle|module: loaded\n|idle|n3|\nn4|idle|idle|n4|\n"


async def test_nodes_are_counted_once_as_long_as_they_are_the_same() -> None:
    host = Printing(TWO, b"2|2|\n")
    sinfo = SlurmCommands(SchedulerCommands(host, None, PATIENCE_S), jobs=False)
    for _ in range(3):
        answer = await sinfo.read()
        assert (answer.unread, answer.note) == (0, "")
    assert host.commands == ["nodes", "count", "nodes", "nodes"]


async def test_nodes_that_come_or_go_are_counted_again() -> None:
    host = Printing(TWO, b"2|2|\n")
    sinfo = SlurmCommands(SchedulerCommands(host, None, PATIENCE_S), jobs=False)
    await sinfo.read()
    host.nodes, host.count = b"n1|idle|idle|n1|\n", b"1|1|\n"
    assert (await sinfo.read()).unread == 0
    assert host.commands == ["nodes", "count"] * 2


async def test_nodes_that_stay_the_same_are_counted_again_now_and_then() -> None:
    host = Printing(TWO, b"2|2|\n")
    sinfo = SlurmCommands(SchedulerCommands(host, None, PATIENCE_S), jobs=False)
    for _ in range(250):
        await sinfo.read()
    assert host.commands.count("count") == 3


async def test_a_line_that_is_lost_is_counted_and_reported_and_costs_no_other_node() -> None:
    host = Printing(FOUR, b"4|4|\n")
    sinfo = SlurmCommands(SchedulerCommands(host, None, PATIENCE_S), jobs=False)
    answer = await sinfo.read()
    assert states(answer) == {"n1": "idle", "n2": "down", "n4": "idle"}
    assert answer.unread == 1
    assert "counts 4 nodes and lists 3" in answer.note
    assert "n3|idle|module: loaded" in answer.note
    host.nodes, host.count = TWO, b"2|2|\n"
    assert (await sinfo.read()).note == ""


COMPLETE = b"".join(
    b"%b|idle|idle|%b|batch|%b|none|%b|0/4/0/4|1000|0|(null)|(null)|(null)|0|1|%b|0.5|9|%b|\n"
    % ((name,) * 6)
    for name in (b"n1", b"n2")
)


async def test_a_greeting_that_looks_like_a_row_is_no_node_where_sinfo_counts_fewer() -> None:
    host = Printing(b"| motd | n9|idle|idle|n9|\nhost|x|\n" + COMPLETE, b"2|2|\n")
    answer = await SlurmCommands(SchedulerCommands(host, None, PATIENCE_S), jobs=False).read()
    assert states(answer) == {"n1": "idle", "n2": "idle"}
    assert (answer.unread, answer.note) == (0, "")


async def test_a_row_that_is_cut_off_is_a_node_where_sinfo_counts_as_many() -> None:
    host = Printing(b"n9|idle|idle|n9|\n" + COMPLETE, b"3|3|\n")
    answer = await SlurmCommands(SchedulerCommands(host, None, PATIENCE_S), jobs=False).read()
    assert states(answer) == {"n1": "idle", "n2": "idle", "n9": "idle"}


async def test_rows_that_may_be_a_greeting_are_unread() -> None:
    cut = b"n8|idle|idle|n8|\nn9|idle|idle|n9|\n"
    answer = await SlurmCommands(
        SchedulerCommands(Printing(cut + COMPLETE, b"3|3|\n"), None, PATIENCE_S), jobs=False
    ).read()
    assert states(answer) == {"n1": "idle", "n2": "idle"}
    assert answer.unread == 1
    assert answer.note == "sinfo counts 3 nodes and lists 2; it could not be read: n8"


async def test_a_wrapper_that_cuts_the_list_is_noticed_by_the_count() -> None:
    answer = await SlurmCommands(
        SchedulerCommands(Printing(TWO, b"5|5|\n"), None, PATIENCE_S), jobs=False
    ).read()
    assert answer.unread == 3
    assert answer.note == "sinfo counts 5 nodes and lists 2"


@pytest.mark.parametrize("count", [b"no count", ReadError(Reason.COMMAND_FAILED, "not allowed")])
async def test_where_nodes_cannot_be_counted_a_line_that_cannot_be_read_is_still_reported(
    count: bytes | ReadError,
) -> None:
    assert (
        await SlurmCommands(
            SchedulerCommands(Printing(TWO, count), None, PATIENCE_S), jobs=False
        ).read()
    ).note == ""
    answer = await SlurmCommands(
        SchedulerCommands(Printing(FOUR, count), None, PATIENCE_S), jobs=False
    ).read()
    assert answer.unread == 2  # halves of a line
    assert "could not be read: n3" in answer.note


async def test_variables_of_a_site_reach_no_command(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With SLURM_CLUSTERS a real sinfo would ask a slurmdbd, which this cluster does not have."""
    for name, value in {
        "SLURM_CLUSTERS": "other",
        "SINFO_PARTITION": "nowhere",
        "SINFO_ALL": "1",
        "SINFO_FORMAT": "%N",
        "SLURM_TIME_FORMAT": "relative",
        "LC_ALL": "de_DE.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    assert states(await here(stage, monkeypatch).read()) == WORDS


async def test_only_variables_that_sinfo_needs_are_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_CONF", "/there/slurm.conf")
    monkeypatch.setenv("SECRET_OF_THE_EXPORTER", "x")
    printed = (await LocalHost(VARIABLES, SETTINGS).run(("env",), PATIENCE_S)).decode().splitlines()
    names = {line.partition("=")[0] for line in printed}
    assert {"PATH", "LC_ALL", "SLURM_CONF"} <= names
    ours = {"PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH", "TMPDIR", "LC_ALL"}
    settings = {setting.partition("=")[0] for setting in SETTINGS}
    assert names <= ours | settings | {*VARIABLES}
    assert {"LC_ALL=C", *SETTINGS} <= {*printed}


async def test_the_states_of_another_cluster_are_a_bad_reply(tmp_path: Path) -> None:
    """A wrapper of the site's own asks for other clusters."""
    folder = wrapper(tmp_path, r"printf 'CLUSTER: other\nn1|down|down|n1|\n'")
    error = await failure_of(
        SlurmCommands(SchedulerCommands(LocalHost(), folder, PATIENCE_S), jobs=False)
    )
    assert error.reason is Reason.BAD_REPLY
    assert "other" in str(error)
    assert "slurm.cluster" in str(error)


async def test_a_greeting_that_names_a_cluster_is_no_other_cluster(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f'echo "Welcome to CLUSTER: alpine"; exec {shutil.which("sinfo")} "$@"'
    sinfo = here(stage, monkeypatch, wrapper(tmp_path, script))
    for _ in range(2):
        answer = await sinfo.read()
        assert (states(answer), answer.version, answer.note) == (WORDS, "22.05.8", "")


async def test_sinfo_reads_the_cluster_that_the_document_names(tmp_path: Path) -> None:
    script = r"""
case "$*" in *"-M prod"*) echo "CLUSTER: prod";; *) echo "CLUSTER: other";; esac
case "$*" in *--local*) exit 3;; *%D*) echo "1|1|";; *) echo "n1|idle|idle|n1|";; esac
"""
    answer = await SlurmCommands(
        SchedulerCommands(LocalHost(), wrapper(tmp_path, script), PATIENCE_S), "prod", jobs=False
    ).read()
    assert states(answer) == {"n1": "idle"}


async def test_a_cluster_that_slurm_does_not_know_is_named_in_the_message(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(stage.configuration))
    error = await failure_of(
        SlurmCommands(
            SchedulerCommands(LocalHost(VARIABLES, SETTINGS), None, PATIENCE_S), "other", jobs=False
        )
    )
    assert error.reason is Reason.COMMAND_FAILED
    assert "slurm.cluster" in str(error)


async def test_slurm_clusters_that_a_wrapper_sets_is_named_in_the_message(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f'SLURM_CLUSTERS=other exec {shutil.which("sinfo")} "$@"'
    error = await failure_of(here(stage, monkeypatch, wrapper(tmp_path, script)))
    assert error.reason is Reason.COMMAND_FAILED
    assert "SLURM_CLUSTERS" in str(error)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("slurm_load_node: Unable to contact slurm controller", Reason.UNREACHABLE),
        ("sinfo: error: Munge encode failed: Failed to access socket", Reason.AUTH_FAILED),
        ("sinfo: error: the cat sat on it", Reason.TIMEOUT),
    ],
)
async def test_what_sinfo_said_before_its_deadline_is_kept(
    words: str, reason: Reason, tmp_path: Path
) -> None:
    folder = wrapper(tmp_path, f"echo '{words}' >&2; exec sleep 600")
    for timeout_s in (0.5, 2, 8, 32):  # until there was time for it to speak
        error = await failure_of(
            SlurmCommands(SchedulerCommands(LocalHost(), folder, timeout_s), jobs=False)
        )
        if words in str(error):
            break
    assert error.reason is reason
    assert words in str(error)


async def test_a_greeting_without_a_newline_before_a_real_sinfo_costs_no_state(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"printf 'Loading modules'; {shutil.which('sinfo')} \"$@\"; printf 'logout|'"
    answer = await here(stage, monkeypatch, wrapper(tmp_path, script)).read()
    assert states(answer) == WORDS
    assert (answer.unread, answer.note) == (0, "")


async def test_a_greeting_that_has_every_column_of_a_real_sinfo_is_no_node(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It shows a node that is not there, and another state of one that is."""
    rows = COMPLETE.decode().replace("n1|", "intruder|")
    assert "n2|idle|" in rows
    assert WORDS["n2"] != "idle"
    (tmp_path / "greeting").write_text(rows)
    script = f'cat {tmp_path}/greeting; {shutil.which("sinfo")} "$@"; cat {tmp_path}/greeting'
    answer = await here(stage, monkeypatch, wrapper(tmp_path, script)).read()
    assert states(answer) == WORDS
    assert (answer.unread, answer.note) == (0, "")
