"""Node states through sinfo: a real Slurm 22.05, whose oracle is scontrol, and captures of 24.11."""

import asyncio
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.sinfo import Sinfo, parse_states, parse_version
from tests.exporter.schedulers.conftest import LONG_NAME, TRUTH, WORDS
from tests.patience import PATIENCE_S, eventually
from tests.peers.slurm import SlurmCluster

DATA = Path(__file__).parents[2] / "data"
LOOPS = ("asyncio", "uvloop")  # each starts and reaps children in its own way


def here(cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, path: str | None = None) -> Sinfo:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    return Sinfo(LocalHost(), path, PATIENCE_S)


def wrapper(directory: Path, script: str) -> str:
    """Put a script in the place of sinfo, as sites do, and give its folder."""
    path = directory / "sinfo"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(directory)


async def failure_of(sinfo: Sinfo) -> ReadError:
    with pytest.raises(ReadError) as caught:
        await sinfo.read()
    return caught.value


async def test_every_state_of_a_real_slurm_is_read(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await here(stage, monkeypatch).read()
    assert stage.truth() == TRUTH
    assert answer.states == WORDS
    assert answer.version == "22.05.8"


async def test_the_long_state_tells_the_same_where_there_is_no_complete_one(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An older Slurm does not know StateComplete: so this one is asked for what it does not know."""
    real = shutil.which("sinfo")
    script = f'exec {real} $(echo "$@" | sed s/StateComplete/StateUnheardOf/)'
    answer = await here(stage, monkeypatch, wrapper(tmp_path, script)).read()
    assert answer.states == WORDS


async def test_words_on_stderr_are_no_failure(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f'echo "sinfo: be warned" >&2; exec {shutil.which("sinfo")} "$@"'
    answer = await here(stage, monkeypatch, wrapper(tmp_path, script)).read()
    assert answer.states == WORDS


async def test_a_greeting_before_the_nodes_is_passed_over(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f'echo "Welcome | to | this | machine"; exec {shutil.which("sinfo")} "$@"'
    answer = await here(stage, monkeypatch, wrapper(tmp_path, script)).read()
    assert answer.states == WORDS


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
        assert answer.states == {"n1": "idle"}


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
        assert set((await sinfo.read()).states) == {"n1"}


async def test_a_munge_key_that_is_not_the_clusters_is_auth_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with SlurmCluster("n1") as cluster, SlurmCluster("n1") as other:
        text = cluster.configuration.read_text()
        (tmp_path / "slurm.conf").write_text(
            text.replace(f"{cluster.directory}/munge.socket", f"{other.directory}/munge.socket")
        )
        monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
        error = await failure_of(Sinfo(LocalHost(), None, PATIENCE_S))
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
    error = await failure_of(Sinfo(LocalHost(), str(tmp_path), PATIENCE_S))
    assert error.reason is Reason.COMMAND_FAILED
    assert "install" in str(error)


async def test_a_missing_slurm_conf_is_command_failed_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    said = "sinfo: error: fetch_config: DNS SRV lookup failed"  # by the real one of 22.05
    fatal = "sinfo: fatal: Could not establish a configuration source"
    script = f"printf '%s\n' '{said}' '{fatal}' >&2; exit 1"
    error = await failure_of(Sinfo(LocalHost(), wrapper(tmp_path, script), PATIENCE_S))
    assert error.reason is Reason.COMMAND_FAILED
    assert "SLURM_CONF" in str(error)


async def test_another_failure_is_command_failed_in_the_words_of_the_command(
    tmp_path: Path,
) -> None:
    folder = wrapper(tmp_path, "echo 'sinfo: the cat sat on it' >&2; exit 3")
    error = await failure_of(Sinfo(LocalHost(), folder, PATIENCE_S))
    assert error.reason is Reason.COMMAND_FAILED
    assert str(error).endswith("sinfo ended with status 3: sinfo: the cat sat on it")


async def test_what_a_wrapper_started_does_not_outlive_the_deadline(tmp_path: Path) -> None:
    """The grandchild holds the pipe; it goes with the whole process group."""
    mark = tmp_path / "grandchild"
    folder = wrapper(tmp_path, f"sh -c 'echo $$ > {mark}; sleep 600' & wait")
    for timeout_s in (1, 4, 16, 64):  # until there was time for it to start
        error = await failure_of(Sinfo(LocalHost(), folder, timeout_s))
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
    assert (await sinfo.read()).states == WORDS


async def gone(pid: int) -> None:
    """Wait until a process is no more than a zombie."""
    command = Path(f"/proc/{pid}/cmdline")
    await eventually(lambda: not command.exists() or not command.read_bytes())


class Printing:
    """A host where every command prints the same."""

    def __init__(self, output: bytes) -> None:
        self._output = output

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        return self._output

    async def close(self) -> None:
        return


async def test_no_node_at_all_is_a_bad_reply_that_names_the_likely_reason() -> None:
    error = await failure_of(Sinfo(Printing(b"\n"), None, PATIENCE_S))
    assert error.reason is Reason.BAD_REPLY
    assert "PrivateData" in str(error)


async def test_something_else_than_nodes_is_a_bad_reply_that_shows_it() -> None:
    error = await failure_of(Sinfo(Printing(b"<html>\x1b[0m</html>"), None, PATIENCE_S))
    assert error.reason is Reason.BAD_REPLY
    assert "<html>" in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("version", ["22.05", "24.11"])
def test_captures_of_both_versions_say_the_same(version: str) -> None:
    capture = (DATA / f"slurm-{version}" / "statecomplete.txt").read_text()
    printed = "".join(
        f"{line}|\n" for line in capture.splitlines()
    )  # no third column was asked for
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


@given(st.binary())
def test_any_output_has_a_version_that_is_fit_to_show(output: bytes) -> None:
    assert parse_version(output).isprintable()


NODE_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True)


@given(st.dictionaries(NODE_NAMES, st.sampled_from(["idle", "mixed", "down"]), min_size=1))
def test_a_node_of_two_partitions_is_there_once(nodes: dict[str, str]) -> None:
    lines = [f"{name}|{state}|{state}|\n" for name, state in nodes.items()]
    assert parse_states("".join(lines + lines).encode()) == nodes
