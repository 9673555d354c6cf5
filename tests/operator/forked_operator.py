"""Operators that start within milliseconds: forks of one interpreter that has imported everything.

A hundred starts of an interpreter cost more than the work of those operators. A fork is a process
of its own like any other: its memory, connections and threads end by SIGKILL.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).parents[2]


class ForkedOperators:
    """One operator after the other; the next is started when the one before was killed."""

    def __init__(self, log: Path, *flags: str) -> None:
        self._command = [sys.executable, "-m", __name__, str(log), *flags]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._receive() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # it ends at the end of its input

    def start(self) -> None:
        """Start an operator."""
        self._send("start")

    def kill(self) -> None:
        """Kill it, as a machine that loses its power; it must have run until then."""
        self._send("kill")
        assert self._receive() == str(-signal.SIGKILL), "it ended by itself"

    def _send(self, word: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def _receive(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


def parent(log: Path, flags: list[str]) -> None:
    """Fork an operator and kill it for each pair of lines on standard input."""
    import rackwatt_operator.kube.auth
    import rackwatt_operator.operator  # noqa: F401 - this is what takes its time

    with log.open("a") as log_file:
        print("ready", flush=True)
        while sys.stdin.readline():
            child = os.fork()
            if not child:
                _be_operator(log_file, flags)
            sys.stdin.readline()  # its end is an end as well
            os.kill(child, signal.SIGKILL)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _be_operator(log: IO[str], flags: list[str]) -> None:
    from rackwatt_operator.__main__ import main

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for standard in (1, 2):
        os.dup2(log.fileno(), standard)
    random.seed()
    os._exit(main(["run", *flags]))


if __name__ == "__main__":
    parent(Path(sys.argv[1]), sys.argv[2:])
