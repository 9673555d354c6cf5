"""Every benchmark, one after the other, each in processes of its own: `make bench`.

Each prints its part of docs/benchmarks.md on standard output, and how far it is on standard error.
Nothing here passes or fails: a part that breaks, or takes too long, says so on the page, and the
others go on.
"""

import argparse
import datetime
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Part:
    """A benchmark: its name, its module and flags, and the seconds it may take."""

    name: str
    module: str
    flags: tuple[str, ...] = ()
    limit_s: float = 600.0


PARTS = (
    Part("ipmi", "bench_ipmi", limit_s=240),
    Part("snmp", "bench_snmp", limit_s=240),
    Part("redfish", "bench_redfish", limit_s=240),
    Part("reading", "bench_reading", limit_s=240),
    Part("load", "bench_load", ("ipmi",), 600),
    Part("load-mixed", "bench_load", ("mixed",), 720),
    Part("load-large", "bench_load", ("large",), 900),
    Part("page", "bench_page", limit_s=480),
    Part("prometheus", "bench_prometheus", limit_s=300),
    Part("ledger", "bench_ledger", limit_s=180),
    Part("scheduler", "bench_scheduler", limit_s=180),
    Part("scheduler-rest", "bench_slurmrestd", limit_s=300),
    Part("lustre", "bench_lustre", limit_s=240),
    Part("memory", "bench_memory", limit_s=600),
    Part("node", "bench_node", limit_s=180),
    Part("units", "bench_units", limit_s=180),
    Part("operator", "bench_operator", limit_s=900),
)


def parts(names: Sequence[str]) -> list[Part]:
    """Return the parts of these names, or all: those above, then whatever else is here."""
    named = {part.module for part in PARTS}
    others = sorted(path.stem for path in HERE.glob("bench_*.py") if path.stem not in named)
    every = [*PARTS, *(Part(module.removeprefix("bench_"), module) for module in others)]
    known = {part.name: part for part in every}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no benchmark is called {', '.join(unknown)}; known: {', '.join(known)}")
    return [known[name] for name in names] or every


def run(part: Part) -> str:
    """Run a part, and return its section of the page."""
    print(f"== {part.name}, within {part.limit_s:.0f} s", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"tests.bench.{part.module}", *part.flags]
    output: list[str] = []
    began_s = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        listener = threading.Thread(target=_echo, args=(process, output))
        listener.start()
        timer = threading.Timer(part.limit_s, _kill, [process])
        timer.start()
        try:
            section = process.stdout.read().strip()
            status = process.wait()
        finally:
            timer.cancel()
            _kill(process)  # with every process that it has left behind
        listener.join()
    if status == 0 and section:
        return section
    late = time.monotonic() - began_s >= part.limit_s
    why = f"not done in {part.limit_s:.0f} s" if late else f"exit status {status}"
    return f"## {part.name}\n\n**Failed:** {part.name}, {why}. Last line of its output: `{''.join(output[-1:]).strip()}`"


def _echo(process: "subprocess.Popen[str]", output: list[str]) -> None:
    assert process.stderr
    for line in process.stderr:
        output.append(line)
        print(line, end="", file=sys.stderr, flush=True)


def _kill(process: "subprocess.Popen[str]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def page(sections: Sequence[str], machine: str) -> str:
    """Join the sections to a page, which opens with every missed budget and failed part."""
    lines = [line for section in sections for line in section.splitlines()]
    missed = [line for line in lines if line.startswith(("**Missed:**", "**Failed:**"))]
    verdict = "Every budget is kept."
    if missed:
        verdict = "\n".join(f"- {line}" for line in missed)
    head = f"# Benchmarks\n\n<!-- made by `make bench` -->\n\n{machine}\n\n{_INTRO}\n\n{verdict}"
    return "\n\n".join([head, *sections]) + "\n"


_INTRO = (
    "Processor time is the kernel's count for the process, user and system. Budgets are what we hold"
    " ourselves to; a ratio is beside ours, against the same peer in the same run."
)


def machine() -> str:
    """Return the date, the machine and its load average."""
    today = datetime.datetime.now(datetime.UTC).date()
    model = "an unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{today}: {model}, {os.cpu_count()} cores, {platform.machine()}; "
        f"Python {platform.python_version()}, Linux {platform.release()}; "
        f"load average {os.getloadavg()[2]:.1f} in the quarter of an hour before."
    )


def main() -> None:
    """Run all, or those whose names are given (`python -m tests.bench ipmi`)."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--output", type=Path, help="where the page is written (standard output)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is under way ends, too
    where, sections = machine(), []
    for part in parts(arguments.names):
        sections.append(run(part))
        print(sections[-1], end="\n\n", flush=True)
    if arguments.output:
        arguments.output.write_text(page(sections, where))


if __name__ == "__main__":
    main()
