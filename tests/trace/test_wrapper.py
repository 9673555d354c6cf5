"""The wrapper as a job runs it: the command notices nothing, and the exporter hears of it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import PATIENCE_S, until
from tests.exporter.commands.exporter_process import Running, running
from tests.peers.ports import free_ports

WRAPPER = (sys.executable, "-m", "rackwatt_trace")
NOWHERE = "127.0.0.1:9"  # nothing listens there
BINDING = """
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec:
  cluster: alpha
  interval: 1h
  noop: {{}}
  tracing: {{enabled: true, staleAfter: 1h{more}}}
"""


def wrapped(*command: str, flags: Sequence[str] = ("--endpoint", NOWHERE)) -> list[str]:
    return [*WRAPPER, "--jobid", "7", *flags, "--", *command]


def run(*command: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        wrapped(*command), capture_output=True, text=True, timeout=PATIENCE_S, **options
    )


@contextmanager
def started(
    *command: str, flags: Sequence[str], **environment: str
) -> Iterator["subprocess.Popen[str]"]:
    """Run a wrapped command until the block ends."""
    process = subprocess.Popen(
        wrapped(*command, flags=flags),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def exporter(directory: Path, more: str = "", *flags: str) -> Iterator[Running]:
    (directory / "documents").mkdir(exist_ok=True)
    (directory / "documents/prod.yaml").write_text(BINDING.format(more=more))
    with running(
        "run", f"--config.file={directory / 'documents'}", f"--secrets.directory={directory}",
        *(flags or ("--web.listen-address=127.0.0.1:0",)),
    ) as run:  # fmt: skip
        run.until_served(lambda text: text == "ready\n", "/readyz")
        yield run


def traces(run: Running) -> list[dict[str, Any]]:
    found = json.loads(run.get("/trace?format=json"))["processes"]
    assert isinstance(found, list)
    return found


def samplers(mark: str) -> list[str]:
    """List the processes of a mark in their environment that are samplers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment, words = ((process / name).read_bytes() for name in ("environ", "cmdline"))
        except OSError:
            continue
        if mark.encode() in environment and b"rackwatt_trace" in words:
            found.append(words.decode())
    return found


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_the_exit_status_is_that_of_the_command(status: int) -> None:
    done = run("sh", "-c", f"echo out; echo err >&2; exit {status}")
    assert (done.returncode, done.stdout, done.stderr) == (status, "out\n", "err\n")


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV"])
def test_a_command_that_a_signal_ends_has_that_signal_and_128_beyond_it_in_a_shell(
    name: str,
) -> None:
    number = getattr(signal, f"SIG{name}")
    assert run("sh", "-c", f"kill -{name} $$").returncode == -number
    command = " ".join(f"'{word}'" for word in wrapped("sh", "-c", f"kill -{name} $$"))
    done = subprocess.run(
        ["sh", "-c", f"{command}; exit $?"], capture_output=True, timeout=PATIENCE_S
    )
    assert done.returncode == 128 + number


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "USR1", "USR2"])
def test_a_signal_for_the_wrapper_is_one_for_the_command(name: str) -> None:
    script = f"trap 'echo caught; exit 3' {name}; echo ready; while :; do sleep 0.01; done"
    with started("sh", "-c", script, flags=("--endpoint", NOWHERE)) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(getattr(signal, f"SIG{name}"))
        assert process.stdout.readline() == "caught\n"
        assert process.wait(PATIENCE_S) == 3


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [("/nonexistent/command", 127, "command not found"), ("/etc/passwd", 126, "Permission denied")],
)
def test_a_command_that_cannot_be_executed_has_the_status_of_a_shell(
    command: str, status: int, words: str
) -> None:
    done = run(command)
    assert done.returncode == status
    assert f"rackwatt-trace: {command}: {words}" in done.stderr


@pytest.mark.parametrize(
    "script",
    ["env", "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status", "ls /proc/self/fd", "ulimit -a", "cat", "nice"],
)  # fmt: skip
def test_a_command_has_all_that_it_would_have_without_a_wrapper(script: str) -> None:
    environment = {"PATH": os.environ["PATH"], "A": "1"}
    command = ("sh", "-c", f"{script} | cat")
    plain, traced = (
        subprocess.run(
            words, input="in\n", capture_output=True, text=True, env=environment, timeout=PATIENCE_S
        )
        for words in (command, wrapped(*command))
    )
    assert (traced.stdout, traced.stderr, traced.returncode) == (plain.stdout, "", 0)
    assert plain.stdout


def test_the_command_has_the_process_id_of_the_wrapper() -> None:
    with started("sh", "-c", "echo $$", flags=("--endpoint", NOWHERE)) as process:
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid


def test_a_command_that_waits_for_any_child_waits_for_its_own_alone() -> None:
    script = "import os, sys\ntry:\n    os.wait()\nexcept ChildProcessError:\n    sys.exit(5)"
    assert run(sys.executable, "-c", script).returncode == 5


def test_a_command_without_a_job_or_an_endpoint_runs_without_a_trace() -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("SLURM")
    }
    done = subprocess.run(
        [*WRAPPER, "--", "echo", "out"], capture_output=True, text=True, env=environment, timeout=PATIENCE_S
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "out\n")
    assert "no job id" in done.stderr
    assert "no endpoint" in done.stderr


def test_reports_have_what_the_processes_use(tmp_path: Path) -> None:
    script = "i=0; sleep 1000 & while :; do i=$((i+1)); done"
    with exporter(tmp_path) as run:
        flags = ("--endpoint", run.url, "--sample-rate", "0.2")
        with started(
            "sh", "-c", script, flags=flags, SLURM_PROCID="3", SLURM_STEP_ID="0"
        ) as process:
            (found,) = until(lambda: [one for one in traces(run) if (one["cpus"] or 0) > 0])
            assert (found["job_id"], found["step"], found["rank"]) == ("7", "0", 3)
            assert (found["pid"], found["processes"], found["threads"]) == (process.pid, 2, 2)
            assert found["mem"] > 100_000
            assert found["hostname"] == socket.gethostname()


def test_a_command_outlives_an_exporter_that_is_killed_in_the_middle_and_reports_to_the_next(
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    listen = f"--web.listen-address=127.0.0.1:{port}"
    flags = ("--endpoint", f"http://127.0.0.1:{port}", "--sample-rate", "0.1")
    with started("sh", "-c", "read line; exit 4", flags=flags) as process:
        for _ in range(2):
            with exporter(tmp_path, "", listen) as run:
                until(lambda: traces(run))
                run.stop(signal.SIGKILL)
            assert process.poll() is None
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(PATIENCE_S) == 4


def test_an_exporter_that_never_answers_delays_nothing() -> None:
    mark = f"MARK_{os.getpid()}_SILENT"
    with socket.socket() as silent:
        silent.settimeout(PATIENCE_S)
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        flags = ("--endpoint", f"127.0.0.1:{silent.getsockname()[1]}", "--sample-rate", "0.1")
        with started("sh", "-c", "read line; exit 4", flags=flags, **{mark: mark}) as process:
            connection, _ = silent.accept()
            with connection:
                assert samplers(mark)
                output, errors = process.communicate("\n", timeout=PATIENCE_S)
                assert (process.returncode, output, errors) == (4, "", "")
                until(lambda: not samplers(mark))


def test_the_sampler_ends_with_the_command_and_not_by_the_jobs_signals(tmp_path: Path) -> None:
    mark = f"MARK_{os.getpid()}_ENDS"
    script = "trap '' TERM USR1; echo ready; read line"
    with exporter(tmp_path) as run:
        flags = ("--endpoint", run.url, "--sample-rate", "0.1")
        with started("sh", "-c", script, flags=flags, **{mark: mark}) as process:
            until(lambda: traces(run))
            for path in Path("/proc").glob("[0-9]*/environ"):
                try:
                    is_ours = mark.encode() in path.read_bytes()
                except OSError:
                    continue
                for number in (signal.SIGTERM, signal.SIGUSR1) if is_ours else ():
                    os.kill(int(path.parent.name), number)
            assert samplers(mark)
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.wait(PATIENCE_S) == 0
            until(lambda: not samplers(mark))


def test_a_token_is_read_from_its_file_for_each_report_and_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "trace").mkdir()
    (tmp_path / "trace/token").write_text("old-token")
    theirs = tmp_path / "token"
    theirs.write_text("wrong-token\n")
    mark = f"MARK_{os.getpid()}_TOKEN"
    with exporter(tmp_path, ", tokenSecretRef: {name: trace, key: token}") as run:
        flags = (
            "--endpoint",
            run.url,
            "--sample-rate",
            "0.1",
            "--token-file",
            str(theirs),
            "--verbose",
        )
        with started("sh", "-c", "read line", flags=flags, **{mark: mark}) as process:
            assert process.stderr
            assert "401 " in process.stderr.readline()
            assert traces(run) == []
            theirs.write_text("old-token\n")
            until(lambda: traces(run))
            assert all(
                "token" not in words.replace("--token-file", "").replace(str(theirs), "")
                for words in samplers(mark)
            )
            _, errors = process.communicate("\n", timeout=PATIENCE_S)
        assert '200 {"listed": null}' in errors
        assert "old-token" not in errors
        assert "wrong-token" not in errors


def test_a_dry_run_prints_reports_and_sends_none(tmp_path: Path) -> None:
    with exporter(tmp_path) as run:
        flags = ("--endpoint", run.url, "--sample-rate", "0.1", "--dry-run")
        with started("sh", "-c", "read line", flags=flags) as process:
            assert process.stderr
            words = process.stderr.readline().removeprefix("rackwatt-trace: ")
            assert json.loads(words.removesuffix(": not sent\n"))["job_id"] == "7"
            process.communicate("\n", timeout=PATIENCE_S)
        assert traces(run) == []


def test_a_command_of_a_process_that_ignores_its_children_runs_traced(tmp_path: Path) -> None:
    with exporter(tmp_path) as run:
        command = wrapped("sh", "-c", "read line; exit 4", flags=("--endpoint", run.url))
        process = subprocess.Popen(
            ["sh", "-c", 'trap "" CHLD; exec "$@"', "sh", *command],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            until(lambda: traces(run))
            _, errors = process.communicate("\n", timeout=PATIENCE_S)
        assert (process.returncode, errors) == (4, "")


def test_the_sampler_ends_with_the_command_on_a_linux_without_pidfd(tmp_path: Path) -> None:
    mark = f"MARK_{os.getpid()}_OLD"
    script = "import os, sys; del os.pidfd_open; from rackwatt_trace.__main__ import main; main()"
    with exporter(tmp_path) as run:
        flags = ("--jobid", "7", "--endpoint", run.url, "--", "sh", "-c", "read line")
        process = subprocess.Popen(
            [sys.executable, "-c", script, *flags], stdin=subprocess.PIPE, text=True,
            env={**os.environ, mark: mark},
        )  # fmt: skip
        with process:
            until(lambda: traces(run))
            assert samplers(mark)
            process.communicate("\n", timeout=PATIENCE_S)
        until(lambda: not samplers(mark))
